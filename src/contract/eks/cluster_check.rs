//! What makes no sense for a cluster, told before anything is made.

use groundwork_wire::{PropertyPath, PropertyValue};

use super::{
    AccessCidr, AuthenticationMode, ClusterArgs, IpFamily, KubernetesNetworkConfigArgs, ResourcesVpcConfigArgs,
};
use crate::{Failure, FromProperties, Input};

/// What is known of an optional property.
fn known<T: serde::de::DeserializeOwned>(input: Option<&Input<T>>) -> Option<T> {
    input.and_then(Input::known)
}

/// The arguments of a nested object, as far as they are known.
fn within<T, A: FromProperties>(input: &Input<T>) -> Option<A> {
    match input.peek().plain() {
        PropertyValue::Object(map) => Some(A::from_properties(map)),
        _ => None,
    }
}

pub(super) fn check(args: &ClusterArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(config) = within(&args.resources_vpc_config) {
        let anywhere = match &args.allow_public_anywhere {
            None => Some(false),
            Some(given) => given.known(),
        };
        failures.extend(check_subnets(&config));
        failures.extend(check_access(&config, anywhere));
    }
    if let Some(config) = args.kubernetes_network_config.as_ref().and_then(within) {
        failures.extend(check_network(&config));
    }
    failures.extend(check_creator(args));
    failures.extend(check_weights(args));
    failures.extend(check_auto_mode(args));
    failures
}

fn at(name: &str) -> PropertyPath {
    PropertyPath::root().key("resourcesVpcConfig").key(name)
}

fn check_subnets(config: &ResourcesVpcConfigArgs) -> Option<Failure> {
    // An item that is not known yet is one all the same.
    let PropertyValue::Array(subnets) = config.subnet_ids.peek().plain().clone() else {
        return None;
    };
    (subnets.len() < 2).then(|| {
        Failure::new(
            at("subnetIds"),
            format!(
                "EKS needs two subnets at least, in two zones, but this names {}",
                subnets.len()
            ),
        )
    })
}

fn check_access(config: &ResourcesVpcConfigArgs, anywhere: Option<bool>) -> Option<Failure> {
    let or = |given: Option<&Input<bool>>, default| given.map_or(Some(default), Input::known);
    let public = or(config.endpoint_public_access.as_ref(), false);
    let private = or(config.endpoint_private_access.as_ref(), true);
    let cidrs = config.public_access_cidrs.as_ref();
    if (public, private) == (Some(false), Some(false)) {
        return Some(Failure::new(
            at("endpointPrivateAccess"),
            "nobody could reach the API: set endpointPrivateAccess or endpointPublicAccess to true",
        ));
    }
    match (public, cidrs.map(Input::peek)) {
        (Some(true), None) => Some(Failure::new(
            at("publicAccessCidrs"),
            "is required with endpointPublicAccess: true, for EKS would let every address in; name the ranges that you \
             work from, such as 203.0.113.0/24",
        )),
        (Some(true), Some(PropertyValue::Array(items))) if items.is_empty() => Some(Failure::new(
            at("publicAccessCidrs"),
            "names no range: name those that you work from, or set endpointPublicAccess: false",
        )),
        (Some(false), Some(PropertyValue::Array(items))) if !items.is_empty() => Some(Failure::new(
            at("publicAccessCidrs"),
            "says nothing while endpointPublicAccess is false: leave it out, or set endpointPublicAccess: true",
        )),
        (_, Some(PropertyValue::Array(items))) if anywhere == Some(false) => {
            items.iter().enumerate().find_map(|(index, item)| {
                let cidr: AccessCidr = item.as_str()?.parse().ok()?;
                cidr.is_wide().then(|| {
                    Failure::new(
                        at("publicAccessCidrs").index(index),
                        format!(
                            "{cidr} is more than anybody's own network, and a few of these are the whole internet: name the \
                             ranges that you work from, or set allowPublicAnywhere: true"
                        ),
                    )
                })
            })
        }
        _ => None,
    }
}

fn check_network(config: &KubernetesNetworkConfigArgs) -> Option<Failure> {
    let path = PropertyPath::root()
        .key("kubernetesNetworkConfig")
        .key("serviceIpv4Cidr");
    let cidr = config.service_ipv4_cidr.as_ref()?;
    if known(config.ip_family.as_ref()) == Some(IpFamily::Ipv6) {
        return Some(Failure::new(
            path,
            "has no place with ipFamily: ipv6, where EKS chooses the range; leave it out",
        ));
    }
    let prefix = cidr.known()?.prefix();
    (!(12..=24).contains(&prefix))
        .then(|| Failure::new(path, format!("the range of Services is /12 to /24, not /{prefix}")))
}

fn check_weights(args: &ClusterArgs) -> Option<Failure> {
    let config = known(args.kube_scheduler_config.as_ref())?;
    let (name, weight) = config
        .scoring_strategy?
        .resources?
        .into_iter()
        .find(|(_, weight)| !(1..=100).contains(weight))?;
    let path = ["kubeSchedulerConfig", "scoringStrategy", "resources", name.as_str()]
        .iter()
        .fold(PropertyPath::root(), |path, key| path.key(key));
    Some(Failure::new(path, format!("a weight is 1 to 100, not {weight}")))
}

fn check_creator(args: &ClusterArgs) -> Option<Failure> {
    let config = known(args.access_config.as_ref())?;
    let shut = config.authentication_mode == AuthenticationMode::ConfigMap
        && !config.bootstrap_cluster_creator_admin_permissions;
    shut.then(|| {
        Failure::new(
            PropertyPath::root()
                .key("accessConfig")
                .key("bootstrapClusterCreatorAdminPermissions"),
            "must be true with authenticationMode: CONFIG_MAP, for nobody else could write the first entry",
        )
    })
}

/// The three switches of Auto Mode are one. Source: EKS User Guide, "Create an EKS Auto Mode cluster".
fn check_auto_mode(args: &ClusterArgs) -> Option<Failure> {
    let network = args
        .kubernetes_network_config
        .as_ref()
        .map(within::<_, KubernetesNetworkConfigArgs>);
    // What is not known yet may turn out to be as the others.
    let balancing = match network {
        None => Some(false),
        Some(None) => None,
        Some(Some(network)) => match network.elastic_load_balancing {
            None => Some(false),
            Some(config) => config.known().map(|config| config.enabled),
        },
    };
    let compute = match &args.compute_config {
        None => Some(false),
        Some(config) => config.known().map(|config| config.enabled),
    };
    let storage = match &args.storage_config {
        None => Some(false),
        Some(config) => config.known().map(|config| config.block_storage.enabled),
    };
    let (compute, storage, balancing) = (compute?, storage?, balancing?);
    (compute != storage || compute != balancing).then(|| {
        Failure::at(
            "computeConfig",
            "Auto Mode is on or off as a whole: set enabled of computeConfig, of storageConfig.blockStorage and of \
             kubernetesNetworkConfig.elasticLoadBalancing alike",
        )
    })
}

#[cfg(test)]
mod tests {
    use groundwork_wire::{PropertyMap, PropertyValue};
    use serde_json::{Value as Json, json};

    use super::super::Cluster;
    use crate::descriptor::Descriptor;

    fn map(json: Json) -> PropertyMap {
        match PropertyValue::from(json) {
            PropertyValue::Object(map) => map,
            _ => panic!("an object"),
        }
    }

    /// The paths of the mistakes, for a cluster that is right but for these.
    #[expect(clippy::needless_pass_by_value, reason = "each is made where it is asked")]
    fn paths(vpc: Json, others: Json) -> Vec<String> {
        let mut config = json!({"subnetIds": ["subnet-0a", "subnet-0b"]});
        config.as_object_mut().unwrap().extend(vpc.as_object().unwrap().clone());
        let mut inputs =
            json!({"name": "a", "roleArn": "arn:aws:iam::111122223333:role/a", "resourcesVpcConfig": config});
        inputs
            .as_object_mut()
            .unwrap()
            .extend(others.as_object().unwrap().clone());
        let descriptor = Descriptor::of::<Cluster>();
        let failures = descriptor.check(&descriptor.with_defaults(map(inputs)));
        failures.iter().map(|failure| failure.path.to_string()).collect()
    }

    fn vpc(vpc: Json) -> Vec<String> {
        paths(vpc, json!({}))
    }

    #[test]
    fn a_weight_has_its_bounds() {
        let weights = |cpu: i32| {
            let strategy = json!({"type": "MostAllocated", "resources": {"memory": 1, "cpu": cpu}});
            paths(json!({}), json!({"kubeSchedulerConfig": {"scoringStrategy": strategy}}))
        };
        assert!(weights(100).is_empty());
        assert_eq!(weights(0), ["kubeSchedulerConfig.scoringStrategy.resources.cpu"]);
        assert_eq!(weights(101), ["kubeSchedulerConfig.scoringStrategy.resources.cpu"]);
    }

    #[test]
    fn the_api_is_open_to_named_ranges_alone() {
        assert!(vpc(json!({})).is_empty());
        let cidrs = ["resourcesVpcConfig.publicAccessCidrs"];
        assert_eq!(vpc(json!({"endpointPublicAccess": true})), cidrs);
        assert_eq!(
            vpc(json!({"endpointPublicAccess": true, "publicAccessCidrs": []})),
            cidrs
        );
        assert_eq!(vpc(json!({"publicAccessCidrs": ["203.0.113.0/24"]})), cidrs);
        assert!(vpc(json!({"endpointPublicAccess": true, "publicAccessCidrs": ["203.0.113.0/24"]})).is_empty());
        assert_eq!(
            vpc(json!({"endpointPublicAccess": true, "publicAccessCidrs": ["203.0.113.0/24", "0.0.0.0/0"]})),
            ["resourcesVpcConfig.publicAccessCidrs[1]"]
        );
        let open = json!({"endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"]});
        assert!(paths(open, json!({"allowPublicAnywhere": true})).is_empty());
        assert_eq!(
            vpc(json!({"endpointPrivateAccess": false})),
            ["resourcesVpcConfig.endpointPrivateAccess"]
        );
    }

    #[test]
    fn subnets_are_two_at_least() {
        assert_eq!(
            vpc(json!({"subnetIds": ["subnet-0a"]})),
            ["resourcesVpcConfig.subnetIds"]
        );
        let descriptor = Descriptor::of::<Cluster>();
        let mut inputs = map(json!({"name": "a", "roleArn": "arn:aws:iam::111122223333:role/a"}));
        for unknown in [
            PropertyValue::UNKNOWN,
            PropertyValue::Object(
                map(json!({}))
                    .into_iter()
                    .chain([("subnetIds".to_owned(), PropertyValue::UNKNOWN)])
                    .collect(),
            ),
        ] {
            inputs.insert("resourcesVpcConfig".to_owned(), unknown);
            assert_eq!(descriptor.check(&descriptor.with_defaults(inputs.clone())), []);
        }
    }

    #[test]
    fn auto_mode_is_whole() {
        let part = json!({"computeConfig": {"enabled": true}});
        assert_eq!(paths(json!({}), part), ["computeConfig"]);
        let whole = json!({
            "computeConfig": {"enabled": true, "nodePools": ["system"]},
            "storageConfig": {"blockStorage": {"enabled": true}},
            "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": true}},
        });
        assert!(paths(json!({}), whole).is_empty());
    }

    #[test]
    fn somebody_is_let_in_and_services_have_room() {
        let mode = |creator| json!({"accessConfig": {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": creator}});
        assert!(paths(json!({}), mode(true)).is_empty());
        assert_eq!(
            paths(json!({}), mode(false)),
            ["accessConfig.bootstrapClusterCreatorAdminPermissions"]
        );
        let services = |services: Json| paths(json!({}), json!({"kubernetesNetworkConfig": services}));
        assert!(services(json!({"serviceIpv4Cidr": "172.20.0.0/16"})).is_empty());
        let path = ["kubernetesNetworkConfig.serviceIpv4Cidr"];
        assert_eq!(services(json!({"serviceIpv4Cidr": "172.20.0.0/26"})), path);
        assert_eq!(
            services(json!({"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv6"})),
            path
        );
        assert_eq!(
            paths(json!({}), json!({"enabledClusterLogTypes": ["audits"]})),
            ["enabledClusterLogTypes[0]"]
        );
        assert_eq!(paths(json!({}), json!({"version": "1.35.1"})), ["version"]);
        assert_eq!(paths(json!({}), json!({"name": "demo.k8s"})), ["name"]);
    }
}
