//! `groundwork picture`: what gets built, drawn from what the program really registers.

use std::collections::BTreeMap;

use clap::Args;
use groundwork_local::Ui;
use groundwork_program::{
    sample,
    sdk::mock::{Recording, Registration},
};
use groundwork_wire::PropertyValue;
use serde_json::Value as Json;
use svg::{
    Document,
    node::element::{Line, Rectangle, Text},
};

use crate::error::{Error, Result};

/// Draw what a preset builds, as SVG
#[derive(Debug, Args)]
pub(crate) struct PictureArgs {
    /// Which preset: standard, demo or private
    #[arg(long, default_value = "standard", value_parser = ["standard", "demo", "private"])]
    preset: String,
}

pub(crate) async fn run(args: &PictureArgs, ui: &Ui) -> Result<()> {
    let mut settings = sample::preset(&args.preset);
    settings.push(("flux", sample::FLUX));
    let recording = sample::record(&settings)
        .await
        .map_err(|error| Error::Record(error.to_string()))?;
    ui.line(Drawing::of(&recording).document(&args.preset));
    Ok(())
}

const ZONE_WIDTH: i32 = 250;
const ROW_HEIGHT: i32 = 92;
const LEFT: i32 = 40;
const TOP: i32 = 150;
const SIDE: i32 = 260;
const STEP_HEIGHT: i32 = 104;

/// A subnet as it is drawn.
struct Cell {
    title: &'static str,
    range: String,
    notes: Vec<String>,
}

/// What comes up on the network, one after the other.
struct Step {
    title: &'static str,
    notes: Vec<String>,
}

/// What a recording says of a platform.
struct Drawing {
    vpc: String,
    zones: BTreeMap<String, [Option<Cell>; 3]>,
    internet_gateway: bool,
    endpoints: Vec<String>,
    steps: Vec<Step>,
    total: usize,
}

const TIERS: [(&str, &str); 3] = [
    ("-public-subnet-", "public"),
    ("-private-subnet-", "private"),
    ("-eks-cp-subnet-", "control plane"),
];

impl Drawing {
    fn of(recording: &Recording) -> Self {
        let ec2 = |kind: &str| {
            let token = format!("groundwork:ec2:{kind}");
            recording
                .registrations
                .iter()
                .filter(move |registration| registration.token == token)
                .collect::<Vec<_>>()
        };
        let mut zones: BTreeMap<String, [Option<Cell>; 3]> = BTreeMap::new();
        for subnet in ec2("Subnet") {
            let Some((row, title)) = TIERS
                .iter()
                .enumerate()
                .find(|(_, (words, _))| subnet.name.contains(words))
                .map(|(row, (_, title))| (row, *title))
            else {
                continue;
            };
            let zone = text(subnet, "availabilityZone");
            let here = |registration: &&Registration| registration.name.ends_with(&zone);
            let mut notes = Vec::new();
            if row == 0 {
                let gateways = ec2("NatGateway").into_iter().filter(here).count();
                notes.extend((gateways > 0).then(|| "NAT gateway with an Elastic IP".to_owned()));
            }
            notes.extend(
                ec2("Route")
                    .into_iter()
                    .filter(|route| route.parent.as_ref().is_some_and(|parent| parent.name() == subnet.name))
                    .map(way_out),
            );
            let cell = Cell {
                title,
                range: text(subnet, "cidrBlock"),
                notes,
            };
            if let Some(slot) = zones.entry(zone).or_default().get_mut(row) {
                *slot = Some(cell);
            }
        }
        let endpoints = ec2("VpcEndpoint")
            .into_iter()
            .map(|endpoint| {
                let service = text(endpoint, "serviceName");
                let short = service.splitn(4, '.').nth(3).unwrap_or(&service).to_owned();
                format!("{short} ({})", text(endpoint, "vpcEndpointType").to_lowercase())
            })
            .collect();
        let total = recording
            .registrations
            .iter()
            .filter(|registration| registration.token.starts_with("groundwork:"))
            .count();
        Self {
            vpc: ec2("Vpc").first().map(|vpc| text(vpc, "cidrBlock")).unwrap_or_default(),
            zones,
            internet_gateway: !ec2("InternetGateway").is_empty(),
            endpoints,
            steps: steps(recording),
            total,
        }
    }

    fn document(&self, preset: &str) -> Document {
        let columns = i32::try_from(self.zones.len()).unwrap_or(1);
        let vpc_width = columns * ZONE_WIDTH + 40;
        let vpc_height = 3 * ROW_HEIGHT + 80;
        let width = LEFT + vpc_width + 30 + SIDE;
        let height = TOP + vpc_height + STEP_HEIGHT + 110;
        let mut document = Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("width", width)
            .set("font-family", "Helvetica, Arial, sans-serif")
            .set("role", "img")
            .add(rectangle(0, 0, width, height, "#ffffff", "#ffffff"))
            .add(words(
                LEFT,
                34,
                17,
                "#1b2733",
                &format!("What `pulumi up` lays with preset {preset}"),
            ))
            .add(words(
                LEFT,
                56,
                12,
                "#5b6b7b",
                &format!("{} resources, drawn from what the program registers", self.total),
            ))
            .add(rectangle(LEFT, TOP, vpc_width, vpc_height, "#f3f8f4", "#3a7d44"))
            .add(words(LEFT + 14, TOP + 24, 14, "#3a7d44", &format!("VPC {}", self.vpc)));
        if self.internet_gateway {
            let middle = LEFT + vpc_width / 2;
            document = document
                .add(rectangle(middle - 90, TOP - 62, 180, 34, "#fff7e8", "#c77d0a"))
                .add(words(middle - 62, TOP - 40, 13, "#7a4c05", "Internet gateway"))
                .add(line(middle, TOP - 28, middle, TOP));
        }
        for (column, (zone, cells)) in (0..).zip(&self.zones) {
            let x = LEFT + 20 + column * ZONE_WIDTH;
            document = document.add(words(x + 6, TOP + 50, 12, "#5b6b7b", zone));
            for (row, cell) in (0..).zip(cells) {
                let Some(cell) = cell else { continue };
                let y = TOP + 60 + row * ROW_HEIGHT;
                document = document
                    .add(rectangle(x, y, ZONE_WIDTH - 16, ROW_HEIGHT - 12, "#ffffff", "#4a6fa5"))
                    .add(words(
                        x + 10,
                        y + 20,
                        12,
                        "#23405f",
                        &format!("{} subnet {}", cell.title, cell.range),
                    ));
                for (index, note) in (0..).zip(&cell.notes) {
                    document = document.add(words(x + 10, y + 40 + index * 16, 11, "#5b6b7b", note));
                }
            }
        }
        let x = LEFT + vpc_width + 30;
        document = document.add(words(x, TOP + 24, 14, "#6b3fa0", "VPC endpoints"));
        for (index, endpoint) in (0..).zip(&self.endpoints) {
            document = document.add(words(x, TOP + 48 + index * 18, 12, "#3d2a5c", endpoint));
        }
        self.with_steps(document, width, TOP + vpc_height + 34)
    }

    /// What comes up on the network, from left to right.
    fn with_steps(&self, document: Document, width: i32, y: i32) -> Document {
        let count = i32::try_from(self.steps.len()).unwrap_or(1).max(1);
        let column = (width - 2 * LEFT) / count;
        let mut document = document.add(words(LEFT, y, 14, "#3a7d44", "On it, one after the other"));
        for (index, step) in (0..).zip(&self.steps) {
            let x = LEFT + index * column;
            let top = y + 14;
            document = document
                .add(rectangle(x, top, column - 18, STEP_HEIGHT, "#ffffff", "#6b3fa0"))
                .add(words(x + 10, top + 22, 13, "#3d2a5c", step.title));
            for (line, note) in (0..).zip(&step.notes) {
                document = document.add(words(x + 10, top + 42 + line * 16, 11, "#5b6b7b", note));
            }
            if index + 1 < count {
                let middle = top + STEP_HEIGHT / 2;
                document = document.add(line(x + column - 18, middle, x + column, middle));
            }
        }
        document
    }
}

fn text(registration: &Registration, key: &str) -> String {
    at(registration, key).as_str().unwrap_or_default().to_owned()
}

/// An input, by its path in JSON.
fn at(registration: &Registration, path: &str) -> Json {
    let inputs = PropertyValue::Object(registration.inputs.clone()).to_json();
    let pointer = format!("/{}", path.replace('.', "/"));
    inputs
        .unwrap_or_default()
        .pointer(&pointer)
        .cloned()
        .unwrap_or_default()
}

/// The cluster and what is in it, in the order in which it comes up.
fn steps(recording: &Recording) -> Vec<Step> {
    let all = |kind: &str| {
        let token = format!("groundwork:{kind}");
        recording.registrations.iter().filter(move |one| one.token == token)
    };
    let named = |list: &Json| {
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut steps = Vec::new();
    for cluster in all("eks:Cluster") {
        let open = at(cluster, "resourcesVpcConfig.publicAccessCidrs");
        steps.push(Step {
            title: "Control plane",
            notes: vec![
                text(cluster, "name"),
                format!("Kubernetes {}", text(cluster, "version")),
                if open.is_null() {
                    "its API within the VPC".to_owned()
                } else {
                    format!("its API for {}", named(&open))
                },
                format!(
                    "{} kinds of logs",
                    at(cluster, "enabledClusterLogTypes").as_array().map_or(0, Vec::len)
                ),
            ],
        });
    }
    for release in all("helm:Release") {
        let notes = vec![
            format!("chart {}", text(release, "version")),
            "pods have addresses".to_owned(),
            "of the VPC".to_owned(),
        ];
        steps.push(Step { title: "Cilium", notes });
    }
    for group in all("eks:NodeGroup") {
        steps.push(Step {
            title: "Nodes",
            notes: vec![
                format!(
                    "{} × {}",
                    at(group, "scalingConfig.desiredSize"),
                    named(&at(group, "instanceTypes"))
                ),
                text(group, "amiType").to_lowercase(),
                "tainted until Cilium".to_owned(),
                "runs on them".to_owned(),
            ],
        });
    }
    let addons: Vec<String> = all("eks:Addon").map(|addon| text(addon, "addonName")).collect();
    steps.push(Step {
        title: "Addons",
        notes: addons,
    });
    if recording
        .registrations
        .iter()
        .any(|one| one.token == "groundwork:flux:Bootstrap" || one.name == "flux-bootstrap-job")
    {
        let notes = [
            "by a Job, once there is",
            "a repository; it brings",
            "Karpenter and more",
        ];
        steps.push(Step {
            title: "Flux",
            notes: notes.map(str::to_owned).into(),
        });
    }
    steps
}

/// `0.0.0.0/0 → NAT gateway`.
fn way_out(route: &Registration) -> String {
    let to = [
        ("gatewayId", "internet gateway"),
        ("natGatewayId", "NAT gateway"),
        ("egressOnlyInternetGatewayId", "egress-only gateway"),
    ]
    .into_iter()
    .find(|(key, _)| route.inputs.contains_key(*key))
    .map_or("elsewhere", |(_, name)| name);
    let destination = ["destinationCidrBlock", "destinationIpv6CidrBlock"]
        .into_iter()
        .find_map(|key| route.inputs.get(key)?.as_str())
        .unwrap_or_default();
    format!("{destination} \u{2192} {to}")
}

fn rectangle(x: i32, y: i32, width: i32, height: i32, fill: &str, stroke: &str) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("rx", 6)
        .set("fill", fill)
        .set("stroke", stroke)
}

fn words(x: i32, y: i32, size: i32, fill: &str, text: &str) -> Text {
    Text::new(text)
        .set("x", x)
        .set("y", y)
        .set("font-size", size)
        .set("fill", fill)
}

fn line(from_x: i32, from_y: i32, to_x: i32, to_y: i32) -> Line {
    Line::new()
        .set("x1", from_x)
        .set("y1", from_y)
        .set("x2", to_x)
        .set("y2", to_y)
        .set("stroke", "#c77d0a")
}
