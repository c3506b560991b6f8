//! From what a cluster is to what is asked for: one change after the other, in an order that never opens or locks what the
//! whole does not.

use std::collections::BTreeSet;

use groundwork_contract::eks::{
    AuthenticationMode, ClusterInputs, ClusterLogType, ControlPlaneEgressMode, KubernetesVersion, ResourcesVpcConfig,
};

use super::step::Step;
use crate::error::{Error, Result};

/// What cannot be reached from here, each by its path, with what to do.
pub(super) fn unreachable(live: &ClusterInputs, new: &ClusterInputs) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let (Some(old), Some(new)) = (&live.version, &new.version)
        && new.minor() < old.minor()
    {
        found.push((
            "version",
            format!(
                "it runs {old}, and EKS takes no cluster back to {new}; write {old}, or make a cluster of another name with \
                 {new}"
            ),
        ));
    }
    let (old, wanted) = (
        live.access_config.authentication_mode,
        new.access_config.authentication_mode,
    );
    if wanted < old {
        let way: Vec<&str> = [
            AuthenticationMode::ConfigMap,
            AuthenticationMode::ApiAndConfigMap,
            AuthenticationMode::Api,
        ]
        .map(AuthenticationMode::word)
        .into();
        found.push((
            "accessConfig.authenticationMode",
            format!(
                "EKS goes forward alone ({}), and it is {old} already; write {old}",
                way.join(", ")
            ),
        ));
    }
    if live.encryption_config.is_some() && new.encryption_config.is_none() {
        found.push((
            "encryptionConfig",
            "a key that encrypts a cluster's data cannot be taken away; write it again, or make a cluster of another name"
                .to_owned(),
        ));
    }
    let egress = |inputs: &ClusterInputs| inputs.resources_vpc_config.control_plane_egress_mode;
    if egress(new) == Some(ControlPlaneEgressMode::AwsManaged)
        && egress(live).is_some_and(|mode| mode != ControlPlaneEgressMode::AwsManaged)
    {
        found.push((
            "resourcesVpcConfig.controlPlaneEgressMode",
            "EKS takes no control plane back to AWS_MANAGED; write what it is".to_owned(),
        ));
    }
    found
}

/// Refuses what cannot be reached before anything is changed.
pub(super) fn refuse(live: &ClusterInputs, new: &ClusterInputs) -> Result<()> {
    let found = unreachable(live, new);
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.into_iter().map(|(path, why)| format!("{path}: {why}")).collect();
    Err(Error::Invalid(lines.join("; ")))
}

/// The first change that is open; none when the cluster is as asked for.
///
/// Access comes first, so that whoever is let in by entries can be there for the rest; the version comes last, for it takes
/// longest and everything else is the same before and after.
pub(super) fn next(live: &ClusterInputs, new: &ClusterInputs) -> Option<Step> {
    access(live, new)
        .or_else(|| network(&live.resources_vpc_config, &new.resources_vpc_config))
        .or_else(|| logging(live, new))
        .or_else(|| simple(live, new))
        .or_else(|| encryption(live, new))
        .or_else(|| version(live.version.as_ref()?, new.version.as_ref()?).map(Step::Version))
}

/// One mode after the other: EKS takes no cluster from the first to the last at once.
fn access(live: &ClusterInputs, new: &ClusterInputs) -> Option<Step> {
    let (old, new) = (
        live.access_config.authentication_mode,
        new.access_config.authentication_mode,
    );
    match (old, new) {
        (AuthenticationMode::ConfigMap, AuthenticationMode::ApiAndConfigMap | AuthenticationMode::Api) => {
            Some(Step::Access(AuthenticationMode::ApiAndConfigMap))
        }
        (old, new) if new > old => Some(Step::Access(new)),
        _ => None,
    }
}

fn network(live: &ResourcesVpcConfig, new: &ResourcesVpcConfig) -> Option<Step> {
    let none = BTreeSet::new();
    let groups = |config: &ResourcesVpcConfig| config.security_group_ids.clone().unwrap_or_default();
    if live.subnet_ids != new.subnet_ids || groups(live) != groups(new) {
        return Some(Step::Vpc {
            subnet_ids: new.subnet_ids.clone(),
            security_group_ids: groups(new),
        });
    }
    // Ranges that nobody asks for any more are not looked at.
    let cidrs = new.public_access_cidrs.as_ref().filter(|_| new.endpoint_public_access);
    if live.endpoint_private_access != new.endpoint_private_access
        || live.endpoint_public_access != new.endpoint_public_access
        || cidrs.is_some_and(|cidrs| cidrs != live.public_access_cidrs.as_ref().unwrap_or(&none))
    {
        return Some(Step::Endpoint {
            private: new.endpoint_private_access,
            public: new.endpoint_public_access,
            cidrs: cidrs.cloned(),
        });
    }
    let egress = new.control_plane_egress_mode?;
    // AWS's own way is what a cluster has of which EKS says nothing.
    let now = live
        .control_plane_egress_mode
        .unwrap_or(ControlPlaneEgressMode::AwsManaged);
    (egress != now).then_some(Step::Egress(egress))
}

fn logging(live: &ClusterInputs, new: &ClusterInputs) -> Option<Step> {
    let types = |inputs: &ClusterInputs| inputs.enabled_cluster_log_types.clone().unwrap_or_default();
    let (old, new) = (types(live), types(new));
    let apart = |a: &BTreeSet<ClusterLogType>, b: &BTreeSet<ClusterLogType>| {
        let apart: BTreeSet<_> = a.difference(b).copied().collect();
        (!apart.is_empty()).then_some(apart)
    };
    let (on, off) = (apart(&new, &old), apart(&old, &new));
    (on.is_some() || off.is_some()).then_some(Step::Logging { on, off })
}

/// What is one setting each.
fn simple(live: &ClusterInputs, new: &ClusterInputs) -> Option<Step> {
    // Of what is not asked for, or asked for in part, the rest is as it is.
    if live.upgrade_policy != new.upgrade_policy {
        return Some(Step::UpgradePolicy(new.upgrade_policy.clone()));
    }
    if live.zonal_shift_config != new.zonal_shift_config {
        return Some(Step::ZonalShift(new.zonal_shift_config.clone()));
    }
    if live.deletion_protection != new.deletion_protection {
        return Some(Step::DeletionProtection(new.deletion_protection));
    }
    if let Some(step) = auto_mode(live, new) {
        return Some(step);
    }
    if live.remote_network_config != new.remote_network_config {
        return Some(Step::RemoteNetwork(new.remote_network_config.clone()));
    }
    if let Some(config) = &new.control_plane_scaling_config
        && live.control_plane_scaling_config.as_ref() != Some(config)
    {
        return Some(Step::Scaling(config.clone()));
    }
    if let Some(config) = &new.kube_api_server_config {
        let live = live.kube_api_server_config.as_ref();
        if apart(live.and_then(|live| live.event_ttl.as_ref()), config.event_ttl.as_ref())
            || apart(
                live.and_then(|live| live.service_node_port_range.as_ref()),
                config.service_node_port_range.as_ref(),
            )
        {
            return Some(Step::ApiServer(config.clone()));
        }
    }
    if let Some(config) = &new.kube_scheduler_config
        && let Some(strategy) = &config.scoring_strategy
    {
        let live = live.kube_scheduler_config.as_ref();
        let live = live.and_then(|live| live.scoring_strategy.as_ref());
        if live.map(|live| live.r#type) != Some(strategy.r#type)
            || apart(
                live.and_then(|live| live.resources.as_ref()),
                strategy.resources.as_ref(),
            )
        {
            return Some(Step::Scheduler(config.clone()));
        }
    }
    let config = new.kube_controller_manager_config.as_ref()?;
    let live = live.kube_controller_manager_config.as_ref();
    (apart(
        live.and_then(|live| live.terminated_pod_gc_threshold.as_ref()),
        config.terminated_pod_gc_threshold.as_ref(),
    ) || apart(
        live.and_then(|live| live.horizontal_pod_autoscaler_sync_period.as_ref()),
        config.horizontal_pod_autoscaler_sync_period.as_ref(),
    ))
    .then(|| Step::ControllerManager(config.clone()))
}

/// Whether something is asked for that is not there.
fn apart<T: PartialEq>(live: Option<&T>, new: Option<&T>) -> bool {
    new.is_some() && live != new
}

/// The three switches of Auto Mode go together.
fn auto_mode(live: &ClusterInputs, new: &ClusterInputs) -> Option<Step> {
    let compute = new.compute_config.as_ref()?;
    let (storage, balancing) = (
        new.storage_config.as_ref()?,
        new.kubernetes_network_config
            .as_ref()?
            .elastic_load_balancing
            .as_ref()?,
    );
    let now = live.compute_config.as_ref();
    // EKS says nothing of what is off.
    let enabled = now.is_some_and(|now| now.enabled) != compute.enabled;
    let pools = apart(now.and_then(|now| now.node_pools.as_ref()), compute.node_pools.as_ref());
    let role = apart(
        now.and_then(|now| now.node_role_arn.as_ref()),
        compute.node_role_arn.as_ref(),
    );
    (enabled || pools || role).then(|| Step::AutoMode {
        compute: compute.clone(),
        storage: storage.clone(),
        balancing: balancing.clone(),
    })
}

fn encryption(live: &ClusterInputs, new: &ClusterInputs) -> Option<Step> {
    let config = new.encryption_config.as_ref()?;
    live.encryption_config
        .is_none()
        .then(|| Step::Encryption(config.clone()))
}

/// One minor version at a time.
fn version(live: &KubernetesVersion, new: &KubernetesVersion) -> Option<KubernetesVersion> {
    (new.minor() > live.minor()).then(|| live.next())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "each is made where it is asked")]
    fn cluster(changes: Json) -> ClusterInputs {
        let mut inputs = json!({
            "name": "a", "version": "1.33", "roleArn": "arn:aws:iam::111122223333:role/a",
            "resourcesVpcConfig": {"subnetIds": ["subnet-0a", "subnet-0b"]},
        });
        inputs
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        serde_json::from_value(inputs).unwrap()
    }

    /// What EKS would have made of a cluster by a step.
    fn after(live: &ClusterInputs, step: &Step) -> ClusterInputs {
        let mut live = live.clone();
        match step {
            Step::Access(mode) => live.access_config.authentication_mode = *mode,
            Step::Vpc {
                subnet_ids,
                security_group_ids,
            } => {
                live.resources_vpc_config.subnet_ids.clone_from(subnet_ids);
                live.resources_vpc_config.security_group_ids = Some(security_group_ids.clone());
            }
            Step::Endpoint { private, public, cidrs } => {
                live.resources_vpc_config.endpoint_private_access = *private;
                live.resources_vpc_config.endpoint_public_access = *public;
                live.resources_vpc_config.public_access_cidrs.clone_from(cidrs);
            }
            Step::Logging { on, off } => {
                let mut types = live.enabled_cluster_log_types.take().unwrap_or_default();
                types.extend(on.iter().flatten());
                types.retain(|one| !off.iter().flatten().any(|off| off == one));
                live.enabled_cluster_log_types = Some(types);
            }
            Step::UpgradePolicy(policy) => live.upgrade_policy = policy.clone(),
            Step::ZonalShift(config) => live.zonal_shift_config = config.clone(),
            Step::DeletionProtection(on) => live.deletion_protection = *on,
            Step::Encryption(config) => live.encryption_config = Some(config.clone()),
            Step::Version(version) => live.version = Some(version.clone()),
            other => panic!("{other:?}"),
        }
        live
    }

    #[test]
    fn a_change_of_everything_is_one_change_after_the_other() {
        let mut live = cluster(json!({
            "accessConfig": {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": true},
            "enabledClusterLogTypes": ["api"],
        }));
        let new = cluster(json!({
            "version": "1.35",
            "accessConfig": {"authenticationMode": "API"},
            "enabledClusterLogTypes": ["audit"],
            "upgradePolicy": {"supportType": "EXTENDED"},
            "zonalShiftConfig": {"enabled": true},
            "deletionProtection": true,
            "encryptionConfig": {"keyArn": "arn:aws:kms:eu-central-1:111122223333:key/a"},
            "resourcesVpcConfig": {
                "subnetIds": ["subnet-0a", "subnet-0c"],
                "endpointPublicAccess": true,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
        }));
        let mut words = Vec::new();
        while let Some(step) = next(&live, &new) {
            assert!(words.len() < 20, "{words:?}");
            words.push(step.to_string());
            live = after(&live, &step);
        }
        assert_eq!(
            words,
            [
                "authentication mode API_AND_CONFIG_MAP",
                "authentication mode API",
                "subnets and security groups",
                "access to the API",
                "logs",
                "upgrade policy",
                "zonal shift",
                "deletion protection",
                "encryption",
                "version 1.34",
                "version 1.35",
            ]
        );
    }

    #[test]
    fn what_eks_chose_and_nobody_asks_for_is_no_change() {
        let live = cluster(json!({
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "elasticLoadBalancing": {"enabled": false}},
            "controlPlaneScalingConfig": {"tier": "standard"},
            "computeConfig": {"enabled": false},
        }));
        assert_eq!(next(&live, &cluster(json!({}))), None);
        let off = cluster(json!({
            "computeConfig": {"enabled": false},
            "storageConfig": {"blockStorage": {"enabled": false}},
            "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": false}},
            "resourcesVpcConfig": {
                "subnetIds": ["subnet-0a", "subnet-0b"], "securityGroupIds": [], "controlPlaneEgressMode": "AWS_MANAGED",
            },
        }));
        assert_eq!(next(&cluster(json!({})), &off), None);
    }

    #[test]
    fn there_is_no_way_back() {
        let live = cluster(json!({
            "encryptionConfig": {"keyArn": "arn:aws:kms:eu-central-1:111122223333:key/a"},
            "resourcesVpcConfig": {"subnetIds": ["subnet-0a", "subnet-0b"], "controlPlaneEgressMode": "CUSTOMER_ROUTED"},
        }));
        let back = cluster(json!({
            "version": "1.32",
            "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
            "resourcesVpcConfig": {"subnetIds": ["subnet-0a", "subnet-0b"], "controlPlaneEgressMode": "AWS_MANAGED"},
        }));
        let paths: Vec<_> = unreachable(&live, &back).into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "version",
                "accessConfig.authenticationMode",
                "encryptionConfig",
                "resourcesVpcConfig.controlPlaneEgressMode"
            ]
        );
        assert!(refuse(&live, &back).is_err());
        assert!(refuse(&live, &live.clone()).is_ok());
    }
}
