//! What the documents count and price is what the program registers.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract::{
    Region,
    prices::{Item, Monthly, monthly},
};
use groundwork_program::{
    sample,
    sdk::mock::{Recording, Registration},
};
use groundwork_wire::PropertyValue;

use crate::{markdown::rows, read};

/// Dollars for 730 hours in us-east-1, as the README has them.
const NAT: f64 = 0.045 * 730.0;
const ADDRESS: f64 = 0.005 * 730.0;
const ENDPOINT_IN_A_ZONE: f64 = 0.01 * 730.0;

async fn preset(name: &str) -> Recording {
    sample::record(&sample::preset(name)).await.unwrap()
}

fn price(item: Item<'_>) -> f64 {
    let region: Region = "us-east-1".parse().unwrap();
    let Monthly(price) = monthly(&region, item).unwrap();
    price
}

/// What the instances of a group cost, as many as there are at first.
fn instances(group: &Registration) -> f64 {
    let inputs = &group.to_json()["inputs"];
    let kind = inputs["instanceTypes"][0].as_str().unwrap();
    inputs["scalingConfig"]["desiredSize"].as_f64().unwrap() * price(Item::Instance(kind))
}

/// What CoreDNS costs on Fargate: two pods of the smallest size, for it asks for less.
fn coredns(addon: &Registration) -> f64 {
    let inputs = &addon.to_json()["inputs"];
    let pod = Item::FargatePod {
        vcpu: 0.25,
        gigabytes: 0.5,
    };
    if inputs["configurationValues"]["computeType"] == "Fargate" {
        2.0 * price(pod)
    } else {
        0.0
    }
}

fn of<'a>(recording: &'a Recording, kind: &str) -> impl Iterator<Item = &'a Registration> {
    let token = format!("groundwork:{kind}");
    recording
        .registrations
        .iter()
        .filter(move |registration| registration.token == token)
}

#[tokio::test]
async fn the_numbers_of_resources_are_the_programs() {
    let text = read("docs/network.md");
    let row = rows(&text)
        .into_iter()
        .find(|row| row[0].starts_with("resources, without"))
        .unwrap();
    let mut counts = Vec::new();
    for name in ["standard", "demo", "private"] {
        let recording = preset(name).await;
        let ours = recording
            .registrations
            .iter()
            .filter(|registration| registration.token.starts_with("groundwork:"));
        counts.push(ours.count().to_string());
    }
    assert_eq!(row[1..], counts);
}

#[tokio::test]
async fn the_presets_cost_what_they_register() {
    let text = read("README.md");
    for (name, settings) in [
        ("`standard` (default)", sample::preset("standard")),
        (
            "`standard` with `network.nat: single`",
            vec![("network", r#"{"nat": "single"}"#)],
        ),
        ("`demo`", sample::preset("demo")),
        ("`demo` with `part: 1`", sample::preset("demo-1")),
        ("`private`", sample::preset("private")),
    ] {
        let recording = sample::record(&settings).await.unwrap();
        let count = |kind| u8::try_from(of(&recording, kind).count()).map(f64::from).unwrap();
        let zones = u8::try_from(
            of(&recording, "ec2:Subnet")
                .filter(|subnet| subnet.name.contains("private"))
                .count(),
        )
        .map(f64::from)
        .unwrap();
        let interfaces = of(&recording, "ec2:VpcEndpoint").filter(|endpoint| {
            endpoint.inputs.get("vpcEndpointType").and_then(PropertyValue::as_str) == Some("Interface")
        });
        let interfaces = u8::try_from(interfaces.count()).map(f64::from).unwrap();
        let costs = [
            count("ec2:NatGateway") * NAT,
            count("ec2:Eip") * ADDRESS,
            interfaces * zones * ENDPOINT_IN_A_ZONE,
            count("eks:Cluster") * price(Item::Cluster),
            of(&recording, "eks:NodeGroup").map(instances).sum::<f64>()
                + of(&recording, "eks:Addon").map(coredns).sum::<f64>(),
        ];
        let said = |cost: f64| {
            if cost > 0.0 {
                format!("{cost:.2}")
            } else {
                "–".to_owned()
            }
        };
        let mut expected: Vec<String> = costs.into_iter().map(said).collect();
        expected.push(format!("**{:.2}**", costs.iter().sum::<f64>()));
        let row = rows(&text)
            .into_iter()
            .find(|row| row[0] == name)
            .unwrap_or_else(|| panic!("no row {name}"));
        assert_eq!(row[2..], expected, "{name}");
    }
}

/// The types that can be imported, each with the id that stands for its form.
pub(crate) fn imports() -> BTreeMap<String, String> {
    let in_code = |cell: &str| cell.split('`').nth(1).map(str::to_owned);
    rows(&read("docs/network.md"))
        .iter()
        .filter(|row| row[0].starts_with("`groundwork:"))
        .filter_map(|row| Some((in_code(&row[0])?, in_code(&row[1])?)))
        .collect()
}

#[test]
fn every_resource_type_has_its_form_of_id() {
    let told: BTreeSet<String> = imports().into_keys().collect();
    let all: BTreeSet<String> = groundwork_contract::all()
        .iter()
        .map(|contract| contract.token.to_owned())
        .collect();
    assert_eq!(told, all);
}
