//! A launch template.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::PropertyPath;
use serde_json::json;

use super::{ImageId, LaunchTemplateId, SecurityGroupId, SnapshotId, inline_rule::known};
use crate::{Arn, Example, Failure, Tags};

/// A launch template: what instances are started with.
///
/// Each change makes a new version and the default of it; the ten newest are kept. By default, instances take tokens alone at
/// their metadata service, and no container gets there but by the host's own network.
#[resource("groundwork:ec2:LaunchTemplate", LaunchTemplateId, example = example, check = check)]
pub struct LaunchTemplate;

/// Source: EC2 API Reference, `CreateLaunchTemplate`, `RequestLaunchTemplateData`.
#[shape]
pub struct LaunchTemplateInputs {
    /// Its name: 3 to 128 letters, digits and `().-/_`. Made up when absent.
    #[immutable]
    #[autonamed]
    pub name: Option<String>,
    /// How instances reach their metadata.
    #[default(MetadataOptions::safe())]
    pub metadata_options: MetadataOptions,
    /// The disks. The image's own when absent.
    pub block_device_mappings: Option<BTreeSet<BlockDeviceMapping>>,
    /// What instances start with, as text: settings in TOML for Bottlerocket, a script or MIME parts for Amazon Linux. Up to 16
    /// KiB. No secret: whoever may describe the template, and every pod on the host's network, can read it.
    pub user_data: Option<String>,
    /// The image. Leave it out for a managed node group with EKS's own images.
    pub image_id: Option<ImageId>,
    /// The type of instance. Leave it out where node group or fleet say it.
    pub instance_type: Option<String>,
    /// The security groups. A managed node group takes the cluster's own when absent, and none but these when given.
    pub security_group_ids: Option<BTreeSet<SecurityGroupId>>,
    /// The tags of what an instance is made of, each kind once.
    pub tag_specifications: Option<BTreeSet<LaunchTemplateTags>>,
    /// Whether metrics come every minute, not every five, for a price.
    #[default(false)]
    pub monitoring: bool,
    /// Tags of the template itself.
    pub tags: Option<Tags>,
}

/// How instances reach their metadata. Source: EC2 API Reference, `LaunchTemplateInstanceMetadataOptionsRequest`.
#[shape]
pub struct MetadataOptions {
    /// Whether it takes a token (`IMDSv2`).
    #[default(HttpTokens::Required)]
    pub http_tokens: HttpTokens,
    /// How many hops its answers live, 1 to 64. Pods that are not on the host's network are behind a second one: with 1 they do
    /// not get at the node's credentials.
    #[default(1)]
    pub http_put_response_hop_limit: u32,
    /// Whether it answers at all.
    #[default(Switch::Enabled)]
    pub http_endpoint: Switch,
    /// Whether the instance's tags are among its metadata.
    #[default(Switch::Disabled)]
    pub instance_metadata_tags: Switch,
}

impl MetadataOptions {
    /// With tokens alone, for the host's own network.
    pub const fn safe() -> Self {
        Self {
            http_tokens: HttpTokens::Required,
            http_put_response_hop_limit: 1,
            http_endpoint: Switch::Enabled,
            instance_metadata_tags: Switch::Disabled,
        }
    }
}

/// Whether the metadata service takes a token.
#[shape]
pub enum HttpTokens {
    /// It takes nothing without (`IMDSv2`).
    Required,
    /// It answers without as well (`IMDSv1`).
    Optional,
}

/// On or off, in AWS's words.
#[shape]
pub enum Switch {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// A disk.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct BlockDeviceMapping {
    /// The device, such as `/dev/xvda`. Bottlerocket has its system on `/dev/xvda` and its data on `/dev/xvdb`.
    pub device_name: String,
    /// The volume.
    pub ebs: EbsVolume,
}

/// A volume. Source: EC2 API Reference, `LaunchTemplateEbsBlockDeviceRequest`.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct EbsVolume {
    /// Its size in GiB. The snapshot's when absent.
    pub volume_size: Option<u32>,
    /// Its type: `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1` or `standard`.
    #[default("gp3".to_owned())]
    pub volume_type: String,
    /// Whether it is encrypted.
    #[default(true)]
    pub encrypted: bool,
    /// The key, by id, ARN or alias. The account's key for EBS when absent.
    pub kms_key_id: Option<String>,
    /// Operations a second (`gp3`, `io1`, `io2`). AWS takes 3000 for `gp3` when absent.
    pub iops: Option<u32>,
    /// MiB a second (`gp3`). AWS takes 125 when absent.
    pub throughput: Option<u32>,
    /// Whether it goes with the instance.
    #[default(true)]
    pub delete_on_termination: bool,
    /// What is on it. The image says it when absent.
    pub snapshot_id: Option<SnapshotId>,
}

/// The tags of one kind of what an instance is made of.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct LaunchTemplateTags {
    /// The kind.
    pub resource_type: TaggedAtLaunch,
    /// The tags.
    pub tags: Tags,
}

/// What is tagged when an instance is launched.
#[shape]
pub enum TaggedAtLaunch {
    /// The instance.
    Instance,
    /// Its volumes.
    Volume,
    /// Its network interfaces.
    NetworkInterface,
    /// The request for a spot instance. Managed node groups take no such tags.
    SpotInstancesRequest,
}

/// What AWS answers.
#[shape(outputs)]
pub struct LaunchTemplateOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The number of the newest version.
    pub latest_version: u32,
    /// The number of the version that is taken when none is named: the newest.
    pub default_version: u32,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "name": "example",
            "blockDeviceMappings": [{"deviceName": "/dev/xvdb", "ebs": {"volumeSize": 50}}],
            "userData": "[settings.kubernetes]\n\"max-pods\" = 110\n",
            "securityGroupIds": ["$groundwork:ec2:SecurityGroup"],
            "tagSpecifications": [
                {"resourceType": "instance", "tags": {"Name": "example"}},
                {"resourceType": "volume", "tags": {"Name": "example"}},
            ],
            "tags": {"Name": "example"},
        }),
        update: json!({
            "blockDeviceMappings": [
                {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 4}},
                {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": 80, "throughput": 250}},
            ],
            "userData": "[settings.kubernetes]\n\"max-pods\" = 58\n",
            "monitoring": true,
            "tags": {"Name": "changed", "team": "platform"},
        }),
        ..Example::default()
    }
}

/// The largest user data before it is encoded. Source: EC2 User Guide, "Run commands at launch".
const USER_DATA: usize = 16 * 1024;

fn check(args: &LaunchTemplateArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(name) = known(args.name.as_ref()) {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "().-/_".contains(letter);
        if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
            failures.push(Failure::at(
                "name",
                format!("{name:?} is no name that AWS takes: 3 to 128 letters, digits and ().-/_"),
            ));
        }
    }
    if let Some(options) = known(args.metadata_options.as_ref())
        && !(1..=64).contains(&options.http_put_response_hop_limit)
    {
        failures.push(Failure::new(
            PropertyPath::root()
                .key("metadataOptions")
                .key("httpPutResponseHopLimit"),
            format!("takes 1 to 64, not {}", options.http_put_response_hop_limit),
        ));
    }
    if let Some(data) = known(args.user_data.as_ref())
        && data.len() > USER_DATA
    {
        failures.push(Failure::at(
            "userData",
            format!(
                "has {} bytes; AWS takes {USER_DATA}: fetch the rest from elsewhere",
                data.len()
            ),
        ));
    }
    let mut devices = BTreeSet::new();
    for mapping in known(args.block_device_mappings.as_ref()).into_iter().flatten() {
        let BlockDeviceMapping { device_name, ebs } = mapping;
        let mut fail = |reason: String| failures.push(Failure::at("blockDeviceMappings", reason));
        if ebs.throughput.is_some() && ebs.volume_type != "gp3" {
            fail(format!(
                "{device_name}: throughput is for gp3 alone, not {}",
                ebs.volume_type
            ));
        }
        if ebs.iops.is_some() && !["gp3", "io1", "io2"].contains(&ebs.volume_type.as_str()) {
            fail(format!(
                "{device_name}: iops is for gp3, io1 and io2, not {}",
                ebs.volume_type
            ));
        }
        if ebs.kms_key_id.is_some() && !ebs.encrypted {
            fail(format!(
                "{device_name}: kmsKeyId needs encrypted; set it to true, or leave the key out"
            ));
        }
        if !devices.insert(device_name.clone()) {
            fail(format!("{device_name} is there twice"));
        }
    }
    let mut kinds = BTreeSet::new();
    for LaunchTemplateTags { resource_type, .. } in known(args.tag_specifications.as_ref()).into_iter().flatten() {
        if !kinds.insert(resource_type) {
            failures.push(Failure::at(
                "tagSpecifications",
                format!("{resource_type} is there twice; put its tags together"),
            ));
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Descriptor;

    fn reasons(inputs: serde_json::Value) -> Vec<String> {
        let groundwork_wire::PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<LaunchTemplate>();
        let failures = descriptor.check(&descriptor.with_defaults(map));
        failures.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn by_default_pods_do_not_reach_the_metadata_service() {
        let descriptor = Descriptor::of::<LaunchTemplate>();
        let defaults =
            groundwork_wire::PropertyValue::Object(descriptor.with_defaults(std::collections::BTreeMap::new()));
        let options = &defaults.to_json().unwrap()["metadataOptions"];
        assert_eq!(options["httpTokens"], "required");
        assert_eq!(options["httpPutResponseHopLimit"], 1);
    }

    #[test]
    fn what_does_not_fit_a_volume_is_refused() {
        let volume =
            |ebs: serde_json::Value| reasons(json!({"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}]}));
        assert!(volume(json!({"volumeSize": 20, "throughput": 250, "iops": 4000})).is_empty());
        assert_eq!(
            volume(json!({"volumeType": "gp2", "throughput": 250, "iops": 4000})).len(),
            2
        );
        assert_eq!(volume(json!({"encrypted": false, "kmsKeyId": "alias/a"})).len(), 1);
    }

    #[test]
    fn names_sizes_and_doubles_are_refused() {
        let found = reasons(json!({
            "name": "a b", "userData": "x".repeat(USER_DATA + 1), "metadataOptions": {"httpPutResponseHopLimit": 65},
            "tagSpecifications": [
                {"resourceType": "instance", "tags": {"a": "b"}},
                {"resourceType": "instance", "tags": {"a": "c"}},
            ],
        }));
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
