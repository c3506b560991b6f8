//! The kubeconfig: how people and tools reach the cluster, without a token in it.

use groundwork_contract::{AssumeRole, Input, Output, Region, eks::ClusterName, kubernetes::ProxyUrl};
use serde_json::{Value as Json, json};

use crate::{cluster::Cluster, ground::Ground, settings::KubeconfigStyle};

/// The kubeconfig as text: JSON, which is YAML as well. It is a secret, though it holds none: it tells where the cluster is.
pub fn kubeconfig(
    ground: &Ground,
    cluster: &Cluster,
    style: KubeconfigStyle,
    proxy: Option<&ProxyUrl>,
) -> Input<String> {
    let (region, profile, role) = (
        ground.region.clone(),
        ground.profile.clone(),
        ground.assume_role.clone(),
    );
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
                role: role.as_ref(),
            };
            write(&endpoint, &authority, &minting, proxy.as_deref()).to_string()
        });
    Input::secret(text)
}

/// Who mints the tokens, for which cluster, and as whom: as the provider, whom the cluster lets in.
struct Minting<'a> {
    style: KubeconfigStyle,
    cluster: &'a str,
    region: &'a Region,
    profile: Option<&'a str>,
    role: Option<&'a AssumeRole>,
}

impl Minting<'_> {
    fn exec(&self) -> Json {
        let Self {
            style,
            cluster,
            region,
            profile,
            role,
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
        args.extend(role.into_iter().flat_map(|role| ["--role-arn", role.role_arn.as_str()]));
        let mut exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": command,
            "args": args,
            "interactiveMode": "Never",
            "provideClusterInfo": false,
            "installHint": hint,
        });
        // Arguments can be seen by everybody on the machine.
        if let (Json::Object(map), Some(id)) = (&mut exec, role.and_then(|role| role.external_id.as_ref())) {
            map.insert(
                "env".to_owned(),
                json!([{"name": "GROUNDWORK_EXTERNAL_ID", "value": id}]),
            );
        }
        exec
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
        let exec = |style, profile, role: Option<&AssumeRole>| {
            let minting = Minting {
                style,
                cluster: "main",
                region: &region,
                profile,
                role,
            };
            let config = write("https://a", "QUJD", &minting, Some("http://proxy:3128"));
            assert_eq!(config["clusters"][0]["cluster"]["proxy-url"], "http://proxy:3128");
            assert!(!config.to_string().contains("k8s-aws-v1"));
            config["users"][0]["user"]["exec"].clone()
        };
        let line = |exec: &Json| {
            let words = exec["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap());
            let words: Vec<&str> = [exec["command"].as_str().unwrap()].into_iter().chain(words).collect();
            words.join(" ")
        };
        let ours = exec(KubeconfigStyle::Groundwork, None, None);
        assert_eq!(line(&ours), "groundwork token --cluster main --region eu-central-1");
        assert_eq!(ours.get("env"), None);
        let theirs = exec(KubeconfigStyle::Aws, Some("mine"), None);
        assert_eq!(
            line(&theirs),
            "aws eks get-token --cluster-name main --output json --region eu-central-1 --profile mine"
        );
        let role: AssumeRole = serde_json::from_value(json!({
            "roleArn": "arn:aws:iam::111122223333:role/platform/deploy",
            "externalId": "42",
        }))
        .unwrap();
        let ours = exec(KubeconfigStyle::Groundwork, Some("mine"), Some(&role));
        assert_eq!(
            line(&ours),
            "groundwork token --cluster main --region eu-central-1 --profile mine --role-arn \
             arn:aws:iam::111122223333:role/platform/deploy"
        );
        assert_eq!(ours["env"], json!([{"name": "GROUNDWORK_EXTERNAL_ID", "value": "42"}]));
        let theirs = exec(KubeconfigStyle::Aws, None, Some(&role));
        assert!(
            line(&theirs).ends_with("--region eu-central-1 --role-arn arn:aws:iam::111122223333:role/platform/deploy")
        );
    }
}
