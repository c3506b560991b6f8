//! The kubeconfig: how people and tools reach the cluster, without a token in it.

use groundwork_contract::{Input, Output, Region, eks::ClusterName, kubernetes::ProxyUrl};
use serde_json::{Value as Json, json};

use crate::{cluster::Cluster, ground::Ground, settings::KubeconfigStyle};

/// The kubeconfig as text: JSON, which is YAML as well. It is a secret, though it holds none: it tells where the cluster is.
pub fn kubeconfig(
    ground: &Ground,
    cluster: &Cluster,
    style: KubeconfigStyle,
    proxy: Option<&ProxyUrl>,
) -> Input<String> {
    let (region, profile) = (ground.region.clone(), ground.profile.clone());
    let proxy = proxy.map(ToString::to_string);
    let resource = &cluster.resource;
    let text: Output<String> = resource
        .endpoint
        .zip3(&resource.certificate_authority, &cluster.name)
        .map(move |(endpoint, authority, name): (String, String, ClusterName)| {
            let minting = Minting {
                style,
                cluster: name.as_str(),
                region: &region,
                profile: profile.as_deref(),
            };
            write(&endpoint, &authority, &minting, proxy.as_deref()).to_string()
        });
    Input::secret(text)
}

/// Who mints the tokens, and for which cluster.
struct Minting<'a> {
    style: KubeconfigStyle,
    cluster: &'a str,
    region: &'a Region,
    profile: Option<&'a str>,
}

impl Minting<'_> {
    fn exec(&self) -> Json {
        let Self {
            style,
            cluster,
            region,
            profile,
        } = *self;
        let region = region.as_str();
        let (command, mut args, hint) = match style {
            KubeconfigStyle::Groundwork => (
                "groundwork",
                vec!["token", "--cluster", cluster, "--region", region],
                "groundwork mints the token; `cargo install --path .` in a clone of it puts it on the PATH",
            ),
            KubeconfigStyle::Aws => (
                "aws",
                vec![
                    "eks",
                    "get-token",
                    "--cluster-name",
                    cluster,
                    "--output",
                    "json",
                    "--region",
                    region,
                ],
                "the AWS CLI mints the token; see https://aws.amazon.com/cli/",
            ),
        };
        args.extend(profile.into_iter().flat_map(|profile| ["--profile", profile]));
        json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": command,
            "args": args,
            "interactiveMode": "Never",
            "provideClusterInfo": false,
            "installHint": hint,
        })
    }
}

fn write(endpoint: &str, authority: &str, minting: &Minting<'_>, proxy: Option<&str>) -> Json {
    let name = minting.cluster;
    let mut cluster = json!({"server": endpoint, "certificate-authority-data": authority});
    if let (Json::Object(map), Some(proxy)) = (&mut cluster, proxy) {
        map.insert("proxy-url".to_owned(), proxy.into());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"exec": minting.exec()}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_names_who_mints_the_token_and_holds_none() {
        let region: Region = "eu-central-1".parse().unwrap();
        let user = |style, profile| {
            let minting = Minting {
                style,
                cluster: "main",
                region: &region,
                profile,
            };
            let config = write("https://a", "QUJD", &minting, Some("http://proxy:3128"));
            assert_eq!(config["clusters"][0]["cluster"]["proxy-url"], "http://proxy:3128");
            assert!(!config.to_string().contains("k8s-aws-v1"));
            config["users"][0]["user"]["exec"].clone()
        };
        let ours = user(KubeconfigStyle::Groundwork, None);
        assert_eq!(ours["command"], "groundwork");
        assert_eq!(
            ours["args"],
            json!(["token", "--cluster", "main", "--region", "eu-central-1"])
        );
        let theirs = user(KubeconfigStyle::Aws, Some("mine"));
        assert_eq!(
            (&theirs["args"][1], &theirs["args"][9]),
            (&json!("get-token"), &json!("mine"))
        );
    }
}
