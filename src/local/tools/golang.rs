//! Building a tool with Go, from the module and the checksums that the crate carries.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::{Tool, Version, child, find_program, search_path};
use crate::{Error, Result, Ui, embedded};

const OLDEST: Version = Version(1, 26, 0);

/// Builds all programs of the tool and moves them into `folder` at once. The caller holds the lock on `home`.
pub(super) async fn build(tool: &Tool, home: &Path, folder: &Path, ui: &Ui) -> Result<Duration> {
    let go = find(tool, &search_path()).await?;
    clear(home)?;
    let work = tempfile::Builder::new()
        .prefix("build-")
        .tempdir_in(home)
        .map_err(Error::file("create", home))?;
    let (sources, programs) = (work.path().join("src"), work.path().join("out"));
    embedded::unpack(&embedded::folder(&format!("tools/{}", tool.name)), &sources)?;
    fs::create_dir_all(&programs).map_err(Error::file("create", &programs))?;

    let log = home.join("build.log");
    fs::write(&log, "").map_err(Error::file("write", &log))?;
    let what = format!("the build of {} {}", tool.name, tool.version);
    let mut step = ui.step(
        format!("building {} {}", tool.name, tool.version),
        Some(estimate(tool.about)),
    );

    let packages = tool.programs.iter().map(|(_, package)| *package);
    let mut list = command(&go, tool, &sources);
    list.args(["list", "-deps", "-mod=readonly", "-tags", tool.tags])
        .args(packages);
    let needed = child::run(list, &what, &log, |line| step.at(line)).await?;
    step.parts(needed.len().try_into().unwrap_or_default());

    for (name, package) in tool.programs {
        let mut build = command(&go, tool, &sources);
        build.args(["build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"]);
        build
            .args(["-tags", tool.tags, "-ldflags", tool.ldflags, "-o"])
            .arg(programs.join(name))
            .arg(package);
        // `-v` names each package that had to be compiled: those that Go has in its own cache pass in silence.
        let compiled = |line: &str| {
            if !line.starts_with("go: ") {
                step.part();
            }
            step.at(line);
        };
        child::run(build, &what, &log, compiled).await?;
    }
    if let Some((first, _)) = tool.programs.first()
        && !tool.ask_version.is_empty()
    {
        let built = tool.version_of(&programs.join(first)).await;
        if built != Some(tool.version) {
            let says = built.map_or_else(|| "no version".to_owned(), |version| version.to_string());
            let ended = format!("what was built says {says}, not {}", tool.version);
            return Err(Error::Prepare {
                what,
                ended,
                tail: String::new(),
                log,
            });
        }
    }
    if folder.exists() {
        // Incomplete: somebody has deleted a part of it.
        fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
    }
    fs::rename(&programs, folder).map_err(Error::file("rename", &programs))?;
    Ok(step.done(format_args!("built {} {}", tool.name, tool.version)))
}

/// `about` is for two cores.
fn estimate(about: Duration) -> Duration {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    about.mul_f64(2.0 / f64::from(u32::try_from(cores.clamp(1, 8)).unwrap_or(2)))
}

/// Takes away what a build that was killed has left.
fn clear(home: &Path) -> Result<()> {
    for entry in fs::read_dir(home).map_err(Error::file("read", home))? {
        let path = entry.map_err(Error::file("read", home))?.path();
        if path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("build-"))
        {
            fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

fn command(go: &Path, tool: &Tool, sources: &Path) -> Command {
    let mut command = child::command(go);
    command.current_dir(sources).envs(tool.env.iter().copied());
    // No C compiler is needed, and no workspace or flag of the user's changes what is built.
    command.env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "");
    command
}

async fn find(tool: &Tool, path: &[PathBuf]) -> Result<PathBuf> {
    let missing = |found: String| Error::Prerequisite {
        name: "Go",
        minimum: "1.26",
        found,
        needed_for: format!("building {} {}", tool.name, tool.version),
        get: format!(
            "install Go from https://go.dev/dl/ or your package manager and put it on PATH; \
             or put {} from {} up to, but not, {} on PATH, and nothing is built",
            tool.name, tool.accepted.0, tool.accepted.1
        ),
    };
    let Some(go) = find_program("go", path) else {
        return Err(missing("there is no `go` on PATH".to_owned()));
    };
    match child::answer(&go, &["version"], &[])
        .await
        .as_deref()
        .and_then(Version::find)
    {
        Some(version) if version >= OLDEST => Ok(go),
        Some(version) => Err(missing(format!("{} is Go {version}", go.display()))),
        None => Err(missing(format!("{} does not tell its version", go.display()))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tools::PULUMI;

    #[tokio::test]
    async fn without_go_the_error_names_it_its_version_and_the_ways_out() {
        let text = find(&PULUMI, &[]).await.unwrap_err().explain().to_string();
        assert_eq!(
            text,
            "Go 1.26 or newer is missing\n  because   there is no `go` on PATH; building pulumi 3.259.0 needs it\n  \
             do        install Go from https://go.dev/dl/ or your package manager and put it on PATH; \
             or put pulumi from 3.255.0 up to, but not, 4.0.0 on PATH, and nothing is built"
        );
    }

    #[tokio::test]
    async fn an_old_go_is_named_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let go = folder.path().join("go");
        fs::write(&go, "#!/bin/sh\necho go version go1.22.1 linux/amd64\n").unwrap();
        fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
        let error = find(&PULUMI, &[folder.path().to_owned()]).await.unwrap_err();
        assert!(error.because().contains("is Go 1.22.1"), "{}", error.because());
    }

    #[test]
    fn what_a_killed_build_left_is_cleared_and_what_was_built_stays() {
        let home = tempfile::tempdir().unwrap();
        for name in ["build-x1", "3.259.0-linux"] {
            fs::create_dir(home.path().join(name)).unwrap();
        }
        clear(home.path()).unwrap();
        assert!(!home.path().join("build-x1").exists());
        assert!(home.path().join("3.259.0-linux").exists());
    }
}
