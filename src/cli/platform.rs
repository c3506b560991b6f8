//! The platform on a local cloud: the settings that it needs there beside its preset.

use clap::ValueEnum;
use groundwork_local::cloud::{ACCOUNT, REGION};
use serde_json::json;

use crate::error::Result;
use crate::pulumi::{Pulumi, Setting};

/// What Flux is given here. It opens nothing: on a local cloud nobody asks GitHub.
const TOKEN: &str = "a-token-of-the-local-cloud";

/// The sets of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// Safe: what is costly or dangerous must be asked for
    Standard,
    /// The exact choices of the architectures that the platform re-implements
    Demo,
    /// No way to or from the internet
    Private,
}

impl Preset {
    const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Demo => "demo",
            Self::Private => "private",
        }
    }
}

/// A platform with a cluster and Flux: its preset, and the architecture that preset `demo` shows.
pub(crate) fn settings(preset: Preset, part: Option<u8>) -> Vec<Setting> {
    let mut settings = vec![
        ("groundwork:region", json!(REGION)),
        ("platform:preset", json!(preset.word())),
    ];
    settings.extend(part.map(|part| ("platform:part", json!(part))));
    if preset == Preset::Private {
        let registry = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com");
        settings.push(("platform:images", json!({ "registry": registry })));
        settings.push(("platform:git", json!({"host": "git.example.internal"})));
    }
    settings.push(("platform:flux", json!({"owner": "somebody", "repository": "fleet"})));
    settings
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Gives a stack the secrets that go with [`settings`].
pub(crate) async fn give_secrets(pulumi: &Pulumi<'_>) -> Result<()> {
    pulumi.set_secret("platform:flux.token", TOKEN).await
}

/// The name of the platform's cluster.
pub(crate) fn cluster(preset: Preset, part: Option<u8>) -> &'static str {
    match (preset, part) {
        (Preset::Demo, Some(1)) => "demo-k8s",
        (Preset::Demo, _) => "demo-k8s-cilium",
        (Preset::Standard | Preset::Private, _) => "main",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_gets_the_settings_that_it_requires() {
        let keys = |preset, part| -> Vec<_> { settings(preset, part).into_iter().map(|(key, _)| key).collect() };
        assert_eq!(
            keys(Preset::Standard, None),
            ["groundwork:region", "platform:preset", "platform:flux"]
        );
        assert_eq!(
            keys(Preset::Demo, Some(1)),
            ["groundwork:region", "platform:preset", "platform:part", "platform:flux"]
        );
        assert_eq!(
            keys(Preset::Private, None),
            [
                "groundwork:region",
                "platform:preset",
                "platform:images",
                "platform:git",
                "platform:flux"
            ]
        );
    }
}
