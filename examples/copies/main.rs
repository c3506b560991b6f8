//! Many networks in one stack, or a whole platform, for `groundwork bench`; no example to learn from.
//!
//! `copies:kind` is `networks` (`copies:count` says how many) or `platform` (as `platform:` says). With `floor` and
//! `platform-floor` the same graph is registered once more as components, which no provider ever sees: what that takes is
//! the engine's and the SDK's own time.

use std::{collections::BTreeMap, process::ExitCode};

use groundwork_contract::InputNode;
use groundwork_program::{
    ground::Ground,
    network::Network,
    sample,
    sdk::{
        self, AnyResource, Context, IsResource as _, ResourceOptions, Result,
        mock::{self, Registration},
    },
};
use groundwork_wire::{PropertyValue, Urn};

fn main() -> ExitCode {
    sdk::run(|pulumi| async move {
        let config = pulumi.config("copies");
        let count = config.get::<usize>("count")?.unwrap_or(1);
        match config.get::<String>("kind")?.as_deref() {
            Some("floor") => floor(&pulumi, count).await,
            Some("platform") => groundwork_program::platform(pulumi).await,
            Some("platform-floor") => platform_floor(&pulumi).await,
            _ => networks(&pulumi, count).await,
        }
    })
}

/// The real thing.
async fn networks(pulumi: &Context, count: usize) -> Result {
    let plan = groundwork_program::planned(pulumi)?;
    let ground = Ground::new(pulumi, &plan).await?;
    for copy in 0..count {
        Network::new(&ground.renamed(&format!("copy-{copy}")), &plan.network).await?;
    }
    Ok(())
}

/// The same names, inputs and dependencies, without a provider.
async fn floor(pulumi: &Context, count: usize) -> Result {
    let recording = mock::run(sample::options(), |pulumi| async move { networks(&pulumi, 1).await }).await?;
    let custom: Vec<&Registration> = recording
        .registrations
        .iter()
        .filter(|registration| !registration.token.starts_with("pulumi:"))
        .collect();
    let (copied, shared): (Vec<&Registration>, Vec<&Registration>) = custom
        .into_iter()
        .partition(|registration| registration.name.starts_with("copy-0"));
    let mut once = BTreeMap::new();
    for registration in &shared {
        let component = register(pulumi, registration, &registration.name, &once);
        once.insert(registration.urn.clone(), component);
    }
    for copy in 0..count {
        let mut made = once.clone();
        for registration in &copied {
            let name = registration.name.replacen("copy-0", &format!("copy-{copy}"), 1);
            let component = register(pulumi, registration, &name, &made);
            made.insert(registration.urn.clone(), component);
        }
    }
    Ok(())
}

/// The names, inputs and dependencies of a platform with the same settings, without a provider.
async fn platform_floor(pulumi: &Context) -> Result {
    let config = pulumi.config("platform");
    let mut settings = sample::options();
    for key in config.keys() {
        if let Some(value) = config.get_secret::<String>(key)?
            && let Some(text) = value.revealed().value().await?
        {
            settings = settings.config(&format!("platform:{key}"), &text);
        }
    }
    let recording = mock::run(settings, groundwork_program::platform).await?;
    let mut made = BTreeMap::new();
    for registration in &recording.registrations {
        if !registration.token.starts_with("pulumi:") {
            let component = register(pulumi, registration, &registration.name, &made);
            made.insert(registration.urn.clone(), component);
        }
    }
    Ok(())
}

fn register(
    pulumi: &Context,
    registration: &Registration,
    name: &str,
    made: &BTreeMap<Urn, AnyResource>,
) -> AnyResource {
    let before = registration.dependencies.iter().filter_map(|urn| made.get(urn));
    let mut options = ResourceOptions::new().depends_on_all(before);
    if let Some(parent) = registration.parent.as_ref().and_then(|urn| made.get(urn)) {
        options = options.parent(parent);
    }
    let inputs = InputNode::from(PropertyValue::Object(registration.inputs.clone()));
    let token = registration.token.replacen("groundwork:", "copies:", 1);
    pulumi.component_with(&token, name, inputs, options).any().clone()
}
