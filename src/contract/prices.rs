//! What things cost: AWS's list prices on demand, from a dated file.
//!
//! Good enough to say what something left behind costs; a bill knows better.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use serde::Deserialize;

use crate::Region;

/// The region whose price stands for one that the file does not have.
const BASE: &str = "us-east-1";

/// What costs something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// An EKS control plane under standard support.
    Cluster,
    /// What extended support adds to one.
    ExtendedSupport,
    /// A NAT gateway, for each zone that it is in. Its addresses are extra.
    NatGateway,
    /// A public IPv4 address.
    PublicIpv4,
    /// An interface endpoint, for each zone that it is in.
    InterfaceEndpoint,
    /// A load balancer without traffic.
    LoadBalancer,
    /// A pod on Fargate of so many vCPUs and GB of memory.
    FargatePod {
        /// vCPUs.
        vcpu: f64,
        /// Memory.
        gigabytes: f64,
    },
    /// An instance of a type.
    Instance(&'a str),
    /// So many GiB of a gp3 disk.
    Disk(f64),
    /// So many GB of snapshots.
    Snapshot(f64),
    /// So many GB of logs that are kept.
    Logs(f64),
    /// A customer's key.
    Key,
}

/// Dollars a month.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Monthly(pub f64);

impl fmt::Display for Monthly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.2} a month", self.0)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    date: String,
    hours_per_month: f64,
    regions: BTreeMap<String, Prices>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Prices {
    cluster: Option<f64>,
    extended_support: Option<f64>,
    nat_gateway: Option<f64>,
    public_ipv4: Option<f64>,
    interface_endpoint: Option<f64>,
    load_balancer: Option<f64>,
    fargate_vcpu: Option<f64>,
    fargate_gigabyte: Option<f64>,
    disk_gigabyte_month: Option<f64>,
    snapshot_gigabyte_month: Option<f64>,
    log_gigabyte_month: Option<f64>,
    key_month: Option<f64>,
    #[serde(default)]
    instances: BTreeMap<String, f64>,
}

/// A test reads the file; one that cannot be read knows no price.
static FILE: LazyLock<File> = LazyLock::new(|| serde_json::from_str(include_str!("prices.json")).unwrap_or_default());

/// When the prices were last looked up: `2026-11-01`.
pub fn date() -> &'static str {
    &FILE.date
}

/// What an item costs a month in a region; `None` where the file does not know.
pub fn monthly(region: &Region, item: Item<'_>) -> Option<Monthly> {
    let by_hour = |get: fn(&Prices) -> Option<f64>| price(region, get).map(|price| price * FILE.hours_per_month);
    match item {
        Item::Cluster => by_hour(|prices| prices.cluster),
        Item::ExtendedSupport => by_hour(|prices| prices.extended_support),
        Item::NatGateway => by_hour(|prices| prices.nat_gateway),
        Item::PublicIpv4 => by_hour(|prices| prices.public_ipv4),
        Item::InterfaceEndpoint => by_hour(|prices| prices.interface_endpoint),
        Item::LoadBalancer => by_hour(|prices| prices.load_balancer),
        Item::FargatePod { vcpu, gigabytes } => by_hour(|prices| prices.fargate_vcpu)
            .zip(by_hour(|prices| prices.fargate_gigabyte))
            .map(|(processor, memory)| vcpu.mul_add(processor, gigabytes * memory)),
        Item::Instance(kind) => {
            price(region, |prices| prices.instances.get(kind).copied()).map(|price| price * FILE.hours_per_month)
        }
        Item::Disk(gigabytes) => price(region, |prices| prices.disk_gigabyte_month).map(|price| price * gigabytes),
        Item::Snapshot(gigabytes) => {
            price(region, |prices| prices.snapshot_gigabyte_month).map(|price| price * gigabytes)
        }
        Item::Logs(gigabytes) => price(region, |prices| prices.log_gigabyte_month).map(|price| price * gigabytes),
        Item::Key => price(region, |prices| prices.key_month),
    }
    .map(Monthly)
}

fn price(region: &Region, get: impl Fn(&Prices) -> Option<f64>) -> Option<f64> {
    let of = |region: &str| FILE.regions.get(region).and_then(&get);
    of(region.as_str()).or_else(|| of(BASE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(region: &str, item: Item<'_>) -> String {
        monthly(&region.parse().unwrap(), item).unwrap().to_string()
    }

    #[test]
    fn the_file_is_whole_and_dated() {
        let file: File = serde_json::from_str(include_str!("prices.json")).unwrap();
        assert!(file.date.starts_with("20") && file.date.len() == 10, "{}", file.date);
        let items = [
            Item::Cluster,
            Item::ExtendedSupport,
            Item::NatGateway,
            Item::PublicIpv4,
            Item::InterfaceEndpoint,
            Item::LoadBalancer,
            Item::Instance("t4g.medium"),
            Item::Disk(1.0),
            Item::Snapshot(1.0),
            Item::Logs(1.0),
            Item::Key,
        ];
        for item in items {
            let price = monthly(&BASE.parse().unwrap(), item);
            assert!(price.is_some_and(|Monthly(price)| price > 0.0), "{item:?}");
        }
        for region in file.regions.keys() {
            assert!(region.parse::<Region>().is_ok(), "{region}");
        }
    }

    #[test]
    fn prices_are_those_of_the_region_or_of_the_first_one() {
        assert_eq!(said("us-east-1", Item::NatGateway), "$32.85 a month");
        assert_eq!(said("eu-central-1", Item::NatGateway), "$37.96 a month");
        assert_eq!(said("eu-central-1", Item::Cluster), "$73.00 a month");
        assert_eq!(said("eu-central-1", Item::Instance("t4g.medium")), "$28.03 a month");
        let small = Item::FargatePod {
            vcpu: 0.25,
            gigabytes: 0.5,
        };
        assert_eq!(said("us-east-1", small), "$9.01 a month");
        assert_eq!(monthly(&BASE.parse().unwrap(), Item::Instance("x99.metal")), None);
    }
}
