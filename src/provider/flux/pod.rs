//! The pod of a bootstrap: restricted, and without a secret anywhere but by reference.

use groundwork_contract::flux::{BootstrapInputs, GitProvider, component_flags};
use serde_json::{Value as Json, json};

use super::objects::NAME;

/// The user of Flux' image, which is nobody.
const USER: u32 = 65534;

/// Where the Secret's key is mounted.
const KEY_FOLDER: &str = "/etc/flux-bootstrap";

/// What the Job runs. Source: Pod Security Standards, "Restricted"; fluxcd/flux2, `Dockerfile`.
pub(super) fn pod(inputs: &BootstrapInputs) -> Json {
    let mut environment = vec![json!({"name": "HOME", "value": "/tmp"})];
    let by_reference =
        |name: &str, key: &str| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": NAME, "key": key}}});
    let token = match inputs.provider {
        GitProvider::Github => "GITHUB_TOKEN",
        GitProvider::Gitlab => "GITLAB_TOKEN",
        GitProvider::Git => "GIT_PASSWORD",
    };
    if inputs.token.is_some() {
        environment.push(by_reference(token, "token"));
    } else if inputs.ssh_key_passphrase.is_some() {
        environment.push(by_reference("GIT_PASSWORD", "passphrase"));
    }
    let mut mounts = vec![json!({"name": "tmp", "mountPath": "/tmp"})];
    let mut volumes = vec![json!({"name": "tmp", "emptyDir": {}})];
    if inputs.ssh_key.is_some() {
        mounts.push(json!({"name": "key", "mountPath": KEY_FOLDER, "readOnly": true}));
        let items = json!([{"key": "identity", "path": "identity"}]);
        volumes.push(json!({"name": "key", "secret": {"secretName": NAME, "defaultMode": 0o440, "items": items}}));
    }
    let mut pod = json!({
        "serviceAccountName": NAME,
        "automountServiceAccountToken": true,
        // A failed pod stays, so that its log can be read.
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{
            "name": NAME,
            "image": inputs.image,
            "args": arguments(inputs),
            "env": environment,
            "resources": {
                "requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"memory": "512Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    });
    if let Some(pod) = pod.as_object_mut() {
        if let Some(selector) = &inputs.node_selector {
            pod.insert("nodeSelector".to_owned(), json!(selector));
        }
        if let Some(tolerations) = &inputs.tolerations {
            let said = tolerations.iter().map(|toleration| {
                let all = [
                    ("key", &toleration.key),
                    ("operator", &toleration.operator),
                    ("value", &toleration.value),
                    ("effect", &toleration.effect),
                ];
                let given = all
                    .into_iter()
                    .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
                Json::Object(given.collect())
            });
            pod.insert("tolerations".to_owned(), said.collect());
        }
    }
    pod
}

/// What `flux` is asked for; never a secret. Source: Flux 2.9, `flux bootstrap github|gitlab|git --help`.
fn arguments(inputs: &BootstrapInputs) -> Vec<String> {
    let mut arguments = vec!["bootstrap".to_owned(), inputs.provider.to_string()];
    let mut say = |name: &str, value: &str| arguments.push(format!("--{name}={value}"));
    let mut maybe = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            say(name, value);
        }
    };
    maybe("owner", inputs.owner.as_ref());
    maybe("repository", inputs.repository.as_ref());
    maybe("hostname", inputs.hostname.as_ref());
    maybe("url", inputs.url.as_ref());
    maybe("registry", inputs.registry.as_ref());
    maybe("interval", inputs.interval.as_ref());
    match inputs.provider {
        GitProvider::Github | GitProvider::Gitlab => {
            say("private", &inputs.private.to_string());
            say("personal", &inputs.personal.to_string());
            say("token-auth", &inputs.token_auth.to_string());
        }
        GitProvider::Git => {
            // Nobody is there to say yes.
            say("silent", "true");
            if inputs.token.is_some() {
                say("token-auth", "true");
                say("username", inputs.username.as_deref().unwrap_or("git"));
            }
            if inputs.ssh_key.is_some() {
                say("private-key-file", &format!("{KEY_FOLDER}/identity"));
            }
            if inputs.url.as_ref().is_some_and(|url| url.starts_with("http://")) {
                say("allow-insecure-http", "true");
            }
        }
    }
    say("branch", &inputs.branch);
    say("path", &inputs.path);
    say("namespace", &inputs.flux_namespace);
    say("secret-name", &inputs.secret_name);
    say("network-policy", &inputs.network_policy.to_string());
    if let Some(version) = &inputs.version {
        say("version", &format!("v{}", version.trim_start_matches('v')));
    }
    for (name, listed) in inputs.components.iter().flat_map(|all| component_flags(all)) {
        say(name, &listed);
    }
    // It gives up by itself, and says why, before the Job's deadline ends it without a word.
    say("timeout", &format!("{}s", inputs.deadline_seconds / 2));
    arguments
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PodSpec;
    use serde_json::json;

    use super::{super::record::tests::inputs, *};

    fn typed(change: Json) -> PodSpec {
        let rendered = pod(&inputs(change));
        let typed: PodSpec = serde_json::from_value(rendered.clone()).unwrap();
        assert_eq!(
            serde_json::to_value(&typed).unwrap(),
            rendered,
            "Kubernetes knows every field"
        );
        typed
    }

    #[test]
    fn the_pod_is_restricted() {
        let pod = typed(json!({"provider": "git", "url": "ssh://git@h/r", "token": null, "sshKey": "k"}));
        let context = pod.security_context.unwrap();
        assert_eq!(context.run_as_non_root, Some(true));
        assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
        for container in &pod.containers {
            let context = container.security_context.as_ref().unwrap();
            assert_eq!(context.allow_privilege_escalation, Some(false));
            assert_eq!(context.read_only_root_filesystem, Some(true));
            assert_eq!(context.capabilities.as_ref().unwrap().drop.as_deref().unwrap(), ["ALL"]);
        }
        // The restricted standard admits these kinds of volumes among a few others.
        for volume in pod.volumes.unwrap() {
            assert!(volume.empty_dir.is_some() || volume.secret.is_some(), "{}", volume.name);
        }
    }

    #[test]
    fn the_arguments_are_those_of_each_provider() {
        let said = |change| typed(change).containers[0].args.clone().unwrap().join(" ");
        let github = said(json!({"components": ["source-controller", "source-watcher"], "version": "2.9.4"}));
        assert!(
            github.starts_with("bootstrap github --owner=o --repository=r --private=true --personal=false"),
            "{github}"
        );
        assert!(
            github.contains("--components=source-controller --components-extra=source-watcher"),
            "{github}"
        );
        assert!(
            github.contains("--version=v2.9.4") && github.ends_with("--timeout=300s"),
            "{github}"
        );
        let none = json!({"provider": "git", "owner": null, "repository": null});
        let git = |more: Json| {
            let mut change = none.clone();
            change
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            said(change)
        };
        let https = git(json!({"url": "https://h/r"}));
        assert!(
            https.contains("--token-auth=true --username=git") && !https.contains("private"),
            "{https}"
        );
        let ssh = git(json!({"url": "ssh://git@h/r", "token": null, "sshKey": "k"}));
        assert!(ssh.contains("--private-key-file=/etc/flux-bootstrap/identity"), "{ssh}");
        assert!(!ssh.contains("token-auth"), "{ssh}");
    }

    #[test]
    fn where_it_may_run_is_the_users_to_say() {
        let pod = typed(json!({
            "nodeSelector": {"a": "b"},
            "tolerations": [{"key": "node.cilium.io/agent-not-ready", "operator": "Exists"}],
        }));
        assert_eq!(pod.node_selector.unwrap()["a"], "b");
        assert_eq!(pod.tolerations.unwrap()[0].operator.as_deref(), Some("Exists"));
    }
}
