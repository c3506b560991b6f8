//! A stack of the platform, its settings, and its outputs, secrets and all.

use std::{io::Write as _, process::Stdio};

use serde_json::Value as Json;

use crate::{Cloud, programs, stack::Stack};

impl Stack {
    /// The platform's program on a local cloud that has Pulumi.
    pub(crate) fn of_platform(cloud: &Cloud, settings: &[(&str, &str)]) -> Self {
        Self::of(cloud, &programs().join("platform"), settings)
    }

    /// Sets what is inside another setting.
    pub(crate) fn set(&self, path: &str, value: &str) {
        self.succeed(&["config", "set", "--path", path, value]);
    }

    /// Sets a secret; it goes by standard input, as arguments can be seen.
    pub(crate) fn set_secret(&self, path: &str, value: &str) {
        let mut child = self
            .command(&["config", "set", "--secret", "--path", path])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// The outputs, secrets and all.
    pub(crate) fn outputs_revealed(&self) -> Json {
        self.json(&["stack", "output", "--json", "--show-secrets"])
    }
}
