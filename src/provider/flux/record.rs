//! What a bootstrap was run with: kept beside it without its secrets, so that it is known again.

use std::fmt::Write as _;

use groundwork_contract::flux::BootstrapInputs;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What says how the Job runs, and not what it does.
const AROUND: [&str; 5] = [
    "connection",
    "namespace",
    "deadlineSeconds",
    "nodeSelector",
    "tolerations",
];

/// What must never stand anywhere but in the Job's Secret.
const SECRET: [&str; 3] = ["token", "sshKey", "sshKeyPassphrase"];

/// What a bootstrap is run with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What Flux follows, by the inputs' names.
    pub(super) inputs: Map<String, Json>,
    /// The secrets, hashed with a salt that the state alone has: whoever reads this can try none out.
    secrets: String,
}

impl Record {
    /// Of inputs, with the salt of their resource.
    pub(super) fn of(inputs: &BootstrapInputs, salt: &str) -> Result<Self> {
        let Ok(Json::Object(mut followed)) = serde_json::to_value(inputs) else {
            return Err(Error::Bug("a bootstrap's inputs are no object".to_owned()));
        };
        followed.retain(|name, _| !AROUND.contains(&name.as_str()));
        let mut hash = Sha256::new();
        hash.update(salt);
        for name in SECRET {
            let secret = followed.remove(name).unwrap_or_default();
            hash.update(format!("\0{name}={secret}"));
        }
        let secrets = if salt.is_empty() {
            String::new()
        } else {
            hash.finalize().iter().fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        Ok(Self {
            inputs: followed,
            secrets,
        })
    }

    /// The one that was kept.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As it is kept.
    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Bug(error.to_string()))
    }

    /// Whether this was run with the same. What an older groundwork did not know counts as the same, and so do secrets when
    /// the salt is not known, as after an import.
    pub(super) fn covers(&self, desired: &Self) -> bool {
        let inputs = self.inputs.iter();
        let same = inputs
            .filter(|(name, _)| desired.inputs.contains_key(*name))
            .all(|(name, value)| desired.inputs.get(name) == Some(value));
        same && (desired.secrets.is_empty() || self.secrets == desired.secrets)
    }
}

/// Takes secrets out of a text, as they are, by line, and in base64.
pub(super) fn redacted(text: &str, inputs: &BootstrapInputs) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let secrets = [&inputs.token, &inputs.ssh_key, &inputs.ssh_key_passphrase];
    let mut words = Vec::new();
    for secret in secrets.into_iter().flatten().filter(|secret| !secret.trim().is_empty()) {
        words.push(secret.clone());
        words.push(secret.trim().to_owned());
        words.extend(
            secret
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= 8)
                .map(str::to_owned),
        );
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            words.push(engine.encode(secret));
        }
    }
    // The longest first: a part of a secret must not hide the rest of it.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word.as_str(), "[secret]"))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::flux) const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ";

    #[expect(clippy::needless_pass_by_value, reason = "each is made where it is asked")]
    pub(in crate::flux) fn inputs(change: Json) -> BootstrapInputs {
        let mut inputs = json!({
            "connection": {"endpoint": "https://a", "certificateAuthority": "Y2E=", "clusterName": "a"},
            "provider": "github", "owner": "o", "repository": "r", "token": TOKEN, "path": "./clusters/a",
            "branch": "main", "private": true, "personal": false, "tokenAuth": false, "networkPolicy": true,
            "fluxNamespace": "flux-system", "secretName": "flux-system", "namespace": "flux-bootstrap",
            "deadlineSeconds": 600, "image": "ghcr.io/fluxcd/flux-cli:v2.9.4",
        });
        inputs
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        serde_json::from_value(inputs).unwrap()
    }

    fn covered(change: Json) -> bool {
        let done = Record::of(&inputs(json!({})), "salt").unwrap();
        let kept = Record::parse(&done.text().unwrap()).unwrap();
        kept.covers(&Record::of(&inputs(change), "salt").unwrap())
    }

    #[test]
    fn a_record_knows_what_was_done_and_no_secret() {
        let text = Record::of(&inputs(json!({})), "salt").unwrap().text().unwrap();
        assert!(!text.contains(TOKEN) && text.contains("./clusters/a"), "{text}");
        assert!(covered(json!({})));
        assert!(!covered(json!({"token": "another"})));
        assert!(!covered(json!({"repository": "another"})));
        assert!(!covered(json!({"image": "ghcr.io/fluxcd/flux-cli:v2.9.5"})));
    }

    #[test]
    fn how_the_job_runs_is_no_reason_to_run_it_again() {
        assert!(covered(
            json!({"deadlineSeconds": 900, "namespace": "other", "nodeSelector": {"a": "b"}})
        ));
    }

    #[test]
    fn the_hash_of_a_secret_is_another_one_for_each_resource() {
        let of = |salt| Record::of(&inputs(json!({})), salt).unwrap().secrets;
        assert_ne!(of("one"), of("other"));
    }

    #[test]
    fn after_an_import_secrets_are_taken_as_they_are() {
        let done = Record::of(&inputs(json!({})), "salt").unwrap();
        assert!(done.covers(&Record::of(&inputs(json!({"token": "another"})), "").unwrap()));
        assert!(!done.covers(&Record::of(&inputs(json!({"path": "./b"})), "").unwrap()));
    }

    #[test]
    fn secrets_are_taken_out_of_what_a_pod_says() {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(TOKEN);
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
        let said = redacted(
            &format!("GET https://x:{TOKEN}@github.com 401; {encoded}; b3BlbnNzaC1rZXktdjEAAAAA; bad"),
            &inputs(json!({"sshKey": key})),
        );
        assert_eq!(said, "GET https://x:[secret]@github.com 401; [secret]; [secret]; bad");
    }
}
