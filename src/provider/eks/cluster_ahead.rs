//! What only EKS and the VPC can tell of a cluster before it is made or changed.

use std::collections::BTreeSet;

use groundwork_contract::{
    Input,
    ec2::SubnetId,
    eks::{
        Cluster, ClusterArgs, ClusterInputs, ClusterName, ClusterVersion, KubernetesVersion, REFUSED_ZONE_IDS,
        ResourcesVpcConfigArgs, SupportType, VersionStatus,
    },
};
use groundwork_wire::PropertyValue;

use super::{cluster_steps::unreachable, get_cluster_versions::versions, leftovers};
use crate::{
    cx::Cx,
    error::Result,
    resource::{Finding, Resource},
};

const SUBNETS: &str = "resourcesVpcConfig.subnetIds";

pub(super) async fn foresee(cx: &Cx, args: &ClusterArgs) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let live = match args.name.known() {
        Some(name) => there(cx, &name).await?,
        None => None,
    };
    let runs = live.as_ref().and_then(|live| live.version.clone());
    if let Some(version) = args.version.as_ref().and_then(Input::known) {
        let support = match &args.upgrade_policy {
            None => Some(SupportType::Standard),
            Some(policy) => policy.known().map(|policy| policy.support_type),
        };
        let offered = versions(cx, true).await?;
        findings.extend(support.and_then(|support| judge(&offered, &version, support, runs.as_ref())));
    }
    if let Some(live) = &live
        && let Some(wanted) = known(args)
    {
        let fatal = |(property, message)| Finding {
            property: Some(property),
            message,
            fatal: true,
        };
        findings.extend(unreachable(live, &wanted).into_iter().map(fatal));
    }
    if let Some(subnets) = subnets(args) {
        findings.extend(zones(cx, &subnets).await?);
    }
    Ok(findings)
}

/// The cluster of that name, if there is one.
async fn there(cx: &Cx, name: &ClusterName) -> Result<Option<ClusterInputs>> {
    Ok(Cluster::read(cx, name, None).await?.map(|live| live.inputs))
}

/// The inputs, if all of them are known.
fn known(args: &ClusterArgs) -> Option<ClusterInputs> {
    Input::<ClusterInputs>::from(args.clone()).known()
}

/// The subnets, if they are known.
fn subnets(args: &ClusterArgs) -> Option<BTreeSet<SubnetId>> {
    use groundwork_contract::FromProperties;
    match args.resources_vpc_config.peek().plain() {
        PropertyValue::Object(map) => ResourcesVpcConfigArgs::from_properties(map).subnet_ids.known(),
        _ => None,
    }
}

/// What there is to say of a version: one that a cluster runs already may have come into extended support on its own.
fn judge(
    offered: &[ClusterVersion],
    version: &KubernetesVersion,
    support: SupportType,
    runs: Option<&KubernetesVersion>,
) -> Option<Finding> {
    let finding = |fatal, message| {
        Some(Finding {
            property: Some("version"),
            message,
            fatal,
        })
    };
    let fine: Vec<&str> = offered
        .iter()
        .filter(|one| one.status == VersionStatus::Standard)
        .map(|one| one.version.as_str())
        .collect();
    let fine = fine.join(", ");
    let Some(found) = offered.iter().find(|one| one.version == *version) else {
        return finding(
            true,
            format!("EKS does not know Kubernetes {version} here; in standard support are {fine}"),
        );
    };
    let ended = found.end_of_standard_support.as_deref().unwrap_or("a while ago");
    match (found.status, support) {
        (VersionStatus::Unsupported, _) => finding(
            runs != Some(version),
            format!("EKS supports Kubernetes {version} no more; in standard support are {fine}"),
        ),
        (VersionStatus::Extended, SupportType::Standard) if runs == Some(version) => finding(
            false,
            format!(
                "standard support of Kubernetes {version} ended on {ended}, and upgradePolicy.supportType is STANDARD: EKS \
                 will update this cluster by itself; go to one of {fine}"
            ),
        ),
        (VersionStatus::Extended, SupportType::Standard) => finding(
            true,
            format!(
                "standard support of Kubernetes {version} ended on {ended}: take one of {fine}, or consent to extended \
                 support, at $0.60 an hour instead of $0.10, by upgradePolicy.supportType: EXTENDED"
            ),
        ),
        _ => None,
    }
}

/// What is wrong with the subnets that are there.
async fn zones(cx: &Cx, subnets: &BTreeSet<SubnetId>) -> Result<Vec<Finding>> {
    let there = leftovers::subnets(cx, subnets).await?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Place> = there
        .iter()
        .map(|subnet| Place {
            subnet: subnet.subnet_id().unwrap_or("?"),
            zone: subnet.availability_zone_id().unwrap_or("?"),
            vpc: subnet.vpc_id().unwrap_or("?"),
        })
        .collect();
    Ok(misplaced(&found)
        .into_iter()
        .map(|message| Finding {
            property: Some(SUBNETS),
            message,
            fatal: true,
        })
        .collect())
}

/// Where a subnet is.
struct Place<'a> {
    subnet: &'a str,
    zone: &'a str,
    vpc: &'a str,
}

fn misplaced(subnets: &[Place<'_>]) -> Vec<String> {
    let mut found: Vec<String> = subnets
        .iter()
        .filter(|place| REFUSED_ZONE_IDS.contains(&place.zone))
        .map(|place| {
            format!(
                "{} is in zone {}, in which EKS runs no control plane; take a subnet of another zone",
                place.subnet, place.zone
            )
        })
        .collect();
    let distinct = |of: fn(&Place<'_>) -> String| subnets.iter().map(of).collect::<BTreeSet<String>>();
    let zones = distinct(|place| place.zone.to_owned());
    if let [only] = zones.iter().collect::<Vec<_>>().as_slice() {
        found.push(format!(
            "all of them are in zone {only}, and EKS needs two zones at least; take a subnet of another zone"
        ));
    }
    let vpcs = distinct(|place| place.vpc.to_owned());
    if vpcs.len() > 1 {
        found.push(format!(
            "they are of several VPCs ({}); EKS takes subnets of one",
            vpcs.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered() -> Vec<ClusterVersion> {
        [
            ("1.35", VersionStatus::Standard),
            ("1.33", VersionStatus::Extended),
            ("1.30", VersionStatus::Unsupported),
        ]
        .map(|(version, status)| ClusterVersion {
            version: version.parse().unwrap(),
            status,
            default: false,
            end_of_standard_support: Some("2026-07-29".to_owned()),
            end_of_extended_support: None,
            kubernetes_patch_version: None,
        })
        .into()
    }

    #[test]
    fn a_version_needs_support_and_extended_support_consent() {
        let judged = |version: &str, support, runs: Option<&str>| {
            let runs = runs.map(|runs| runs.parse().unwrap());
            judge(&offered(), &version.parse().unwrap(), support, runs.as_ref()).map(|finding| finding.fatal)
        };
        let (standard, extended) = (SupportType::Standard, SupportType::Extended);
        assert_eq!(judged("1.35", standard, None), None);
        assert_eq!(judged("1.33", standard, None), Some(true));
        assert_eq!(judged("1.33", extended, None), None);
        assert_eq!(judged("1.33", standard, Some("1.33")), Some(false));
        assert_eq!(judged("1.30", extended, None), Some(true));
        assert_eq!(judged("1.30", extended, Some("1.30")), Some(false));
        assert_eq!(judged("1.99", standard, None), Some(true));
    }

    #[test]
    fn subnets_are_in_two_zones_that_eks_takes() {
        let place = |subnet, zone, vpc| Place { subnet, zone, vpc };
        let fine = [
            place("subnet-a", "use1-az1", "vpc-a"),
            place("subnet-b", "use1-az2", "vpc-a"),
        ];
        assert!(misplaced(&fine).is_empty());
        let refused = [
            place("subnet-a", "use1-az1", "vpc-a"),
            place("subnet-b", "use1-az3", "vpc-a"),
        ];
        assert!(misplaced(&refused).join("").starts_with("subnet-b is in zone use1-az3"));
        let crowded = [
            place("subnet-a", "use1-az1", "vpc-a"),
            place("subnet-b", "use1-az1", "vpc-b"),
        ];
        assert_eq!(misplaced(&crowded).len(), 2);
    }
}
