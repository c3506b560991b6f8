//! The rules of a hand-over to Flux.

use groundwork_wire::PropertyPath;

use super::{BootstrapArgs, GitProvider, bootstrap_id::is_label};
use crate::{Failure, Input};

/// The controllers that Flux 2.9 has. The first four are those that it brings by itself.
pub(super) const COMPONENTS: [&str; 7] = [
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
    "source-watcher",
];

/// The flags of `flux bootstrap` that name controllers: those that it brings by itself, and others beside them.
#[must_use]
pub fn component_flags(components: &[String]) -> Vec<(&'static str, String)> {
    let own = COMPONENTS.get(..4).unwrap_or_default();
    let (own, extra): (Vec<&str>, Vec<&str>) = components
        .iter()
        .map(String::as_str)
        .partition(|component| own.contains(component));
    [("components", own), ("components-extra", extra)]
        .into_iter()
        .filter(|(_, listed)| !listed.is_empty())
        .map(|(flag, listed)| (flag, listed.join(",")))
        .collect()
}

fn known<T: serde::de::DeserializeOwned>(input: Option<&Input<T>>) -> Option<T> {
    input.and_then(Input::known)
}

pub(super) fn check(args: &BootstrapArgs) -> Vec<Failure> {
    let provider = match &args.provider {
        None => Some(GitProvider::Github),
        Some(provider) => provider.known(),
    };
    let mut failures = match provider {
        None => Vec::new(),
        Some(GitProvider::Git) => check_git(args),
        Some(hosted) => check_hosted(args, hosted),
    };
    failures.extend(args.image.known().and_then(|image| check_image(&image)));
    failures.extend(args.path.known().and_then(|path| check_path(&path)));
    failures.extend(check_namespaces(args));
    if let Some(seconds) = known(args.deadline_seconds.as_ref())
        && !(60..=3600).contains(&seconds)
    {
        let reason =
            format!("is from 60 to 3600 seconds, not {seconds}: images are pulled, and Flux waits for its controllers");
        failures.push(Failure::at("deadlineSeconds", reason));
    }
    for (index, component) in known(args.components.as_ref()).into_iter().flatten().enumerate() {
        if !COMPONENTS.contains(&component.as_str()) {
            let near = crate::check::nearest(&component, COMPONENTS.iter().copied());
            let hint = near.map_or_else(
                || format!("; it has {}", COMPONENTS.join(", ")),
                |near| format!("; did you mean {near:?}?"),
            );
            failures.push(Failure::new(
                PropertyPath::root().key("components").index(index),
                format!("{component:?} is no controller of Flux{hint}"),
            ));
        }
    }
    failures
}

fn check_hosted(args: &BootstrapArgs, provider: GitProvider) -> Vec<Failure> {
    let required = [
        ("owner", args.owner.is_some(), "who owns the repository"),
        ("repository", args.repository.is_some(), "the repository's name"),
        ("token", args.token.is_some(), "what the repository is reached with"),
    ];
    let needless = [
        ("url", args.url.is_some()),
        ("username", args.username.is_some()),
        ("sshKey", args.ssh_key.is_some()),
        ("sshKeyPassphrase", args.ssh_key_passphrase.is_some()),
    ];
    let missing = required
        .into_iter()
        .filter(|(_, given, _)| !given)
        .map(|(name, _, what)| Failure::at(name, format!("is required when provider is {provider}: {what}")));
    let extra = needless.into_iter().filter(|(_, given)| *given).map(|(name, _)| {
        let reason =
            format!("is for provider git; {provider} is reached with owner, repository and token, so leave it out");
        Failure::at(name, reason)
    });
    missing.chain(extra).collect()
}

fn check_git(args: &BootstrapArgs) -> Vec<Failure> {
    let needless = [
        ("owner", args.owner.is_some()),
        ("repository", args.repository.is_some()),
        ("hostname", args.hostname.is_some()),
    ];
    let mut failures: Vec<Failure> = needless
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| Failure::at(name, "is for GitHub and GitLab; here url says it all, so leave it out"))
        .collect();
    let Some(url) = &args.url else {
        failures.push(Failure::at(
            "url",
            "is required when provider is git: the repository's address",
        ));
        return failures;
    };
    let Some(url) = url.known() else { return failures };
    let Some((scheme, rest)) = url.split_once("://") else {
        let reason = format!("{url:?} is no address of a repository; expected https://… or ssh://…");
        failures.push(Failure::at("url", reason));
        return failures;
    };
    // A password in an address would stand in the Job, and in Flux' own objects.
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        failures.push(Failure::at(
            "url",
            "has a password in it, which everybody could read; give it as token",
        ));
    }
    let key = args.ssh_key.is_some();
    match scheme {
        "ssh" if !key => failures.push(Failure::at("sshKey", "is required: url is reached over SSH")),
        "https" | "http" if args.token.is_none() => {
            failures.push(Failure::at("token", "is required: url is reached over HTTPS"));
        }
        "https" | "http" if key => failures.push(Failure::at("sshKey", "is for ssh://…; leave it out")),
        "ssh" | "https" | "http" => {}
        _ => {
            let reason = format!("begins with {scheme}://; expected https://… or ssh://…");
            failures.push(Failure::at("url", reason));
        }
    }
    failures
}

/// An image whose tag says nothing may be another one tomorrow.
fn check_image(image: &str) -> Option<Failure> {
    if let Some((_, digest)) = image.split_once('@') {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        let whole = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        return (!whole).then(|| Failure::at("image", "has a digest that is not sha256: and 64 hexadecimal digits"));
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    let reason = match name.split_once(':') {
        Some((_, "latest")) => "has the tag latest, which is another image each week",
        Some((_, tag)) if !tag.is_empty() => return None,
        _ => "has neither tag nor digest",
    };
    Some(Failure::at(
        "image",
        format!("{reason}; take ghcr.io/fluxcd/flux-cli:v2.9.4@sha256:…, or at least its tag"),
    ))
}

fn check_path(path: &str) -> Option<Failure> {
    let wrong = path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..");
    wrong.then(|| {
        let reason = format!("{path:?} is no folder in the repository (such as \"./clusters/platform\")");
        Failure::at("path", reason)
    })
}

fn check_namespaces(args: &BootstrapArgs) -> Vec<Failure> {
    let own = known(args.namespace.as_ref());
    let flux = known(args.flux_namespace.as_ref());
    let mut failures = Vec::new();
    for (name, given) in [("namespace", &own), ("fluxNamespace", &flux)] {
        if let Some(given) = given.as_ref().filter(|given| !is_label(given)) {
            let reason = format!("{given:?} is no name of a namespace: 1 to 63 of a-z, 0-9 and -, no - at either end");
            failures.push(Failure::at(name, reason));
        }
    }
    let flux = flux.unwrap_or_else(|| "flux-system".to_owned());
    if let Some(own) = own
        && (own == flux || own == "default" || own.starts_with("kube-"))
    {
        let reason = format!(
            "{own:?} is not the Job's alone: it is deleted after it; take one of its own, such as flux-bootstrap"
        );
        failures.push(Failure::at("namespace", reason));
    }
    failures
}

#[cfg(test)]
mod tests {
    use groundwork_wire::PropertyValue;
    use serde_json::json;

    use crate::{descriptor::Descriptor, flux::Bootstrap};

    #[expect(clippy::needless_pass_by_value, reason = "each is made where it is asked")]
    fn paths(change: serde_json::Value) -> Vec<String> {
        let mut inputs = json!({
            "connection": {"endpoint": "https://a", "certificateAuthority": "Y2E=", "clusterName": "a"},
            "owner": "o", "repository": "r", "token": "t", "path": "./clusters/a",
            "image": "ghcr.io/fluxcd/flux-cli:v2.9.4",
        });
        inputs
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<Bootstrap>();
        let failures = descriptor.check(&descriptor.with_defaults(map));
        failures.iter().map(|failure| failure.path.to_string()).collect()
    }

    #[test]
    fn each_provider_has_what_it_needs_and_no_more() {
        let none = Vec::<String>::new();
        assert_eq!(paths(json!({})), none);
        assert_eq!(
            paths(json!({"token": null, "sshKey": "k", "url": "ssh://git@h/r"})),
            ["sshKey", "token", "url"]
        );
        let git = |more: serde_json::Value| {
            let mut inputs = json!({"provider": "git", "owner": null, "repository": null, "token": null});
            inputs
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            paths(inputs)
        };
        assert_eq!(git(json!({"url": "ssh://git@h/r", "sshKey": "k"})), none);
        assert_eq!(git(json!({"url": "https://h/r", "token": "t"})), none);
        assert_eq!(git(json!({})), ["url"]);
        assert_eq!(git(json!({"url": "ssh://git@h/r"})), ["sshKey"]);
        assert_eq!(git(json!({"url": "https://h/r"})), ["token"]);
        assert_eq!(git(json!({"url": "https://u:p@h/r", "token": "t"})), ["url"]);
        assert_eq!(git(json!({"url": "git@h:r", "sshKey": "k"})), ["url"]);
        assert_eq!(
            git(json!({"url": "https://h/r", "token": "t", "owner": "o"})),
            ["owner"]
        );
    }

    #[test]
    fn an_image_that_may_be_any_is_refused() {
        for image in [
            "flux-cli",
            "ghcr.io/fluxcd/flux-cli:latest",
            "ghcr.io:443/fluxcd/flux-cli",
            "a@sha256:12",
        ] {
            assert_eq!(paths(json!({"image": image})), ["image"], "{image}");
        }
        let pinned = format!("ghcr.io/fluxcd/flux-cli:v2.9.4@sha256:{}", "a".repeat(64));
        assert!(paths(json!({"image": pinned})).is_empty());
    }

    #[test]
    fn the_job_has_a_namespace_of_its_own() {
        for namespace in ["flux-system", "kube-system", "default", "Flux"] {
            assert_eq!(paths(json!({"namespace": namespace})), ["namespace"], "{namespace}");
        }
        assert_eq!(paths(json!({"fluxNamespace": "flux-bootstrap"})), ["namespace"]);
    }

    #[test]
    fn a_mistake_of_a_word_is_named() {
        assert_eq!(paths(json!({"path": "../elsewhere"})), ["path"]);
        assert_eq!(paths(json!({"deadlineSeconds": 5})), ["deadlineSeconds"]);
        assert_eq!(
            paths(json!({"components": ["source-controller", "helm-controler"]})),
            ["components[1]"]
        );
    }

    #[test]
    fn a_changed_token_is_a_change_and_one_that_cannot_be_read_is_none() {
        let descriptor = Descriptor::of::<Bootstrap>();
        let map = |json: serde_json::Value| PropertyValue::from(json).as_object().cloned().unwrap();
        let changes = |old, new| -> Vec<String> {
            descriptor
                .diff(&map(old), &map(new))
                .keys()
                .map(ToString::to_string)
                .collect()
        };
        assert_eq!(changes(json!({"token": "a"}), json!({"token": "b"})), ["token"]);
        assert!(changes(json!({}), json!({"token": "b"})).is_empty());
        assert!(changes(json!({"token": "a"}), json!({"token": "a"})).is_empty());
    }
}
