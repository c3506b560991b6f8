//! What it takes for a managed node group to make sense.

use groundwork_wire::PropertyPath;

use super::{AmiType, NodeGroupArgs, NodeLaunchTemplate, ScalingConfig, access_entry::known};
use crate::Failure;

/// The architecture of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Intel and AMD.
    X8664,
    /// Graviton.
    Arm64,
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::X8664 => "x86_64",
            Self::Arm64 => "arm64",
        })
    }
}

impl AmiType {
    /// The architecture that it runs on; `None` where the launch template says it.
    pub fn architecture(self) -> Option<Architecture> {
        match self {
            Self::Custom => None,
            _ if self.word().contains("ARM_64") => Some(Architecture::Arm64),
            _ => Some(Architecture::X8664),
        }
    }

    /// Whether it is Bottlerocket, whose user data are settings in TOML.
    pub fn is_bottlerocket(self) -> bool {
        self.word().starts_with("BOTTLEROCKET")
    }

    /// The same kind of image for another architecture, if there is one.
    fn on(self, architecture: Architecture) -> Option<Self> {
        Some(match (self, architecture) {
            (Self::Al2023X8664Standard, Architecture::Arm64) => Self::Al2023Arm64Standard,
            (Self::Al2023Arm64Standard, Architecture::X8664) => Self::Al2023X8664Standard,
            (Self::Al2023X8664Nvidia, Architecture::Arm64) => Self::Al2023Arm64Nvidia,
            (Self::Al2023Arm64Nvidia, Architecture::X8664) => Self::Al2023X8664Nvidia,
            (Self::BottlerocketX8664, Architecture::Arm64) => Self::BottlerocketArm64,
            (Self::BottlerocketArm64, Architecture::X8664) => Self::BottlerocketX8664,
            (Self::BottlerocketX8664Fips, Architecture::Arm64) => Self::BottlerocketArm64Fips,
            (Self::BottlerocketArm64Fips, Architecture::X8664) => Self::BottlerocketX8664Fips,
            (Self::BottlerocketX8664Nvidia, Architecture::Arm64) => Self::BottlerocketArm64Nvidia,
            (Self::BottlerocketArm64Nvidia, Architecture::X8664) => Self::BottlerocketX8664Nvidia,
            (Self::BottlerocketX8664NvidiaFips, Architecture::Arm64) => Self::BottlerocketArm64NvidiaFips,
            (Self::BottlerocketArm64NvidiaFips, Architecture::X8664) => Self::BottlerocketX8664NvidiaFips,
            (Self::Al2X8664, Architecture::Arm64) => Self::Al2Arm64,
            (Self::Al2Arm64, Architecture::X8664) => Self::Al2X8664,
            _ => return None,
        })
    }
}

/// The architecture of an instance type, by its family; `None` for a family of another form, such as the Macs, which are both.
///
/// A `g` after the generation is Graviton (`t4g`, `m7gd`, `c6gn`, `x2gd`, `g5g`, `hpc7g`), and so is the whole family `a1`.
/// Source: EC2 User Guide, "Amazon EC2 instance type naming conventions".
pub fn architecture_of(instance_type: &str) -> Option<Architecture> {
    let (family, _size) = instance_type.split_once('.')?;
    if family == "a1" {
        return Some(Architecture::Arm64);
    }
    // `u-6tb1` is of another form, and of Intel's.
    if family.starts_with("u-") {
        return Some(Architecture::X8664);
    }
    if family.starts_with("mac") {
        return None;
    }
    let generation = family.find(|c: char| c.is_ascii_digit())?;
    let options = family
        .get(generation..)?
        .trim_start_matches(|c: char| c.is_ascii_digit());
    Some(if options.starts_with('g') {
        Architecture::Arm64
    } else {
        Architecture::X8664
    })
}

/// The rules for the name of what belongs to a cluster.
pub(super) fn part_name(property: &str, name: &str, most: usize) -> Option<Failure> {
    let of_them = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    (!begins || name.len() > most || !name.chars().all(of_them)).then(|| {
        Failure::at(
            property,
            format!(
                "{name:?} is no name that EKS takes: a letter or digit, then letters, digits, - and _, {most} at most"
            ),
        )
    })
}

/// The prefixes of labels that Kubernetes and EKS keep for themselves. A node may set some under `kubernetes.io` on itself.
/// Source: Kubernetes, `NodeRestriction`; EKS User Guide, "Managed node groups".
const RESERVED: [&str; 3] = ["kubernetes.io", "k8s.io", "eks.amazonaws.com"];
const ALLOWED: [&str; 2] = ["node.kubernetes.io", "kubelet.kubernetes.io"];

/// Why a label's key is refused on a node, if it is.
fn reserved(key: &str) -> Option<String> {
    let (domain, _name) = key.split_once('/')?;
    let within = |suffix: &str| domain == suffix || domain.ends_with(&format!(".{suffix}"));
    let reserved = RESERVED.into_iter().find(|suffix| within(suffix))?;
    (!ALLOWED.into_iter().any(within)).then(|| {
        format!("the label {key} is of {reserved}, which is not for labels of one's own; use a domain of yours or none")
    })
}

/// The mistakes in a node group, as far as they can be told without asking AWS.
pub(super) fn check(args: &NodeGroupArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(name) = known(args.nodegroup_name.as_ref()) {
        failures.extend(part_name("nodegroupName", &name, 63));
    }
    if args.subnets.known().is_some_and(|subnets| subnets.is_empty()) {
        failures.push(Failure::at("subnets", "is empty; name at least one subnet"));
    }
    if let Some(scaling) = args.scaling_config.known() {
        failures.extend(check_scaling(&scaling));
    }
    failures.extend(check_architecture(args));
    failures.extend(check_template(args));
    for key in known(args.labels.as_ref()).into_iter().flatten().map(|(key, _)| key) {
        failures.extend(reserved(&key).map(|reason| Failure::at("labels", reason)));
    }
    if let Some(taints) = known(args.taints.as_ref())
        && taints.len() > 50
    {
        failures.push(Failure::at(
            "taints",
            format!("has {} taints; EKS takes 50", taints.len()),
        ));
    }
    if let Some(config) = known(args.update_config.as_ref()) {
        let path = PropertyPath::root().key("updateConfig");
        match (config.max_unavailable, config.max_unavailable_percentage) {
            (Some(_), Some(_)) => failures.push(Failure::new(
                path.key("maxUnavailablePercentage"),
                "stands beside maxUnavailable; give one of the two",
            )),
            (None, None) => failures.push(Failure::new(
                path.key("maxUnavailable"),
                "is required: give maxUnavailable or maxUnavailablePercentage",
            )),
            (Some(number), None) | (None, Some(number)) if !(1..=100).contains(&number) => {
                failures.push(Failure::new(path, format!("takes 1 to 100, not {number}")));
            }
            _ => {}
        }
    }
    failures
}

fn check_scaling(scaling: &ScalingConfig) -> Vec<Failure> {
    let path = PropertyPath::root().key("scalingConfig");
    let ScalingConfig {
        min_size,
        max_size,
        desired_size,
    } = *scaling;
    let mut failures = Vec::new();
    if max_size == 0 {
        failures.push(Failure::new(
            path.key("maxSize"),
            "is at least 1; for a group without nodes set minSize and desiredSize to 0",
        ));
    } else if min_size > max_size {
        failures.push(Failure::new(
            path.key("minSize"),
            format!("is {min_size}, above maxSize {max_size}; exchange them"),
        ));
    } else if let Some(desired) = desired_size.filter(|desired| !(min_size..=max_size).contains(desired)) {
        failures.push(Failure::new(
            path.key("desiredSize"),
            format!("is {desired}, but must be from minSize {min_size} to maxSize {max_size}"),
        ));
    }
    failures
}

fn check_architecture(args: &NodeGroupArgs) -> Vec<Failure> {
    let ami = match &args.ami_type {
        // Without an image type of its own and without a template that names an image, it is Amazon Linux for x86.
        None if args.launch_template.is_none() => Some(AmiType::Al2023X8664Standard),
        ami => known(ami.as_ref()),
    };
    let Some((ami, architecture)) = ami.and_then(|ami| Some((ami, ami.architecture()?))) else {
        return Vec::new();
    };
    let types = known(args.instance_types.as_ref()).unwrap_or_default();
    let wrong = types
        .iter()
        .enumerate()
        .filter_map(|(index, name)| Some((index, name, architecture_of(name).filter(|of| *of != architecture)?)));
    wrong
        .map(|(index, name, of)| {
            let other = ami.on(of).map_or_else(String::new, |ami| format!("set amiType to {ami}, or "));
            Failure::new(
                PropertyPath::root().key("instanceTypes").index(index),
                format!("{name} is {of}, but the image {ami} is for {architecture}; {other}take a type that is {architecture}"),
            )
        })
        .collect()
}

/// What a launch template and the group say in each other's place.
/// Source: EKS User Guide, "Customize managed nodes with launch templates".
fn check_template(args: &NodeGroupArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    let custom = known(args.ami_type.as_ref()) == Some(AmiType::Custom);
    if args.launch_template.is_some() {
        let also = [
            ("diskSize", args.disk_size.is_some()),
            ("remoteAccess", args.remote_access.is_some()),
        ];
        for (name, _) in also.into_iter().filter(|(_, given)| *given) {
            failures.push(Failure::at(
                name,
                "cannot stand beside launchTemplate, which says it by itself; leave it out here and put it there",
            ));
        }
    } else if custom {
        failures.push(Failure::at(
            "amiType",
            "CUSTOM needs a launchTemplate that names the image",
        ));
    }
    if let Some(NodeLaunchTemplate { id, name, .. }) = known(args.launch_template.as_ref())
        && id.is_some() == name.is_some()
    {
        failures.push(Failure::at("launchTemplate", "takes either id or name, one of the two"));
    }
    if custom {
        let also = [
            ("version", args.version.is_some()),
            ("releaseVersion", args.release_version.is_some()),
        ];
        for (name, _) in also.into_iter().filter(|(_, given)| *given) {
            failures.push(Failure::at(
                name,
                "is the image's own for amiType CUSTOM; leave it out, and change the launch template's image instead",
            ));
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::eks::{NodeGroup, tests::reasons};

    fn group(more: &Json) -> Vec<String> {
        let mut inputs = json!({
            "clusterName": "a", "nodegroupName": "b", "subnets": ["subnet-1"],
            "nodeRole": "arn:aws:iam::111122223333:role/nodes", "scalingConfig": {"minSize": 1, "maxSize": 2},
        });
        inputs
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        reasons::<NodeGroup>(inputs)
    }

    #[test]
    fn families_know_their_architecture() {
        for name in [
            "t4g.medium",
            "m7gd.large",
            "c6gn.xlarge",
            "a1.large",
            "x2gd.large",
            "g5g.xlarge",
            "hpc7g.4xlarge",
            "r8gb.large",
        ] {
            assert_eq!(architecture_of(name), Some(Architecture::Arm64), "{name}");
        }
        for name in [
            "t3.medium",
            "m7i.large",
            "g4dn.xlarge",
            "g6.xlarge",
            "m5a.large",
            "u-6tb1.metal",
            "inf2.xlarge",
            "m7i-flex.large",
        ] {
            assert_eq!(architecture_of(name), Some(Architecture::X8664), "{name}");
        }
        assert_eq!(architecture_of("mac2.metal"), None);
    }

    #[test]
    fn an_instance_type_of_another_architecture_is_refused_with_both_ways_out() {
        let found = group(&json!({"amiType": "BOTTLEROCKET_x86_64", "instanceTypes": ["t3.medium", "t4g.medium"]}));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("instanceTypes[1]"), "{found:?}");
        assert!(
            found[0].contains("BOTTLEROCKET_ARM_64, or take a type that is x86_64"),
            "{found:?}"
        );
        assert_eq!(group(&json!({"instanceTypes": ["t4g.medium"]})).len(), 1);
        assert!(group(&json!({"amiType": "BOTTLEROCKET_ARM_64", "instanceTypes": ["t4g.medium"]})).is_empty());
    }

    #[test]
    fn sizes_are_in_order() {
        let sizes = |min: u32, max: u32, desired: u32| {
            group(&json!({"scalingConfig": {"minSize": min, "maxSize": max, "desiredSize": desired}}))
        };
        assert!(sizes(0, 1, 0).is_empty());
        assert!(sizes(2, 1, 1)[0].contains("exchange them"));
        assert!(sizes(1, 2, 3)[0].contains("from minSize 1 to maxSize 2"));
        assert!(sizes(0, 0, 0)[0].contains("at least 1"));
    }

    #[test]
    fn a_launch_template_stands_for_what_it_says() {
        let found = group(&json!({
            "launchTemplate": {"id": "lt-1", "name": "a"}, "diskSize": 50, "amiType": "CUSTOM", "version": "1.35",
        }));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(group(&json!({"amiType": "CUSTOM"}))[0].contains("launchTemplate"));
        assert!(group(&json!({"launchTemplate": {"id": "lt-1", "version": 2}})).is_empty());
    }

    #[test]
    fn labels_of_kubernetes_own_are_refused() {
        assert_eq!(
            group(&json!({"labels": {"node-role.kubernetes.io/worker": "", "eks.amazonaws.com/a": "b"}})).len(),
            2
        );
        assert!(group(&json!({"labels": {"node.kubernetes.io/team": "a", "example.com/a": "b", "a": "b"}})).is_empty());
    }

    #[test]
    fn an_update_takes_a_number_or_a_share() {
        assert_eq!(
            group(&json!({"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}})).len(),
            1
        );
        assert_eq!(group(&json!({"updateConfig": {"maxUnavailable": 0}})).len(), 1);
        assert_eq!(group(&json!({"updateConfig": {"updateStrategy": "MINIMAL"}})).len(), 1);
    }

    #[test]
    fn more_than_fifty_taints_are_refused() {
        let taints: Vec<_> = (0..51)
            .map(|n| json!({"key": format!("t{n}"), "effect": "NO_SCHEDULE"}))
            .collect();
        assert!(group(&json!({"taints": taints}))[0].contains("EKS takes 50"));
    }
}
