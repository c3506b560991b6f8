//! A platform that is only told, not made: for goldens, and for the picture of what gets built.

use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::{Value as Json, json};

use crate::{
    plan::REFUSED_ZONE_IDS,
    sdk::{
        Result,
        mock::{Answer, Invocation, Options, Recording, Registration, run},
    },
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

/// The settings that a preset cannot do without.
pub fn preset(name: &str) -> Vec<(&'static str, &'static str)> {
    match name {
        "demo" => vec![("preset", "demo")],
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
        _ => Answer::default(),
    }
}

fn invoke(invocation: &Invocation) -> std::result::Result<PropertyMap, String> {
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
