//! A platform that is only told, not made: for goldens, and for the picture of what gets built.

use groundwork_contract::eks::REFUSED_ZONE_IDS;
use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::{Value as Json, json};

use crate::sdk::{
    Result,
    mock::{Answer, Invocation, Options, Recording, Registration, run},
};

/// The region of the sample.
pub const REGION: &str = "eu-central-1";

/// What a region without peculiarities answers.
pub fn options() -> Options {
    Options::new("platform", "dev")
        .config("groundwork:region", REGION)
        .answer(answer)
        .invoke(invoke)
}

/// The registrations of the platform with these settings (`platform:<key>`).
///
/// # Errors
/// The recorder could not be started.
pub async fn record(settings: &[(&str, &str)]) -> Result<Recording> {
    let options = settings.iter().fold(options(), |options, (key, value)| {
        options.config(&format!("platform:{key}"), value)
    });
    run(options, crate::platform).await
}

/// A hand-over to a repository on GitHub.
pub const FLUX: &str = r#"{"owner": "sample", "repository": "fleet", "token": "sample"}"#;

/// The settings that a preset cannot do without.
pub fn preset(name: &str) -> Vec<(&'static str, &'static str)> {
    match name {
        "demo" => vec![("preset", "demo"), ("flux", FLUX)],
        "demo-1" => vec![("preset", "demo"), ("part", "1"), ("flux", FLUX)],
        "private" => vec![
            ("preset", "private"),
            (
                "images",
                r#"{"registry": "111122223333.dkr.ecr.eu-central-1.amazonaws.com"}"#,
            ),
            ("git", r#"{"host": "git.internal"}"#),
        ],
        _ => Vec::new(),
    }
}

fn answer(registration: &Registration) -> Answer {
    match registration.token.as_str() {
        "groundwork:ec2:Subnet" => Answer::outputs([("availabilityZone", "eu-central-1a")]),
        "groundwork:ec2:Eip" => Answer::outputs([("allocationId", format!("{}-id", registration.name))]),
        "groundwork:eks:Cluster" => {
            let name = registration
                .inputs
                .get("name")
                .and_then(PropertyValue::as_str)
                .unwrap_or_default();
            let host = "0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com";
            let issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF";
            with_id(
                name,
                [
                    ("arn", format!("arn:aws:eks:{REGION}:111122223333:cluster/{name}")),
                    ("endpoint", format!("https://{host}")),
                    ("certificateAuthority", "U0FNUExF".to_owned()),
                    ("oidcIssuer", issuer.to_owned()),
                    ("clusterSecurityGroupId", "sg-0123456789abcdef0".to_owned()),
                ],
            )
        }
        "groundwork:iam:Role" | "groundwork:iam:InstanceProfile" => {
            let name = registration
                .inputs
                .get("name")
                .and_then(PropertyValue::as_str)
                .unwrap_or_default();
            with_id(name, [("arn", format!("arn:aws:iam::111122223333:role/{name}"))])
        }
        "groundwork:iam:OpenIdConnectProvider" => {
            let arn = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF";
            with_id(arn, [("arn", arn.to_owned())])
        }
        "groundwork:iam:Policy" => {
            let name = registration
                .inputs
                .get("name")
                .and_then(PropertyValue::as_str)
                .unwrap_or_default();
            let arn = format!("arn:aws:iam::111122223333:policy/{name}");
            with_id(&arn, [("arn", arn.clone())])
        }
        "groundwork:ec2:LaunchTemplate" => Answer::outputs([("latestVersion", 1.0)]),
        "groundwork:kms:Key" => Answer::outputs([(
            "arn",
            format!("arn:aws:kms:{REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        )]),
        "groundwork:helm:Release" => Answer::outputs([("manifestDigest", "0123456789abcdef")]),
        _ => Answer::default(),
    }
}

fn with_id<const N: usize>(id: &str, outputs: [(&str, String); N]) -> Answer {
    let outputs = outputs.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
    Answer::Made {
        id: Some(id.into()),
        outputs: outputs.collect(),
    }
}

/// What a region without peculiarities answers to functions.
///
/// # Errors
/// The sample knows no such function, or is asked for what the platform should not use.
pub fn invoke(invocation: &Invocation) -> std::result::Result<PropertyMap, String> {
    let answer = match invocation.token.as_str() {
        "groundwork:index:getRegion" => json!({"region": REGION}),
        "groundwork:sts:getCallerIdentity" => json!({
            "account": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/sample",
            "userId": "AIDASAMPLE",
        }),
        "groundwork:ec2:getAvailabilityZones" => {
            let asked = invocation
                .args
                .get("excludeZoneIds")
                .and_then(PropertyValue::as_array)
                .unwrap_or_default();
            if asked.len() != REFUSED_ZONE_IDS.len() {
                return Err("the zones that EKS refuses are not excluded".to_owned());
            }
            json!({
                "names": ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
                "zoneIds": ["euc1-az2", "euc1-az3", "euc1-az1"],
            })
        }
        "groundwork:ec2:getVpcEndpointServices" => services(invocation),
        "groundwork:eks:getClusterVersions" => {
            let version = |version: &str, status: &str| json!({"version": version, "status": status, "default": version == "1.35"});
            json!({
                "versions": [
                    version("1.36", "STANDARD"),
                    version("1.35", "STANDARD"),
                    version("1.34", "STANDARD"),
                    version("1.33", "EXTENDED"),
                ],
                "defaultVersion": "1.35",
            })
        }
        other => return Err(format!("the sample has no answer for {other}")),
    };
    match PropertyValue::from(answer) {
        PropertyValue::Object(map) => Ok(map),
        _ => Err("the answer is no object".to_owned()),
    }
}

/// Every service in every zone, but the one that is known not to be.
fn services(invocation: &Invocation) -> Json {
    let asked = invocation
        .args
        .get("serviceNames")
        .and_then(PropertyValue::as_array)
        .unwrap_or_default();
    let services: Vec<Json> = asked
        .iter()
        .filter_map(PropertyValue::as_str)
        .map(|name| {
            let zones: &[&str] = if name.ends_with("email-smtp") {
                &["eu-central-1a", "eu-central-1c"]
            } else {
                &["eu-central-1a", "eu-central-1b", "eu-central-1c"]
            };
            json!({
                "serviceName": name,
                "serviceType": ["Interface"],
                "availabilityZones": zones,
                "supportsPolicy": true,
            })
        })
        .collect();
    json!({"services": services})
}

#[cfg(test)]
mod tests {
    use groundwork_contract::all;

    use super::*;

    /// The recorder's ids are names, which no id of AWS's is.
    fn without_ids(inputs: &PropertyMap) -> PropertyMap {
        fn hidden(value: &PropertyValue) -> PropertyValue {
            match value.plain() {
                PropertyValue::String(text) if text.ends_with("-id") => PropertyValue::UNKNOWN,
                PropertyValue::Array(items) => PropertyValue::Array(items.iter().map(hidden).collect()),
                PropertyValue::Object(map) => PropertyValue::Object(without_ids(map)),
                other => other.clone(),
            }
        }
        inputs.iter().map(|(key, value)| (key.clone(), hidden(value))).collect()
    }

    #[tokio::test]
    async fn every_preset_is_told_whole_and_passes_check() {
        let contracts = all();
        let mut failures = Vec::new();
        for name in ["standard", "demo", "demo-1", "private"] {
            let recording = record(&preset(name)).await.unwrap();
            assert_eq!(recording.errors(), Vec::<&str>::new(), "{name}");
            for registration in &recording.registrations {
                let Some(contract) = contracts.iter().find(|contract| contract.token == registration.token) else {
                    continue;
                };
                let found = contract.check(&contract.with_defaults(without_ids(&registration.inputs)));
                failures.extend(
                    found
                        .iter()
                        .map(|failure| format!("{name}: {}: {failure}", registration.name)),
                );
            }
        }
        assert_eq!(failures, Vec::<String>::new());
    }
}
