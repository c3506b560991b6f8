//! What a cluster leaves in its VPC: network interfaces of its control plane, its nodes and its pods, and the security
//! group that EKS made for it.
//!
//! EKS and Fargate take theirs away minutes later; those of the VPC CNI and of Cilium stay for ever when the instance went
//! before the agent could. A name proves nothing: touched is what is in the cluster's VPC, used by nothing, and carries a
//! tag of this cluster, or was made by a CNI for an instance that is gone and has this cluster's security group.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{NetworkInterface, NetworkInterfaceStatus, SecurityGroup, Subnet, Tag};
use groundwork_contract::{
    ec2::{SubnetId, VpcId},
    eks::{Cluster, ClusterName},
};

use crate::{
    cx::Cx,
    ec2::{filter, maybe, references},
    error::{Gone, Kind, Result, aws},
    resource::State,
};

/// The tags by which network interfaces name their cluster. Source: amazon-vpc-cni-k8s, "ENI tags related to allocation";
/// Cilium, "AWS ENI"; EKS User Guide, "Fargate".
const TAGS: [&str; 3] = [
    "cluster.k8s.amazonaws.com/name",
    "io.cilium/cluster-name",
    "eks:eks-cluster-name",
];

/// Takes away what is the cluster's own, and names what is still there.
pub(super) async fn sweep(cx: &Cx, id: &ClusterName, state: &State<Cluster>) -> Result<Vec<String>> {
    let Some(vpc) = vpc(cx, state).await? else {
        // With its subnets gone there is nothing left to be in them.
        return Ok(Vec::new());
    };
    let group = group(cx, id, &vpc, state).await?;
    let group_id = group.as_ref().and_then(SecurityGroup::group_id);
    let mut left = Vec::new();
    for interface in interfaces(cx, &vpc).await? {
        let belongs = belonging(&interface, id.as_str(), group_id);
        let mine = match belongs {
            Belonging::Not => continue,
            Belonging::Cluster => true,
            Belonging::Instance(instance) => !lives(cx, &instance).await?,
            Belonging::Group => false,
        };
        if mine && interface.status() == Some(&NetworkInterfaceStatus::Available) && remove(cx, &interface).await? {
            continue;
        }
        left.push(name(&interface));
    }
    if let Some(group) = group.filter(|_| left.is_empty()) {
        left.extend(remove_group(cx, &vpc, &group).await?);
    }
    Ok(left)
}

/// The VPC that the cluster was in.
async fn vpc(cx: &Cx, state: &State<Cluster>) -> Result<Option<VpcId>> {
    if let Some(outputs) = &state.outputs {
        return Ok(Some(outputs.vpc_id.clone()));
    }
    let subnets = subnets(cx, &state.inputs.resources_vpc_config.subnet_ids).await?;
    maybe(subnets.first().and_then(Subnet::vpc_id), "vpcId")
}

/// A cluster's subnets; none where one of them is not there.
pub(super) async fn subnets(cx: &Cx, ids: &BTreeSet<SubnetId>) -> Result<Vec<Subnet>> {
    let answer = cx
        .ec2()
        .describe_subnets()
        .set_subnet_ids(Some(ids.iter().map(ToString::to_string).collect()))
        .send()
        .await
        .map_err(aws("ec2", "DescribeSubnets"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.subnets).unwrap_or_default())
}

/// The security group that EKS made for the cluster, if it is still there.
async fn group(cx: &Cx, id: &ClusterName, vpc: &VpcId, state: &State<Cluster>) -> Result<Option<SecurityGroup>> {
    let call = cx
        .ec2()
        .describe_security_groups()
        .filters(filter("vpc-id", vpc.as_str()));
    let known = state
        .outputs
        .as_ref()
        .and_then(|outputs| outputs.cluster_security_group_id.as_ref());
    let call = match known {
        Some(group) => call.filters(filter("group-id", group.as_str())),
        None => call
            .filters(filter("group-name", format!("eks-cluster-sg-{id}-*")))
            .filters(filter(&format!("tag:kubernetes.io/cluster/{id}"), "owned")),
    };
    let answer = call.send().await.map_err(aws("ec2", "DescribeSecurityGroups"))?;
    // A name may go on after another cluster's name: `a` and `a-1`.
    let own = |group: &SecurityGroup| {
        let rest = group.group_name()?.strip_prefix(&format!("eks-cluster-sg-{id}-"))?;
        Some(!rest.contains('-'))
    };
    Ok(answer
        .security_groups
        .unwrap_or_default()
        .into_iter()
        .find(|group| own(group) == Some(true)))
}

async fn interfaces(cx: &Cx, vpc: &VpcId) -> Result<Vec<NetworkInterface>> {
    let mut pages = cx
        .ec2()
        .describe_network_interfaces()
        .filters(filter("vpc-id", vpc.as_str()))
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("ec2", "DescribeNetworkInterfaces"))?;
        found.extend(page.network_interfaces.unwrap_or_default());
    }
    Ok(found)
}

/// What makes a network interface the cluster's.
#[derive(Debug, PartialEq, Eq)]
enum Belonging {
    /// Nothing does.
    Not,
    /// It says so itself.
    Cluster,
    /// A CNI made it for this instance, and it has the cluster's security group.
    Instance(String),
    /// Nothing but the cluster's security group: it is in the group's way, and somebody else's.
    Group,
}

fn belonging(interface: &NetworkInterface, cluster: &str, group: Option<&str>) -> Belonging {
    let tagged = |tag: &Tag| tag.key().is_some_and(|key| TAGS.contains(&key)) && tag.value() == Some(cluster);
    let description = interface.description().unwrap_or_default();
    if interface.tag_set().iter().any(tagged) || description == format!("Amazon EKS {cluster}") {
        return Belonging::Cluster;
    }
    if !interface
        .groups()
        .iter()
        .any(|one| one.group_id().is_some() && one.group_id() == group)
    {
        return Belonging::Not;
    }
    match instance(description) {
        Some(instance) => Belonging::Instance(instance.to_owned()),
        None => Belonging::Group,
    }
}

/// The instance that a CNI names in the description of what it makes.
fn instance(description: &str) -> Option<&str> {
    let instance = description
        .strip_prefix("aws-K8S-")
        .or_else(|| description.strip_prefix("Cilium-CNI (")?.strip_suffix(')'))?;
    instance.starts_with("i-").then_some(instance)
}

async fn lives(cx: &Cx, instance: &str) -> Result<bool> {
    let answer = cx
        .ec2()
        .describe_instances()
        .filters(filter("instance-id", instance))
        .send()
        .await
        .map_err(aws("ec2", "DescribeInstances"))?;
    let mut instances = answer
        .reservations()
        .iter()
        .flat_map(aws_sdk_ec2::types::Reservation::instances);
    Ok(instances.any(|instance| {
        let state = instance.state().and_then(|state| state.name());
        state != Some(&aws_sdk_ec2::types::InstanceStateName::Terminated)
    }))
}

/// Whether it is gone: something may have taken it into use a moment ago.
async fn remove(cx: &Cx, interface: &NetworkInterface) -> Result<bool> {
    let id = interface.network_interface_id().unwrap_or_default();
    let removed = cx
        .ec2()
        .delete_network_interface()
        .network_interface_id(id)
        .send()
        .await
        .map_err(aws("ec2", "DeleteNetworkInterface"));
    match removed {
        Ok(_) => {
            cx.log.info(Some(&cx.urn), format!("removed {}", name(interface)));
            Ok(true)
        }
        Err(error) if error.kind() == Kind::Missing => Ok(true),
        Err(error) if error.kind() == Kind::InUse => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes the group, with the rules of others that name it; says what is in its way.
async fn remove_group(cx: &Cx, vpc: &VpcId, group: &SecurityGroup) -> Result<Option<String>> {
    let id = group.group_id().unwrap_or_default();
    references::revoke(cx, id, &[filter("vpc-id", vpc.as_str())]).await?;
    let deleted = cx
        .ec2()
        .delete_security_group()
        .group_id(id)
        .send()
        .await
        .map_err(aws("ec2", "DeleteSecurityGroup"));
    match deleted {
        Ok(_) => Ok(None),
        Err(error) if error.kind() == Kind::Missing => Ok(None),
        Err(error) if error.kind() == Kind::InUse => Ok(Some(format!(
            "security group {id} ({})",
            group.group_name().unwrap_or("?")
        ))),
        Err(error) => Err(error),
    }
}

fn name(interface: &NetworkInterface) -> String {
    format!(
        "network interface {} ({}, {})",
        interface.network_interface_id().unwrap_or("?"),
        interface
            .description()
            .filter(|text| !text.is_empty())
            .unwrap_or("no description"),
        interface.status().map_or("?", NetworkInterfaceStatus::as_str),
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::GroupIdentifier;

    use super::*;

    fn interface(description: &str, group: &str, tag: Option<(&str, &str)>) -> NetworkInterface {
        let tag = tag.map(|(key, value)| Tag::builder().key(key).value(value).build());
        NetworkInterface::builder()
            .description(description)
            .groups(GroupIdentifier::builder().group_id(group).build())
            .set_tag_set(tag.map(|tag| vec![tag]))
            .build()
    }

    #[test]
    fn only_what_is_provably_the_clusters_is_its_own() {
        let of = |description, group, tag| belonging(&interface(description, group, tag), "demo", Some("sg-c"));
        assert_eq!(of("Amazon EKS demo", "sg-c", None), Belonging::Cluster);
        assert_eq!(of("Amazon EKS demo-2", "sg-x", None), Belonging::Not);
        for tag in TAGS {
            assert_eq!(of("", "sg-x", Some((tag, "demo"))), Belonging::Cluster);
            assert_eq!(of("", "sg-x", Some((tag, "other"))), Belonging::Not);
        }
        let instance = Belonging::Instance("i-0a".to_owned());
        assert_eq!(of("aws-K8S-i-0a", "sg-c", None), instance);
        assert_eq!(of("Cilium-CNI (i-0a)", "sg-c", None), instance);
        // Without the cluster's group, a CNI's interface is some other cluster's.
        assert_eq!(of("aws-K8S-i-0a", "sg-x", None), Belonging::Not);
        assert_eq!(of("somebody's", "sg-c", None), Belonging::Group);
        let unknown = belonging(&interface("aws-K8S-i-0a", "sg-c", None), "demo", None);
        assert_eq!(unknown, Belonging::Not, "a group that is gone proves nothing");
    }

    #[test]
    fn the_descriptions_of_cnis_name_an_instance() {
        assert_eq!(instance("aws-K8S-i-0123"), Some("i-0123"));
        assert_eq!(instance("Cilium-CNI (i-0123)"), Some("i-0123"));
        for other in ["aws-K8S-", "aws-K8S-node", "Cilium-CNI", "i-0123", ""] {
            assert_eq!(instance(other), None, "{other}");
        }
    }
}
