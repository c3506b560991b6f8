//! What pods run on, decided: Fargate in part 1, nodes with Cilium in part 2.

use std::collections::BTreeMap;

use groundwork_contract::{
    Failure,
    eks::{AmiType, CapacityType, KubernetesVersion},
    helm::{
        ChartSource,
        cilium::{is_cilium, mistakes},
    },
};
use groundwork_wire::{PropertyPath, PropertyValue};
use serde_json::Value as Json;

use super::BOOTSTRAP_NAMESPACE;
use crate::{
    cilium::Values,
    objects::merged,
    settings::{
        AddonChoice, AddonSettings, CiliumSettings, FargateSettings, IdentityKind, NodeSettings, PlatformName, Preset,
    },
    versions::Cilium,
};

/// How many pods a node carries whose interfaces have ranges of addresses. Source: EKS Best Practices Guide, prefix mode.
pub const PODS_WITH_PREFIXES: u16 = 110;

/// Families on Xen, which take no address ranges. Source: EC2 User Guide, "Instances built on the AWS Nitro System".
const XEN_FAMILIES: [&str; 18] = [
    "c1", "c3", "c4", "d2", "f1", "g3", "g3s", "h1", "i2", "i3", "m1", "m3", "m4", "p2", "p3", "r3", "r4", "t2",
];

/// What pods run on.
#[derive(Debug, Clone, PartialEq)]
pub enum ComputePlan {
    /// On Fargate.
    Fargate(FargatePlan),
    /// On nodes, with Cilium.
    Nodes(CiliumPlan, NodesPlan),
}

/// Fargate, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FargatePlan {
    /// The namespaces whose pods run on it.
    pub namespaces: Vec<String>,
    /// The VPC CNI.
    pub vpc_cni: AddonPlan,
    /// kube-proxy.
    pub kube_proxy: AddonPlan,
}

/// An addon, decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddonPlan {
    /// Its version, if it is pinned.
    pub version: Option<String>,
    /// What the user says of its configuration.
    pub configuration: BTreeMap<String, Json>,
}

/// Cilium, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct CiliumPlan {
    /// The chart's version.
    pub version: String,
    /// The chart.
    pub chart: String,
    /// The repository, where the chart is a name in one.
    pub repository: Option<String>,
    /// What the user says of the chart's values.
    pub values: BTreeMap<String, Json>,
    /// Whether interfaces get ranges of addresses.
    pub prefix_delegation: bool,
    /// Whether Hubble runs.
    pub hubble: bool,
    /// Whether Cilium serves Ingresses.
    pub ingress: bool,
    /// How many operators there are.
    pub operators: u16,
}

/// The first nodes, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct NodesPlan {
    /// The kinds of instances.
    pub instance_types: Vec<String>,
    /// The image.
    pub image: AmiType,
    /// How they are paid for.
    pub capacity: CapacityType,
    /// How many at least.
    pub min: u16,
    /// How many at most.
    pub max: u16,
    /// How many at first.
    pub desired: u16,
    /// How many pods a node carries, if that is not left to the image.
    pub max_pods: Option<u16>,
    /// The disk for images and containers, in GiB.
    pub disk_size: u16,
    /// For how many seconds a deletion waits for pods to be drained, if the resource's own default is not it.
    pub drain_budget_seconds: Option<u32>,
    /// Labels of the nodes.
    pub labels: BTreeMap<String, String>,
}

/// What the platform needs to know of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// Whether it is for Graviton.
    pub arm: bool,
    /// Whether it is Bottlerocket, whose user data are settings.
    pub bottlerocket: bool,
    /// Whether nodes with it can be the platform's first ones: EKS' own Linux that is still cared for.
    pub fits: bool,
}

/// What the platform needs to know of an image, which its name tells.
pub fn image_of(image: AmiType) -> Image {
    let name = image.to_string();
    Image {
        arm: name.contains("_ARM_64"),
        bottlerocket: name.starts_with("BOTTLEROCKET_"),
        fits: name.starts_with("BOTTLEROCKET_") || name.starts_with("AL2023_"),
    }
}

fn at(parent: &str, key: &str) -> PropertyPath {
    PropertyPath::root().key(parent).key(key)
}

/// What the settings say of compute.
pub(super) struct Said<'a> {
    pub(super) name: &'a PlatformName,
    pub(super) identity: Option<IdentityKind>,
    pub(super) cilium: Option<CiliumSettings>,
    pub(super) nodes: Option<NodeSettings>,
    pub(super) fargate: Option<FargateSettings>,
    pub(super) addons: Option<AddonSettings>,
    /// Whether the hand-over to Flux has a namespace of its own.
    pub(super) bootstrap: bool,
}

/// The compute of a part; CoreDNS, which both have; and whether pods get their rights by Pod Identity.
pub(super) fn plan_compute(
    preset: Preset,
    part: u8,
    said: Said<'_>,
    known: &Cilium,
    failures: &mut Vec<Failure>,
) -> (ComputePlan, AddonPlan, bool) {
    let Said {
        name,
        identity,
        cilium,
        nodes,
        fargate,
        addons,
        bootstrap,
    } = said;
    let AddonSettings {
        vpc_cni,
        kube_proxy,
        coredns,
    } = addons.unwrap_or(AddonSettings {
        vpc_cni: None,
        kube_proxy: None,
        coredns: None,
    });
    let unfit = |key: &str, given: bool, other: &str| {
        given.then(|| {
            Failure::at(
                key,
                format!("is for part {other}; this is the other one, so leave it out"),
            )
        })
    };
    if part == 1 {
        failures.extend(unfit("cilium", cilium.is_some(), "2"));
        failures.extend(unfit("nodes", nodes.is_some(), "2"));
        if identity == Some(IdentityKind::PodIdentity) {
            failures.push(Failure::at(
                "identity",
                "is pod-identity, whose agent is a DaemonSet and does not run on Fargate; take `irsa` or `auto`",
            ));
        }
        let plan = FargatePlan {
            namespaces: plan_namespaces(fargate, bootstrap, failures),
            vpc_cni: addon(vpc_cni),
            kube_proxy: addon(kube_proxy),
        };
        return (ComputePlan::Fargate(plan), addon(coredns), false);
    }
    failures.extend(unfit("fargate", fargate.is_some(), "1"));
    for (key, given) in [("vpcCni", vpc_cni.is_some()), ("kubeProxy", kube_proxy.is_some())] {
        if given {
            failures.push(Failure::new(
                at("addons", key),
                "is for part 1; here Cilium does its work, so leave it out",
            ));
        }
    }
    let nodes = plan_nodes(
        preset,
        nodes,
        cilium.as_ref().is_some_and(|c| c.prefix_delegation == Some(true)),
        failures,
    );
    // Operators keep apart by host.
    let cilium = plan_cilium(name, cilium, nodes.min.clamp(1, 2), known, failures);
    let pod_identity = matches!(identity, Some(IdentityKind::PodIdentity | IdentityKind::Auto));
    (ComputePlan::Nodes(cilium, nodes), addon(coredns), pod_identity)
}

fn addon(choice: Option<AddonChoice>) -> AddonPlan {
    choice.map_or_else(AddonPlan::default, |AddonChoice { version, configuration }| AddonPlan {
        version,
        configuration: configuration.unwrap_or_default(),
    })
}

/// How many namespaces a Fargate profile takes. Source: EKS User Guide, "Fargate profile components".
const SELECTORS: usize = 5;

fn plan_namespaces(settings: Option<FargateSettings>, bootstrap: bool, failures: &mut Vec<Failure>) -> Vec<String> {
    let mut namespaces: Vec<String> = ["karpenter", "flux-system", "kube-system"].map(str::to_owned).into();
    namespaces.extend(bootstrap.then(|| BOOTSTRAP_NAMESPACE.to_owned()));
    let own = namespaces.len();
    let more = settings.and_then(|settings| settings.namespaces).unwrap_or_default();
    for (index, namespace) in more.into_iter().enumerate() {
        if namespaces.contains(&namespace) {
            failures.push(Failure::new(
                at("fargate", "namespaces").index(index),
                format!("{namespace} is there already; leave it out"),
            ));
        } else {
            namespaces.push(namespace);
        }
    }
    if namespaces.len() > SELECTORS {
        failures.push(Failure::new(
            at("fargate", "namespaces"),
            format!(
                "a Fargate profile has {SELECTORS} selectors at most, and the platform needs {own}; name {} at most",
                SELECTORS - own
            ),
        ));
    }
    namespaces
}

fn plan_cilium(
    name: &PlatformName,
    settings: Option<CiliumSettings>,
    operators: u16,
    known: &Cilium,
    failures: &mut Vec<Failure>,
) -> CiliumPlan {
    let CiliumSettings {
        version,
        chart,
        repository,
        values,
        prefix_delegation,
        hubble,
        ingress,
    } = settings.unwrap_or(CiliumSettings {
        version: None,
        chart: None,
        repository: None,
        values: None,
        prefix_delegation: None,
        hubble: None,
        ingress: None,
    });
    let version = version.unwrap_or_else(|| known.version.clone());
    let minor: Vec<&str> = version.trim_start_matches('v').splitn(3, '.').collect();
    match minor.as_slice() {
        [major, minor, _] => match format!("{major}.{minor}").parse::<KubernetesVersion>() {
            Ok(minor) if minor.minor() < known.oldest.minor() => failures.push(Failure::new(
                at("cilium", "version"),
                format!(
                    "the platform's values are for charts since {}; {version} is older, so take {}",
                    known.oldest, known.version
                ),
            )),
            Ok(_) => {}
            Err(error) => failures.push(Failure::new(at("cilium", "version"), error.to_string())),
        },
        _ => failures.push(Failure::new(
            at("cilium", "version"),
            format!(
                "{version:?} is no version of a chart; expected one such as {}",
                known.version
            ),
        )),
    }
    let chart = chart.unwrap_or_else(|| known.chart.clone());
    let by_itself = ChartSource::of(&chart, false) != ChartSource::Repository;
    if by_itself && repository.is_some() {
        failures.push(Failure::new(
            at("cilium", "repository"),
            format!("is given, but {chart:?} is an address, a folder or an archive by itself; leave one of them out"),
        ));
    }
    let plan = CiliumPlan {
        version,
        chart,
        repository: repository.or_else(|| (!by_itself).then(|| known.repository.clone())),
        values: values.unwrap_or_default(),
        prefix_delegation: prefix_delegation.unwrap_or(false),
        hubble: hubble.unwrap_or(true),
        ingress: ingress.unwrap_or(true),
        operators,
    };
    failures.extend(check_values(name, &plan));
    plan
}

/// What the chart would be given, held against the settings and against what charts of its version take.
fn check_values(name: &PlatformName, plan: &CiliumPlan) -> Vec<Failure> {
    let path = PropertyPath::root().key("cilium");
    // What other parts of the platform count on: how many pods a node carries, whose network interfaces are whose, and that
    // no load balancer outlives the cluster.
    let settings = [
        (
            ["eni", "awsEnablePrefixDelegation"],
            Json::from(plan.prefix_delegation),
            "cilium.prefixDelegation",
        ),
        (["ingressController", "enabled"], plan.ingress.into(), "cilium.ingress"),
        (["hubble", "relay.enabled"], plan.hubble.into(), "cilium.hubble"),
        (["cluster", "name"], name.as_str().into(), "name"),
    ];
    let said = |keys: &[&str; 2]| {
        let [first, rest] = keys;
        rest.split('.')
            .try_fold(plan.values.get(*first)?, |value, key| value.get(key))
    };
    let mut failures: Vec<Failure> = settings
        .iter()
        .filter_map(|(keys, ours, setting)| {
            let theirs = said(keys).filter(|theirs| *theirs != ours)?;
            let path = keys
                .iter()
                .flat_map(|keys| keys.split('.'))
                .fold(path.key("values"), |path, key| path.key(key));
            Some(Failure::new(
                path,
                format!("is {theirs}, but `{setting}` says {ours}; say it by `{setting}` alone"),
            ))
        })
        .collect();
    if is_cilium(&plan.chart) && ChartSource::of(&plan.chart, plan.repository.is_some()) != ChartSource::Local {
        let ours = Values::of(name.as_str(), plan).json("https://kubernetes.example.com", None);
        let users = Json::Object(plan.values.clone().into_iter().collect());
        let found = mistakes(&plan.version, &PropertyValue::from(merged(ours, users)));
        failures.extend(found.into_iter().map(|Failure { path: below, reason }| {
            let segments = path.segments().iter().chain(below.segments());
            Failure::new(segments.cloned().collect::<Vec<_>>().into(), reason)
        }));
    }
    failures
}

fn plan_nodes(
    preset: Preset,
    settings: Option<NodeSettings>,
    prefixes: bool,
    failures: &mut Vec<Failure>,
) -> NodesPlan {
    let NodeSettings {
        instance_types,
        ami_type,
        capacity_type,
        min,
        max,
        desired,
        max_pods,
        disk_size,
        drain_budget_seconds,
        labels,
    } = settings.unwrap_or(NodeSettings {
        instance_types: None,
        ami_type: None,
        capacity_type: None,
        min: None,
        max: None,
        desired: None,
        max_pods: None,
        disk_size: None,
        drain_budget_seconds: None,
        labels: None,
    });
    let image = ami_type.unwrap_or(AmiType::BottlerocketArm64);
    let instance_types =
        instance_types.unwrap_or_else(|| vec![if image_of(image).arm { "t4g.medium" } else { "t3.medium" }.to_owned()]);
    if image_of(image).fits {
        failures.extend(check_instances(&instance_types, image, prefixes));
    } else {
        failures.push(Failure::new(
            at("nodes", "amiType"),
            format!("{image} is no image for the platform's first nodes; take Bottlerocket or Amazon Linux 2023"),
        ));
    }
    let min = min.unwrap_or(2);
    let max = max.unwrap_or_else(|| min.saturating_add(u16::from(preset != Preset::Demo)));
    let desired = desired.unwrap_or(min);
    if min == 0 {
        failures.push(Failure::new(
            at("nodes", "min"),
            "is 0: CoreDNS, Flux and Karpenter would have nowhere to run; take 1 or more",
        ));
    }
    if !(min..=max).contains(&desired) {
        failures.push(Failure::new(
            at("nodes", "desired"),
            format!("{desired} is not between min ({min}) and max ({max})"),
        ));
    }
    failures.extend(check_pods(max_pods, prefixes, &instance_types));
    NodesPlan {
        instance_types,
        image,
        capacity: capacity_type.unwrap_or(CapacityType::OnDemand),
        min,
        max,
        desired,
        max_pods: max_pods.or_else(|| prefixes.then_some(PODS_WITH_PREFIXES)),
        disk_size: disk_size.unwrap_or(20),
        drain_budget_seconds,
        labels: labels.unwrap_or_default(),
    }
}

fn check_instances(types: &[String], image: AmiType, prefixes: bool) -> Vec<Failure> {
    let path = at("nodes", "instanceTypes");
    if types.is_empty() {
        return vec![Failure::new(
            path,
            "names no kind of instance; name one, or leave it out",
        )];
    }
    let mut failures = Vec::new();
    for (index, kind) in types.iter().enumerate() {
        let Some((family, _)) = kind
            .split_once('.')
            .filter(|(family, size)| !family.is_empty() && !size.is_empty())
        else {
            failures.push(Failure::new(
                path.index(index),
                format!("{kind:?} is no kind of instance; expected one such as t4g.medium"),
            ));
            continue;
        };
        if is_graviton(family) != image_of(image).arm {
            let (this, other) = if image_of(image).arm {
                ("arm64", "x86_64")
            } else {
                ("x86_64", "arm64")
            };
            failures.push(Failure::new(
                path.index(index),
                format!("{kind} is {other}, but `amiType` is {this}; take another kind of instance, or another image"),
            ));
        }
        if prefixes && XEN_FAMILIES.contains(&family) {
            failures.push(Failure::new(
                path.index(index),
                format!("{kind} is not built on Nitro, and `cilium.prefixDelegation` needs that; take a newer family"),
            ));
        }
    }
    failures
}

/// Whether a family is of AWS's own ARM processors: a `g` after the generation, or the first of them.
/// Source: EC2 Instance Types, "Naming conventions".
fn is_graviton(family: &str) -> bool {
    let attributes = family.trim_start_matches(|c: char| c.is_ascii_lowercase());
    family == "a1"
        || attributes
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .contains('g')
}

/// Pods beyond a node's addresses would wait for one for ever.
fn check_pods(max_pods: Option<u16>, prefixes: bool, types: &[String]) -> Option<Failure> {
    let asked = max_pods?;
    let path = at("nodes", "maxPods");
    if asked == 0 || asked > 737 {
        return Some(Failure::new(path, format!("{asked} is not between 1 and 737")));
    }
    if prefixes {
        return (asked > 250).then(|| {
            Failure::new(
                path,
                format!("{asked} is more than the 250 that a node is tested with; take 250 or less"),
            )
        });
    }
    // The most addresses that any family has at a size, less one for each interface. Source: EC2 Instance Types.
    let limit = |kind: &String| match kind.split_once('.').map(|(_, size)| size) {
        Some("nano" | "micro") => 4,
        Some("small") => 11,
        Some("medium") => 17,
        Some("large") => 35,
        Some("xlarge" | "2xlarge") => 58,
        Some("4xlarge" | "8xlarge") => 234,
        _ => 737,
    };
    let (limit, kind) = types.iter().map(|kind| (limit(kind), kind)).min()?;
    (asked > limit).then(|| {
        Failure::new(
            path,
            format!(
                "{asked} is more than the {limit} addresses for pods that {kind} has at most: the others would wait for \
                 one for ever; set `cilium.prefixDelegation: true`, or take {limit} or less"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graviton_is_told_by_the_family() {
        for family in ["t4g", "c7gn", "m6gd", "im4gn", "is4gen", "x2gd", "g5g", "a1", "hpc7g"] {
            assert!(is_graviton(family), "{family}");
        }
        for family in ["t3", "g4dn", "g5", "gr6", "m7i-flex", "c6in", "u7i-12tb"] {
            assert!(!is_graviton(family), "{family}");
        }
    }
}
