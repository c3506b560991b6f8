//! A program's life: from the engine's variables to an exit code.

use std::{
    env,
    future::Future,
    io::Write as _,
    panic::{self, PanicHookInfo},
    process::{self, ExitCode},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use groundwork_contract::{InputNode, OutputError};
use groundwork_wire::{
    proto::{LogRequest, LogSeverity, engine_client::EngineClient},
    serve,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::de::DeserializeOwned;
use tokio::{runtime, task::JoinError};
use tonic::Code;

use super::{
    AnyResource, Context, Deployment, ResourceOptions, Result, Severity,
    place::Place,
    registration::{Kind, Plan, refused},
};

/// What a program ends with when the user has been told what is wrong.
const TOLD: u8 = 32;

/// Runs a program as the engine's language host starts it: the one place that reads the environment.
///
/// Returns when the deployment has ended. The exit code is 0, or 32 when the user has been told what is wrong.
#[track_caller]
pub fn run<P, F>(program: P) -> ExitCode
where
    P: FnOnce(Context) -> F + Send + 'static,
    F: Future<Output = Result> + Send + 'static,
{
    match start(program, Place::caller()) {
        Ok(code) => code.into(),
        Err(why) => {
            // There is no engine to tell it to.
            drop(writeln!(std::io::stderr(), "error: {why}"));
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum NoEngine {
    #[error("{0} is not set: this is a Pulumi program, which `pulumi up` runs")]
    Unset(&'static str),
    #[error("{0} is no JSON: {1}")]
    Malformed(&'static str, serde_json::Error),
    #[error(transparent)]
    Address(#[from] serve::InvalidAddress),
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
}

fn start<P, F>(program: P, place: Place) -> std::result::Result<u8, NoEngine>
where
    P: FnOnce(Context) -> F + Send + 'static,
    F: Future<Output = Result> + Send + 'static,
{
    let (deployment, monitor, engine) = environment(|name| env::var(name).ok().filter(|value| !value.is_empty()))?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let (address, told) = (engine.clone(), AtomicBool::new(false));
    panic::set_hook(Box::new(move |info| {
        // What panics because something else has adds nothing.
        if !told.swap(true, Ordering::AcqRel) {
            on_panic(&address, &panic_text(info));
        }
        if cfg!(panic = "abort") {
            process::exit(i32::from(TOLD));
        }
    }));
    runtime.block_on(async {
        let context = Context::connect(deployment, &monitor, &engine)?;
        context.leave_panics_to_the_hook();
        Ok(tell(&context, program, place).await)
    })
}

fn panic_text(info: &PanicHookInfo<'_>) -> String {
    let place = info
        .location()
        .map(|place| format!("{}:{}: ", place.file(), place.line()))
        .unwrap_or_default();
    format!("{place}the program panicked: {}", payload_text(info.payload()))
}

/// Tells of a panic from whatever thread it happens on, before the process can end: on a thread and a connection of its
/// own, for the thread's runtime may be what panics.
fn on_panic(engine: &str, message: &str) {
    let (engine, message) = (engine.to_owned(), message.to_owned());
    let teller = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut engine = EngineClient::new(serve::connect(&engine)?);
            let severity = LogSeverity::Error.into();
            // An engine that no longer listens has nobody to show it to.
            drop(
                engine
                    .log(LogRequest {
                        severity,
                        message,
                        ..LogRequest::default()
                    })
                    .await,
            );
            Ok::<_, NoEngine>(())
        })
    });
    drop(teller.join());
}

/// What the language host says in its variables: the deployment, the monitor's and the engine's address.
fn environment(
    variable: impl Fn(&'static str) -> Option<String>,
) -> std::result::Result<(Deployment, String, String), NoEngine> {
    let required = |name| variable(name).ok_or(NoEngine::Unset(name));
    let deployment = Deployment {
        project: required("PULUMI_PROJECT")?,
        stack: required("PULUMI_STACK")?,
        organization: variable("PULUMI_ORGANIZATION").unwrap_or_else(|| "organization".to_owned()),
        dry_run: variable("PULUMI_DRY_RUN").is_some_and(|text| matches!(text.as_str(), "true" | "True" | "1")),
        root_directory: variable("PULUMI_ROOT_DIRECTORY"),
        config: json("PULUMI_CONFIG", variable("PULUMI_CONFIG"))?,
        secret_keys: json("PULUMI_CONFIG_SECRET_KEYS", variable("PULUMI_CONFIG_SECRET_KEYS"))?,
        defaults: json("GROUNDWORK_DEFAULTS", variable("GROUNDWORK_DEFAULTS"))?,
        today: TimeZone::UTC.to_datetime(Timestamp::now()).date(),
    };
    Ok((deployment, required("PULUMI_MONITOR")?, required("PULUMI_ENGINE")?))
}

/// A variable that holds JSON, or nothing.
fn json<T: DeserializeOwned + Default>(name: &'static str, text: Option<String>) -> std::result::Result<T, NoEngine> {
    match text {
        Some(text) => serde_json::from_str(&text).map_err(|error| NoEngine::Malformed(name, error)),
        None => Ok(T::default()),
    }
}

/// Tells a program to the engine, from the stack to the end of the deployment. Answers the exit code.
pub(super) async fn tell<P, F>(context: &Context, program: P, place: Place) -> u8
where
    P: FnOnce(Context) -> F + Send + 'static,
    F: Future<Output = Result> + Send + 'static,
{
    let stack = context.register(Plan {
        token: "pulumi:pulumi:Stack".to_owned(),
        name: format!("{}-{}", context.project(), context.stack()),
        kind: Kind::Component,
        inputs: InputNode::Object([].into()),
        options: ResourceOptions::new(),
        place,
    });
    if stack.registered().await.is_ok() {
        let within = context.within(&stack);
        match tokio::spawn(async move { program(within).await }).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                context.fail();
                if let Some(message) = error.untold() {
                    context.log(Severity::Error, message);
                }
            }
            Err(error) => context.report_panic(error),
        }
    }
    context.settle().await;
    if !context.has_failed()
        && let Err(error) = finish(context, &stack).await
    {
        context.report(&error, "the stack's exports");
    }
    context.flush().await;
    if context.has_failed() { TOLD } else { 0 }
}

async fn finish(context: &Context, stack: &AnyResource) -> std::result::Result<(), OutputError> {
    context.send_outputs(stack, context.take_exports()).await?;
    // What an export began.
    context.settle().await;
    if context.has_failed() {
        return Ok(());
    }
    match context.inner.monitor.clone().signal_and_wait_for_shutdown(()).await {
        Ok(_) => Ok(()),
        // An engine without it ends by itself; one that has ended has what it needs.
        Err(status) if matches!(status.code(), Code::Unimplemented | Code::Unavailable | Code::Cancelled) => Ok(()),
        Err(status) => Err(refused(&status)),
    }
}

/// What a panic said.
pub(super) fn panic_message(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => payload_text(payload.as_ref()),
        Err(error) => error.to_string(),
    }
}

fn payload_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "for an unknown reason".to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use groundwork_wire::proto::engine_server::{Engine, EngineServer};

    use super::*;

    #[derive(Clone, Default)]
    struct Listening(Arc<Mutex<Vec<LogRequest>>>);

    #[tonic::async_trait]
    impl Engine for Listening {
        async fn log(
            &self,
            request: tonic::Request<LogRequest>,
        ) -> std::result::Result<tonic::Response<()>, tonic::Status> {
            self.0.lock().unwrap().push(request.into_inner());
            Ok(tonic::Response::new(()))
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_told_from_the_thread_that_panics_before_the_process_can_end() {
        let engine = Listening::default();
        let listener = serve::Listener::bind().await.unwrap();
        let address = listener.address().to_string();
        let router = tonic::transport::Server::builder().add_service(EngineServer::new(engine.clone()));
        let server = tokio::spawn(listener.serve(router, std::future::pending()));
        on_panic(
            &address,
            "src/program/network.rs:42: the program panicked: out of cheese",
        );
        let told = engine.0.lock().unwrap().clone();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].severity(), LogSeverity::Error);
        assert_eq!(
            told[0].message,
            "src/program/network.rs:42: the program panicked: out of cheese"
        );
        server.abort();
    }

    #[test]
    fn the_environment_says_what_is_deployed() {
        let variables = BTreeMap::from([
            ("PULUMI_PROJECT", "platform"),
            ("PULUMI_STACK", "dev"),
            ("PULUMI_DRY_RUN", "true"),
            ("PULUMI_CONFIG", r#"{"platform:a":"1"}"#),
            ("PULUMI_CONFIG_SECRET_KEYS", r#"["platform:a"]"#),
            ("PULUMI_MONITOR", "127.0.0.1:1"),
            ("PULUMI_ENGINE", "127.0.0.1:2"),
        ]);
        let read = |name: &'static str| variables.get(name).map(|value| (*value).to_owned());
        let (deployment, monitor, engine) = environment(read).unwrap();
        assert_eq!((monitor.as_str(), engine.as_str()), ("127.0.0.1:1", "127.0.0.1:2"));
        assert!(deployment.dry_run && deployment.secret_keys.contains("platform:a"));
        assert_eq!(deployment.config["platform:a"], "1");
        assert_eq!(deployment.organization, "organization");
        let missing = environment(|name| read(name).filter(|_| name != "PULUMI_MONITOR"))
            .unwrap_err()
            .to_string();
        assert_eq!(
            missing,
            "PULUMI_MONITOR is not set: this is a Pulumi program, which `pulumi up` runs"
        );
        let malformed = environment(|name| {
            if name == "PULUMI_CONFIG" {
                Some("{".to_owned())
            } else {
                read(name)
            }
        });
        assert!(
            malformed
                .unwrap_err()
                .to_string()
                .starts_with("PULUMI_CONFIG is no JSON")
        );
    }
}
