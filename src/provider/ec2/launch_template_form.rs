//! A launch template's form at EC2: what is sent, and what is read.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateBlockDeviceMapping, LaunchTemplateBlockDeviceMappingRequest,
    LaunchTemplateEbsBlockDeviceRequest, LaunchTemplateHttpTokensState, LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataOptions, LaunchTemplateInstanceMetadataOptionsRequest,
    LaunchTemplateInstanceMetadataTagsState, LaunchTemplateTagSpecificationRequest, LaunchTemplatesMonitoringRequest,
    RequestLaunchTemplateData, ResourceType, ResponseLaunchTemplateData, Tag, VolumeType,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use groundwork_contract::ec2::{
    BlockDeviceMapping, EbsVolume, HttpTokens, LaunchTemplateInputs, LaunchTemplateTags, MetadataOptions, Switch,
    TaggedAtLaunch,
};

use super::{maybe, need, parse, read_tags};
use crate::error::Result;

/// What a version says.
pub(super) fn request(inputs: &LaunchTemplateInputs) -> RequestLaunchTemplateData {
    let LaunchTemplateInputs {
        name: _,
        metadata_options,
        block_device_mappings,
        user_data,
        image_id,
        instance_type,
        security_group_ids,
        tag_specifications,
        monitoring,
        tags: _,
    } = inputs;
    RequestLaunchTemplateData::builder()
        .metadata_options(metadata(metadata_options))
        .set_block_device_mappings(
            block_device_mappings
                .as_ref()
                .map(|disks| disks.iter().map(disk).collect()),
        )
        .set_user_data(user_data.as_ref().map(|text| STANDARD.encode(text)))
        .set_image_id(image_id.as_ref().map(ToString::to_string))
        .set_instance_type(instance_type.as_deref().map(InstanceType::from))
        .set_security_group_ids(
            security_group_ids
                .as_ref()
                .map(|groups| groups.iter().map(ToString::to_string).collect()),
        )
        .set_tag_specifications(
            tag_specifications
                .as_ref()
                .map(|kinds| kinds.iter().map(tagged).collect()),
        )
        .monitoring(LaunchTemplatesMonitoringRequest::builder().enabled(*monitoring).build())
        .build()
}

fn metadata(options: &MetadataOptions) -> LaunchTemplateInstanceMetadataOptionsRequest {
    LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_tokens(LaunchTemplateHttpTokensState::from(options.http_tokens.word()))
        .http_put_response_hop_limit(number(options.http_put_response_hop_limit))
        .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::from(
            options.http_endpoint.word(),
        ))
        .instance_metadata_tags(LaunchTemplateInstanceMetadataTagsState::from(
            options.instance_metadata_tags.word(),
        ))
        .build()
}

fn disk(mapping: &BlockDeviceMapping) -> LaunchTemplateBlockDeviceMappingRequest {
    let EbsVolume {
        volume_size,
        volume_type,
        encrypted,
        kms_key_id,
        iops,
        throughput,
        delete_on_termination,
        snapshot_id,
    } = &mapping.ebs;
    let ebs = LaunchTemplateEbsBlockDeviceRequest::builder()
        .set_volume_size(volume_size.map(number))
        .volume_type(VolumeType::from(volume_type.as_str()))
        .encrypted(*encrypted)
        .set_kms_key_id(kms_key_id.clone())
        .set_iops(iops.map(number))
        .set_throughput(throughput.map(number))
        .delete_on_termination(*delete_on_termination)
        .set_snapshot_id(snapshot_id.as_ref().map(ToString::to_string))
        .build();
    LaunchTemplateBlockDeviceMappingRequest::builder()
        .device_name(&mapping.device_name)
        .ebs(ebs)
        .build()
}

fn tagged(kind: &LaunchTemplateTags) -> LaunchTemplateTagSpecificationRequest {
    let tags = kind
        .tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    LaunchTemplateTagSpecificationRequest::builder()
        .resource_type(ResourceType::from(kind.resource_type.word()))
        .set_tags(Some(tags.collect()))
        .build()
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn counted(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

/// What a version says, as a user would have written it, without the template's own name and tags.
pub(super) fn inputs(
    data: &ResponseLaunchTemplateData,
    last: Option<&LaunchTemplateInputs>,
) -> Result<LaunchTemplateInputs> {
    let disks = data
        .block_device_mappings()
        .iter()
        .map(read_disk)
        .collect::<Result<BTreeSet<_>>>()?;
    let groups = data
        .security_group_ids()
        .iter()
        .map(|id| parse(Some(id), "securityGroupIds"))
        .collect::<Result<BTreeSet<_>>>()?;
    let tags: BTreeSet<LaunchTemplateTags> = data
        .tag_specifications()
        .iter()
        .filter_map(|kind| {
            Some(LaunchTemplateTags {
                resource_type: at_launch(kind.resource_type()?)?,
                tags: read_tags(kind.tags.as_deref()).0.unwrap_or_default(),
            })
        })
        .collect();
    let user_data = data.user_data().filter(|data| !data.is_empty()).map(text);
    Ok(LaunchTemplateInputs {
        name: last.and_then(|last| last.name.clone()),
        metadata_options: data.metadata_options().map_or(UNSAFE, read_metadata),
        block_device_mappings: (!disks.is_empty()).then_some(disks),
        user_data,
        image_id: maybe(data.image_id(), "imageId")?,
        instance_type: data.instance_type().map(|name| name.as_str().to_owned()),
        security_group_ids: (!groups.is_empty()).then_some(groups),
        tag_specifications: (!tags.is_empty()).then_some(tags),
        monitoring: data.monitoring().and_then(|monitoring| monitoring.enabled) == Some(true),
        tags: last.and_then(|last| last.tags.clone()),
    })
}

/// What a template that says nothing of it leaves to the image and the account.
const UNSAFE: MetadataOptions = MetadataOptions {
    http_tokens: HttpTokens::Optional,
    http_put_response_hop_limit: 1,
    http_endpoint: Switch::Enabled,
    instance_metadata_tags: Switch::Disabled,
};

fn read_metadata(options: &LaunchTemplateInstanceMetadataOptions) -> MetadataOptions {
    let switch = |on: bool| if on { Switch::Enabled } else { Switch::Disabled };
    MetadataOptions {
        http_tokens: match options.http_tokens() {
            Some(LaunchTemplateHttpTokensState::Required) => HttpTokens::Required,
            _ => HttpTokens::Optional,
        },
        http_put_response_hop_limit: counted(options.http_put_response_hop_limit).unwrap_or(1),
        http_endpoint: switch(options.http_endpoint() != Some(&LaunchTemplateInstanceMetadataEndpointState::Disabled)),
        instance_metadata_tags: switch(
            options.instance_metadata_tags() == Some(&LaunchTemplateInstanceMetadataTagsState::Enabled),
        ),
    }
}

fn read_disk(mapping: &LaunchTemplateBlockDeviceMapping) -> Result<BlockDeviceMapping> {
    let ebs = need(mapping.ebs(), "ebs")?;
    Ok(BlockDeviceMapping {
        device_name: need(mapping.device_name.clone(), "deviceName")?,
        ebs: EbsVolume {
            volume_size: counted(ebs.volume_size),
            volume_type: ebs.volume_type().map_or("gp2", VolumeType::as_str).to_owned(),
            encrypted: ebs.encrypted == Some(true),
            kms_key_id: ebs.kms_key_id.clone(),
            iops: counted(ebs.iops),
            throughput: counted(ebs.throughput),
            delete_on_termination: ebs.delete_on_termination != Some(false),
            snapshot_id: maybe(ebs.snapshot_id(), "snapshotId")?,
        },
    })
}

fn at_launch(kind: &ResourceType) -> Option<TaggedAtLaunch> {
    [
        TaggedAtLaunch::Instance,
        TaggedAtLaunch::Volume,
        TaggedAtLaunch::NetworkInterface,
        TaggedAtLaunch::SpotInstancesRequest,
    ]
    .into_iter()
    .find(|tagged| tagged.word() == kind.as_str())
}

/// User data as text; what is no text stays as it is on the wire, and differs from every text.
fn text(encoded: &str) -> String {
    let decoded = STANDARD.decode(encoded).ok();
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| encoded.to_owned())
}

/// Whether two versions say the same.
pub(super) fn same(a: &LaunchTemplateInputs, b: &LaunchTemplateInputs) -> bool {
    request(a) == request(b)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{LaunchTemplateEbsBlockDevice, LaunchTemplateTagSpecification};

    use super::*;

    fn example() -> LaunchTemplateInputs {
        serde_json::from_value(serde_json::json!({
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20}}],
            "userData": "[settings.kubernetes]\n",
            "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "a"}}],
        }))
        .unwrap()
    }

    #[test]
    fn user_data_is_encoded_on_the_wire_and_text_for_the_user() {
        let sent = request(&example());
        assert_eq!(sent.user_data(), Some("W3NldHRpbmdzLmt1YmVybmV0ZXNdCg=="));
        assert_eq!(text("W3NldHRpbmdzLmt1YmVybmV0ZXNdCg=="), "[settings.kubernetes]\n");
        assert_eq!(text("not base64!"), "not base64!");
    }

    #[test]
    fn what_is_sent_is_read_back_as_it_was_given() {
        let ebs = LaunchTemplateEbsBlockDevice::builder()
            .volume_size(20)
            .volume_type(VolumeType::Gp3)
            .encrypted(true)
            .delete_on_termination(true)
            .build();
        let tags = LaunchTemplateTagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .tags(Tag::builder().key("Name").value("a").build())
            .build();
        let answer = ResponseLaunchTemplateData::builder()
            .block_device_mappings(
                LaunchTemplateBlockDeviceMapping::builder()
                    .device_name("/dev/xvda")
                    .ebs(ebs)
                    .build(),
            )
            .user_data("W3NldHRpbmdzLmt1YmVybmV0ZXNdCg==")
            .metadata_options(
                LaunchTemplateInstanceMetadataOptions::builder()
                    .http_tokens(LaunchTemplateHttpTokensState::Required)
                    .http_put_response_hop_limit(1)
                    .build(),
            )
            .tag_specifications(tags)
            .build();
        assert_eq!(inputs(&answer, None).unwrap(), example());
    }

    #[test]
    fn a_template_that_says_nothing_of_tokens_is_not_taken_for_a_safe_one() {
        let silent = inputs(&ResponseLaunchTemplateData::builder().build(), None).unwrap();
        assert!(!same(&silent, &serde_json::from_str("{}").unwrap()));
    }
}
