//! `groundwork local …`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use crate::cloud::{FAULT_KINDS, FOREIGN, Fault, REGION, default_state};
use crate::kubernetes::supervisor;
use crate::process::tail;
use crate::ui::in_figures;
use crate::wait::until;
use crate::{Error, LocalCloud, Options, Result, Rhythm, Ui};

/// An AWS of your own on this machine: no account, no cost
#[derive(Debug, Clone, Args)]
pub struct LocalArgs {
    /// Folder that holds everything of this local cloud [default: one in the cache for each project]
    #[arg(long, global = true, env = "GROUNDWORK_STATE", value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: LocalCommand,
}

/// The verbs of `groundwork local`.
#[derive(Debug, Clone, Subcommand)]
pub enum LocalCommand {
    /// Bring the local cloud up; it stays up until `down`
    Up {
        /// How long each transition of AWS takes: 2s, 50ms
        #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "2s", conflicts_with = "speed")]
        settle: Duration,
        /// Let each transition take AWS's usual time, divided by this
        #[arg(long, value_name = "FACTOR", value_parser = parse_speed)]
        speed: Option<f64>,
        /// Region that `env` names
        #[arg(long, default_value = REGION)]
        region: String,
    },
    /// End every process of it, and those that a crashed run has left
    Down,
    /// Say what is up; exits with 1 when it is not
    Status,
    /// Empty it: resources, calls, faults, hazards; Pulumi's stacks are set aside
    Reset,
    /// Show what its processes wrote
    Logs {
        /// The process, all when left out
        name: Option<String>,
        /// How many lines of each
        #[arg(short = 'n', long, default_value_t = 40)]
        lines: usize,
        /// Go on until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Print the environment that Pulumi and AWS SDKs need: eval "$(groundwork local env)"
    Env,
    /// Show which calls AWS was asked, oldest first
    Calls {
        /// Only those after this number
        #[arg(long, default_value_t = 0)]
        since: u64,
        /// As JSON, one a line, with parameters
        #[arg(long)]
        json: bool,
    },
    /// Things that AWS does unasked: log groups that come back, network interfaces that stay
    #[command(subcommand)]
    Hazards(HazardCommand),
    /// Calls that fail on purpose
    #[command(subcommand)]
    Faults(FaultCommand),
    /// Keep a control plane for each EKS cluster; `up` starts it
    #[command(hide = true)]
    KubernetesSupervisor,
}

/// The verbs of `groundwork local hazards`.
#[derive(Debug, Clone, Subcommand)]
pub enum HazardCommand {
    /// Switch hazards on
    Set {
        /// Their names, as `list` shows them
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Switch all off
    Clear,
    /// Show which there are and which are on
    List,
}

/// The verbs of `groundwork local faults`.
#[derive(Debug, Clone, Subcommand)]
pub enum FaultCommand {
    /// Let calls fail from now on
    Set(FaultArgs),
    /// Take all away
    Clear,
    /// Show which are set, and how often each struck
    List,
}

/// What is to fail, and how.
#[derive(Debug, Clone, Args)]
pub struct FaultArgs {
    /// How
    #[arg(value_parser = FAULT_KINDS)]
    kind: String,
    /// Which calls, as globs
    #[arg(default_value = "*:*", value_name = "SERVICE:OPERATION")]
    call: String,
    /// The first matching call that fails, counted from 1
    #[arg(long)]
    nth: Option<u32>,
    /// How many fail; with neither --nth nor this, all
    #[arg(long)]
    count: Option<u32>,
    /// Only calls whose parameters contain this
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// AWS's error code
    #[arg(long)]
    code: Option<String>,
    /// How long, for kinds that take time: 5s
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    time: Option<Duration>,
}

/// Does what the command says. Results go to the `ui`'s first writer, progress to its second; errors are the caller's to show
/// ([`Error::explain`]).
pub async fn run(args: LocalArgs, ui: &Ui) -> Result<ExitCode> {
    let state = match args.state {
        Some(state) if !state.as_os_str().is_empty() => state,
        _ => default_state()?,
    };
    match args.command {
        LocalCommand::Up { settle, speed, region } => {
            let rhythm = speed.map_or(Rhythm::Settle(settle), Rhythm::Speed);
            return up(
                Options {
                    rhythm,
                    region,
                    ..Options::new(state)?
                },
                ui,
            )
            .await;
        }
        LocalCommand::Down => down(&state, ui).await?,
        LocalCommand::Status => return status(&state, ui).await,
        LocalCommand::Reset => {
            LocalCloud::attach(&state).await?.reset().await?;
            ui.line("The local cloud is empty.");
        }
        LocalCommand::Logs { name, lines, follow } => logs(&state, name.as_deref(), lines, follow, ui).await?,
        LocalCommand::Env => {
            let cloud = LocalCloud::attach(&state).await?;
            ui.line(exports(&cloud.env()));
        }
        LocalCommand::Calls { since, json } => calls(&LocalCloud::attach(&state).await?, since, json, ui).await?,
        LocalCommand::Hazards(command) => hazards(&LocalCloud::attach(&state).await?, command, ui).await?,
        LocalCommand::KubernetesSupervisor => supervisor::run(&state, Ui::stdio()).await?,
        LocalCommand::Faults(command) => faults(&LocalCloud::attach(&state).await?, command, ui).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn up(options: Options, ui: &Ui) -> Result<ExitCode> {
    let started = Instant::now();
    let cloud = tokio::select! {
        cloud = LocalCloud::up(&options, ui) => cloud?,
        _ = tokio::signal::ctrl_c() => {
            LocalCloud::end(&options.state).await?;
            ui.note("Interrupted; nothing of the local cloud is left running.");
            return Ok(ExitCode::from(130));
        }
    };
    let what = if cloud.is_fresh() {
        format!("The local cloud is up ({}).", in_figures(started.elapsed()))
    } else {
        "The local cloud was up already.".to_owned()
    };
    ui.line(what);
    ui.line(format_args!("  AWS    {}", cloud.endpoint()));
    ui.line(format_args!("  state  {}", cloud.state().display()));
    // As it was started: from a clone there is no `groundwork` on PATH.
    let groundwork = if std::env::var_os("CARGO").is_some() {
        "cargo run -q --release --"
    } else {
        "groundwork"
    };
    ui.line(format_args!("  next   eval \"$({groundwork} local env)\""));
    ui.line("         pulumi stack select --create dev && pulumi up");
    Ok(ExitCode::SUCCESS)
}

async fn down(state: &Path, ui: &Ui) -> Result<()> {
    let stopped = LocalCloud::end(state).await?;
    if stopped.is_empty() {
        ui.line("Nothing was up.");
    }
    for process in stopped {
        ui.line(format_args!("Ended {process}."));
    }
    Ok(())
}

async fn status(state: &Path, ui: &Ui) -> Result<ExitCode> {
    let status = LocalCloud::status(state).await?;
    match (&status.endpoint, &status.trouble) {
        (Some(endpoint), _) => ui.line(format_args!("up      AWS at {endpoint}")),
        (None, reason) => ui.line(format_args!(
            "down    {}",
            reason.as_deref().unwrap_or("nothing is known")
        )),
    }
    ui.line(format_args!("state   {}", status.state.display()));
    for process in &status.processes {
        let condition = if process.alive {
            format!("up {}", in_figures(process.age))
        } else {
            "ended".to_owned()
        };
        ui.line(format_args!(
            "        {process}  {condition}  {}",
            process.log.display()
        ));
    }
    for (name, folder) in &status.tools {
        ui.line(format_args!("tool    {name}  {}", folder.display()));
    }
    Ok(if status.endpoint.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn logs(state: &Path, name: Option<&str>, lines: usize, follow: bool, ui: &Ui) -> Result<()> {
    let mut logs = LocalCloud::logs(state)?;
    if let Some(name) = name {
        let names = logs.keys().cloned().collect::<Vec<_>>().join(", ");
        logs.retain(|known, _| known == name);
        if logs.is_empty() {
            return Err(Error::Argument {
                what: format!("there is no log of {name}"),
                because: if names.is_empty() {
                    "nothing was started yet".to_owned()
                } else {
                    format!("there are: {names}")
                },
                remedy: "`groundwork local logs` shows all".to_owned(),
            });
        }
    }
    let many = logs.len() > 1;
    let mark = |name: &str| if many { format!("{name}: ") } else { String::new() };
    let mut ends = BTreeMap::new();
    for (name, path) in &logs {
        let length = std::fs::metadata(path).map_or(0, |facts| facts.len());
        for line in tail(path, lines).lines() {
            ui.line(format_args!("{}{line}", mark(name)));
        }
        ends.insert(name.clone(), length);
    }
    if !follow {
        return Ok(());
    }
    loop {
        for (name, path) in &logs {
            let end = ends.entry(name.clone()).or_default();
            for line in new_lines(path, end).map_err(Error::file("read", path))? {
                ui.line(format_args!("{}{line}", mark(name)));
            }
        }
        let pause = Duration::from_millis(200);
        until(pause, pause, || std::future::ready(Ok(None::<()>))).await?;
    }
}

/// The whole lines behind `end`, which is moved. A file that has become shorter is a new one.
fn new_lines(path: &Path, end: &mut u64) -> std::io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() < *end {
        *end = 0;
    }
    file.seek(SeekFrom::Start(*end))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    bytes.truncate(whole);
    *end += u64::try_from(whole).unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

async fn calls(cloud: &LocalCloud, since: u64, json: bool, ui: &Ui) -> Result<()> {
    for call in cloud.journal(since).await? {
        if json {
            ui.line(serde_json::to_string(&call).unwrap_or_default());
            continue;
        }
        let outcome = match (call.status, &call.error_code) {
            (_, Some(code)) => code.clone(),
            (Some(status), None) => status.to_string(),
            (None, None) => "under way".to_owned(),
        };
        let fault = call
            .fault
            .map(|kind| format!("  ({kind} on purpose)"))
            .unwrap_or_default();
        ui.line(format_args!(
            "{:>6}  {}:{}  {outcome}{fault}",
            call.n, call.service, call.operation
        ));
    }
    Ok(())
}

async fn hazards(cloud: &LocalCloud, command: HazardCommand, ui: &Ui) -> Result<()> {
    match command {
        HazardCommand::Set { names } => {
            for name in names {
                cloud.set_hazard(&name).await?;
                ui.line(format_args!("{name} is on."));
            }
        }
        HazardCommand::Clear => {
            cloud.clear_hazards().await?;
            ui.line("All hazards are off.");
        }
        HazardCommand::List => {
            for (name, on) in cloud.hazards().await? {
                ui.line(format_args!("{:<4}{name}", if on { "on" } else { "off" }));
            }
        }
    }
    Ok(())
}

async fn faults(cloud: &LocalCloud, command: FaultCommand, ui: &Ui) -> Result<()> {
    match command {
        FaultCommand::Set(args) => {
            let fault = cloud.set_fault(&args.into_fault()?).await?;
            ui.line(describe(&fault));
        }
        FaultCommand::Clear => {
            cloud.clear_faults().await?;
            ui.line("No fault is set.");
        }
        FaultCommand::List => {
            for fault in cloud.faults().await? {
                ui.line(describe(&fault));
            }
        }
    }
    Ok(())
}

impl FaultArgs {
    fn into_fault(self) -> Result<Fault> {
        let Some((service, operation)) = self.call.split_once(':') else {
            return Err(Error::Argument {
                what: format!("`{}` names no call", self.call),
                because: "a call is a service and an operation with a colon between".to_owned(),
                remedy: "write it like ec2:CreateVpc or ec2:Create*".to_owned(),
            });
        };
        Ok(Fault {
            kind: self.kind,
            service: Some(service.to_owned()),
            operation: Some(operation.to_owned()),
            nth: self.nth,
            count: self.count,
            contains: self.contains,
            code: self.code,
            seconds: self.time.map(|time| time.as_secs_f64()),
            ..Fault::default()
        })
    }
}

fn describe(fault: &Fault) -> String {
    let calls = format!(
        "{}:{}",
        fault.service.as_deref().unwrap_or("*"),
        fault.operation.as_deref().unwrap_or("*")
    );
    let which = match (fault.nth, fault.count) {
        (None, None) => "every call".to_owned(),
        (nth, count) => format!("{} from call {}", count.unwrap_or(1), nth.unwrap_or(1)),
    };
    format!(
        "{:>3}  {}  {calls}  {which}; met {}, struck {}",
        fault.id, fault.kind, fault.met, fault.struck
    )
}

/// Lines for a POSIX shell.
fn exports(env: &BTreeMap<String, String>) -> String {
    let mut lines = vec![format!("unset {}", FOREIGN.join(" "))];
    lines.extend(
        env.iter()
            .map(|(name, value)| format!("export {name}={}", quoted(value))),
    );
    lines.join("\n")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `2s`, `50ms`, `1.5m`; without a unit, seconds.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let unit = match text.strip_prefix(number).unwrap_or_default() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        other => return Err(format!("`{other}` is no unit: ms, s and m are")),
    };
    let number: f64 = number.parse().map_err(|_| "write it like 2s or 50ms".to_owned())?;
    Duration::try_from_secs_f64(number * unit).map_err(|error| error.to_string())
}

/// A factor above 0.
pub fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("write a number above 0: 60 makes minutes seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: LocalArgs,
    }

    fn parse(line: &str) -> LocalArgs {
        Cli::try_parse_from(line.split_whitespace()).unwrap().args
    }

    #[test]
    fn the_command_line_holds_together() {
        <Cli as clap::CommandFactory>::command().debug_assert();
        let args = parse("local up --speed 60 --state /s");
        assert_eq!(args.state, Some("/s".into()));
        assert!(matches!(args.command, LocalCommand::Up { speed: Some(60.0), .. }));
        assert!(Cli::try_parse_from(["local", "up", "--speed", "0"]).is_err());
        assert!(Cli::try_parse_from(["local", "up", "--speed", "2", "--settle", "1s"]).is_err());
    }

    #[test]
    fn times_have_units() {
        assert_eq!(parse_time("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_time("2"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_time("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse_time("1.5m"), Ok(Duration::from_secs(90)));
        assert!(parse_time("2h").is_err() && parse_time("s").is_err() && parse_time("-1s").is_err());
    }

    #[test]
    fn a_fault_is_written_as_one_speaks_of_it() {
        let LocalCommand::Faults(FaultCommand::Set(args)) =
            parse("local faults set throttle ec2:Create* --nth 2 --count 3 --for 5s").command
        else {
            panic!("it is something else")
        };
        let fault = args.into_fault().unwrap();
        assert_eq!(
            describe(&fault),
            "  0  throttle  ec2:Create*  3 from call 2; met 0, struck 0"
        );
        assert_eq!(fault.seconds, Some(5.0));
    }

    #[test]
    fn a_shell_reads_back_exactly_what_was_exported() {
        let value = "a 'b' $HOME `c` \\ \"d\"\ne";
        let script = format!(
            "{}\nprintf %s \"$X\"",
            exports(&[("X".to_owned(), value.to_owned())].into())
        );
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
    }

    #[test]
    fn following_shows_whole_lines_once_and_notices_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut end = 0;
        std::fs::write(&log, "one\ntw").unwrap();
        assert_eq!(new_lines(&log, &mut end).unwrap(), ["one"]);
        std::fs::write(&log, "one\ntwo\n").unwrap();
        assert_eq!(new_lines(&log, &mut end).unwrap(), ["two"]);
        std::fs::write(&log, "new\n").unwrap();
        assert_eq!(new_lines(&log, &mut end).unwrap(), ["new"]);
    }
}
