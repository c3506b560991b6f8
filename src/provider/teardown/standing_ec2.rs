//! What still stands in EC2. What costs money is described, for tags outlive some things by an hour.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Filter, Instance, InstanceStateName, NatGatewayState, Reservation, SnapshotState, State as EndpointState, Tag,
    VolumeState,
};
use groundwork_contract::{
    StampId,
    prices::{Item, Monthly, monthly},
    tags::{KEEP, STAMP},
};

use super::standing::{Cost, Standing};
use crate::{
    cx::Cx,
    ec2::filter,
    error::{Result, aws},
};

/// What carries the stamp, and what the cluster's controllers made.
pub(super) async fn look(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let (tagged, gateways, addresses, endpoints, instances, volumes, snapshots) = futures::try_join!(
        tagged(cx, stamp),
        gateways(cx, stamp),
        addresses(cx, stamp),
        endpoints(cx, stamp),
        instances(cx, stamp, cluster),
        volumes(cx, stamp, cluster),
        snapshots(cx, stamp),
    )?;
    let vpcs = tagged.get("vpc").cloned().unwrap_or_default();
    let balancers = load_balancers(cx, vpcs, cluster).await?;
    let free = tagged
        .into_iter()
        .filter(|(kind, _)| !DESCRIBED.contains(&kind.as_str()))
        .flat_map(|(kind, ids)| {
            ids.into_iter().map(move |id| Standing {
                removal: format!("EC2 console, {kind}"),
                kind: kind.replace('-', " "),
                id,
                cost: Cost::Free,
                kept: false,
            })
        });
    Ok(
        [gateways, addresses, endpoints, instances, volumes, snapshots, balancers]
            .into_iter()
            .flatten()
            .chain(free)
            .collect(),
    )
}

/// The kinds that are described, as `DescribeTags` calls them.
const DESCRIBED: [&str; 6] = [
    "natgateway",
    "elastic-ip",
    "vpc-endpoint",
    "instance",
    "volume",
    "snapshot",
];

/// Whatever carries the stamp, by kind. Source: EC2 API Reference, `DescribeTags`.
async fn tagged(cx: &Cx, stamp: &StampId) -> Result<BTreeMap<String, Vec<String>>> {
    let mut pages = cx
        .ec2()
        .describe_tags()
        .filters(filter("key", STAMP))
        .filters(filter("value", stamp.as_str()))
        .into_paginator()
        .send();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for tag in page.map_err(aws("ec2", "DescribeTags"))?.tags.unwrap_or_default() {
            if let (Some(kind), Some(id)) = (tag.resource_type, tag.resource_id) {
                found.entry(kind.as_str().to_owned()).or_default().push(id);
            }
        }
    }
    Ok(found)
}

/// By the stamp, and by what a cluster's controllers tag what they make with.
fn ours(stamp: &StampId, cluster: Option<&str>) -> Vec<Filter> {
    let mut filters = vec![by_stamp(stamp)];
    filters.extend(cluster.map(|cluster| filter(&format!("tag:kubernetes.io/cluster/{cluster}"), "owned")));
    filters
}

fn by_stamp(stamp: &StampId) -> Filter {
    filter(&format!("tag:{STAMP}"), stamp.as_str())
}

fn kept(tags: &[Tag]) -> bool {
    tags.iter().any(|tag| tag.key() == Some(KEEP))
}

/// A price for each of several.
fn each(price: Option<Monthly>, count: usize) -> Cost {
    let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    Cost::of(price.map(|Monthly(price)| Monthly(price * f64::from(count))))
}

async fn gateways(cx: &Cx, stamp: &StampId) -> Result<Vec<Standing>> {
    let mut pages = cx
        .ec2()
        .describe_nat_gateways()
        .filter(by_stamp(stamp))
        .into_paginator()
        .send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("ec2", "DescribeNatGateways"))?;
        let there = page
            .nat_gateways()
            .iter()
            .filter(|nat| !matches!(nat.state(), Some(NatGatewayState::Deleted | NatGatewayState::Failed)));
        standing.extend(there.filter_map(|nat| {
            let id = nat.nat_gateway_id()?;
            // A regional one is in as many zones as it has addresses in.
            let zones: BTreeSet<_> = nat
                .nat_gateway_addresses()
                .iter()
                .filter_map(|address| address.availability_zone_id())
                .collect();
            Some(Standing {
                kind: "NAT gateway".to_owned(),
                id: id.to_owned(),
                cost: each(monthly(&cx.aws.region, Item::NatGateway), zones.len()),
                removal: format!("aws ec2 delete-nat-gateway --nat-gateway-id {id}"),
                kept: kept(nat.tags()),
            })
        }));
    }
    Ok(standing)
}

async fn addresses(cx: &Cx, stamp: &StampId) -> Result<Vec<Standing>> {
    let answer = cx
        .ec2()
        .describe_addresses()
        .filters(by_stamp(stamp))
        .send()
        .await
        .map_err(aws("ec2", "DescribeAddresses"))?;
    let standing = answer.addresses().iter().filter_map(|address| {
        let id = address.allocation_id()?;
        Some(Standing {
            kind: "Elastic IP address".to_owned(),
            id: id.to_owned(),
            cost: Cost::of(monthly(&cx.aws.region, Item::PublicIpv4)),
            removal: format!("aws ec2 release-address --allocation-id {id}"),
            kept: kept(address.tags()),
        })
    });
    Ok(standing.collect())
}

async fn endpoints(cx: &Cx, stamp: &StampId) -> Result<Vec<Standing>> {
    let mut pages = cx
        .ec2()
        .describe_vpc_endpoints()
        .filters(by_stamp(stamp))
        .into_paginator()
        .send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("ec2", "DescribeVpcEndpoints"))?;
        let there = page.vpc_endpoints().iter().filter(|endpoint| {
            !matches!(
                endpoint.state(),
                Some(EndpointState::Deleted | EndpointState::Failed | EndpointState::Rejected)
            )
        });
        standing.extend(there.filter_map(|endpoint| {
            let id = endpoint.vpc_endpoint_id()?;
            let zones = endpoint.subnet_ids().len();
            Some(Standing {
                kind: format!("VPC endpoint for {}", endpoint.service_name().unwrap_or("?")),
                id: id.to_owned(),
                // A gateway endpoint stands in no subnet.
                cost: if zones == 0 {
                    Cost::Free
                } else {
                    each(monthly(&cx.aws.region, Item::InterfaceEndpoint), zones)
                },
                removal: format!("aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {id}"),
                kept: kept(endpoint.tags()),
            })
        }));
    }
    Ok(standing)
}

async fn instances(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let mut standing = BTreeMap::new();
    for wanted in ours(stamp, cluster) {
        let mut pages = cx.ec2().describe_instances().filters(wanted).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(aws("ec2", "DescribeInstances"))?;
            let all = page.reservations().iter().flat_map(Reservation::instances);
            for instance in all {
                let gone = instance.state().and_then(|state| state.name()) == Some(&InstanceStateName::Terminated);
                if let Some(id) = instance.instance_id().filter(|_| !gone) {
                    standing.insert(id.to_owned(), instance_standing(cx, id, instance));
                }
            }
        }
    }
    Ok(standing.into_values().collect())
}

fn instance_standing(cx: &Cx, id: &str, instance: &Instance) -> Standing {
    let kind = instance.instance_type().map_or("?", |kind| kind.as_str());
    let pool = instance
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("karpenter.sh/nodepool"))
        .and_then(Tag::value);
    Standing {
        kind: pool.map_or_else(
            || format!("{kind} instance"),
            |pool| format!("{kind} instance of Karpenter's NodePool {pool}"),
        ),
        id: id.to_owned(),
        cost: Cost::of(monthly(&cx.aws.region, Item::Instance(kind))),
        removal: format!("aws ec2 terminate-instances --instance-ids {id}"),
        kept: kept(instance.tags()),
    }
}

async fn volumes(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let mut standing = BTreeMap::new();
    for wanted in ours(stamp, cluster) {
        let mut pages = cx.ec2().describe_volumes().filters(wanted).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(aws("ec2", "DescribeVolumes"))?;
            // What hangs on an instance goes with it, or is told once it has gone.
            let there = page.volumes().iter().filter(|volume| {
                !matches!(
                    volume.state(),
                    Some(VolumeState::Deleted | VolumeState::Deleting | VolumeState::InUse)
                )
            });
            for volume in there {
                let Some(id) = volume.volume_id() else { continue };
                let size = f64::from(volume.size().unwrap_or_default());
                let one = Standing {
                    kind: "disk".to_owned(),
                    id: id.to_owned(),
                    cost: Cost::of(monthly(&cx.aws.region, Item::Disk(size))),
                    removal: format!("if its data is not needed: aws ec2 delete-volume --volume-id {id}"),
                    kept: kept(volume.tags()),
                };
                standing.insert(id.to_owned(), one);
            }
        }
    }
    Ok(standing.into_values().collect())
}

async fn snapshots(cx: &Cx, stamp: &StampId) -> Result<Vec<Standing>> {
    let mut pages = cx
        .ec2()
        .describe_snapshots()
        .owner_ids("self")
        .filters(by_stamp(stamp))
        .into_paginator()
        .send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("ec2", "DescribeSnapshots"))?;
        let there = page
            .snapshots()
            .iter()
            .filter(|snapshot| snapshot.state() != Some(&SnapshotState::Error));
        standing.extend(there.filter_map(|snapshot| {
            let id = snapshot.snapshot_id()?;
            // AWS bills what differs from the snapshot before, which is no more than this.
            let size = f64::from(snapshot.volume_size().unwrap_or_default());
            Some(Standing {
                kind: "snapshot".to_owned(),
                id: id.to_owned(),
                cost: Cost::of(monthly(&cx.aws.region, Item::Snapshot(size))),
                removal: format!("if its data is not needed: aws ec2 delete-snapshot --snapshot-id {id}"),
                kept: kept(snapshot.tags()),
            })
        }));
    }
    Ok(standing)
}

/// Load balancers in the platform's VPCs, and those elsewhere that have a security group of the cluster's, as their network
/// interfaces tell of them: `ELB net/<name>/<id>`, `ELB app/<name>/<id>`, or `ELB <name>` for a classic one. Source: Elastic
/// Load Balancing User Guides, "Find the network interfaces of a load balancer".
async fn load_balancers(cx: &Cx, vpcs: Vec<String>, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let mut names = BTreeSet::new();
    for (place, ids) in [("vpc-id", vpcs), ("group-id", balancer_groups(cx, cluster).await?)] {
        // AWS takes up to 200 values.
        for ids in ids.chunks(200) {
            let there = Filter::builder().name(place).set_values(Some(ids.to_vec())).build();
            let mut pages = cx
                .ec2()
                .describe_network_interfaces()
                .filters(there)
                .filters(filter("description", "ELB *"))
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(aws("ec2", "DescribeNetworkInterfaces"))?;
                let said = page
                    .network_interfaces()
                    .iter()
                    .filter_map(|interface| interface.description());
                names.extend(said.filter_map(|text| text.strip_prefix("ELB ")).map(str::to_owned));
            }
        }
    }
    let standing = names.into_iter().map(|name| Standing {
        kind: "load balancer".to_owned(),
        removal: load_balancer_removal(&name),
        id: name,
        cost: Cost::of(monthly(&cx.aws.region, Item::LoadBalancer)),
        kept: false,
    });
    Ok(standing.collect())
}

/// The security groups that a cluster's controllers have made: the cloud controller's for Services carry the one tag, those of
/// AWS' Load Balancer Controller the other.
async fn balancer_groups(cx: &Cx, cluster: Option<&str>) -> Result<Vec<String>> {
    let Some(cluster) = cluster else { return Ok(Vec::new()) };
    let mut found = BTreeSet::new();
    for made in [
        filter(&format!("tag:kubernetes.io/cluster/{cluster}"), "owned"),
        filter("tag:elbv2.k8s.aws/cluster", cluster),
    ] {
        let mut pages = cx
            .ec2()
            .describe_security_groups()
            .filters(made)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(aws("ec2", "DescribeSecurityGroups"))?;
            found.extend(page.security_groups().iter().filter_map(|group| group.group_id.clone()));
        }
    }
    Ok(found.into_iter().collect())
}

fn load_balancer_removal(name: &str) -> String {
    match name.split('/').collect::<Vec<_>>().as_slice() {
        [_, name, _] => format!("EC2 console, Load balancers, {name}"),
        _ => format!("aws elb delete-load-balancer --load-balancer-name {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clusters_controllers_made_is_found_without_the_stamp() {
        let stamp = "gw-0123456789abcdef".parse().unwrap();
        let names = |cluster| -> Vec<String> {
            let filters = ours(&stamp, cluster);
            filters.iter().map(|filter| filter.name().unwrap().to_owned()).collect()
        };
        assert_eq!(names(None), ["tag:groundwork:stamp"]);
        assert_eq!(
            names(Some("platform")),
            ["tag:groundwork:stamp", "tag:kubernetes.io/cluster/platform"]
        );
    }

    #[test]
    fn a_gateway_in_several_zones_costs_several_times() {
        assert_eq!(each(Some(Monthly(30.0)), 3), Cost::About(Monthly(90.0)));
        assert_eq!(each(Some(Monthly(30.0)), 0), Cost::About(Monthly(30.0)));
        assert_eq!(each(None, 2), Cost::Unknown);
    }

    #[test]
    fn a_load_balancer_is_named_as_its_console_names_it() {
        assert_eq!(
            load_balancer_removal("net/a1b2/0123"),
            "EC2 console, Load balancers, a1b2"
        );
        assert_eq!(
            load_balancer_removal("a1b2"),
            "aws elb delete-load-balancer --load-balancer-name a1b2"
        );
    }
}
