//! An Elastic IP address.

use aws_sdk_ec2::types::{Address, DomainType, ResourceType};
use groundwork_contract::ec2::{AllocationId, Eip, EipInputs, EipOutputs};

use super::{filter, interfaces, parse, read_tags, update_tags};
use crate::{
    cx::Cx,
    error::{Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for Eip {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("elastic-ip");

    async fn create(cx: &Cx, inputs: &EipInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .allocate_address()
            .domain(DomainType::Vpc)
            .set_public_ipv4_pool(inputs.public_ipv4_pool.clone())
            .set_network_border_group(inputs.network_border_group.clone())
            .tag_specifications(cx.tag_specification(ResourceType::ElasticIp, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "AllocateAddress"))?;
        parse(answer.allocation_id(), "allocationId").map(Created::new)
    }

    async fn read(cx: &Cx, id: &AllocationId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(address) = describe(cx, id).await? else {
            return Ok(None);
        };
        let (tags, pending_mark) = read_tags(address.tags.as_deref());
        Ok(Some(Live {
            inputs: EipInputs {
                public_ipv4_pool: address.public_ipv4_pool.clone(),
                network_border_group: address.network_border_group.clone(),
                tags,
            },
            outputs: EipOutputs {
                arn: cx.aws.ec2_arn(&format!("elastic-ip/{id}"))?,
                allocation_id: id.clone(),
                public_ip: parse(address.public_ip(), "publicIp")?,
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &AllocationId, old: &State<Self>, new: &EipInputs) -> Result<()> {
        update_tags(cx, id.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &AllocationId, state: &State<Self>) -> Result<()> {
        cx.ec2()
            .release_address()
            .allocation_id(id.as_str())
            .set_network_border_group(state.inputs.network_border_group.clone())
            .send()
            .await
            .map_err(aws("ec2", "ReleaseAddress"))?;
        Ok(())
    }

    async fn obstacles(cx: &Cx, id: &AllocationId) -> Result<Vec<String>> {
        match describe(cx, id).await?.and_then(|address| address.network_interface_id) {
            Some(interface) => interfaces(cx, [filter("network-interface-id", interface)]).await,
            None => Ok(Vec::new()),
        }
    }
}

async fn describe(cx: &Cx, id: &AllocationId) -> Result<Option<Address>> {
    let answer = cx
        .ec2()
        .describe_addresses()
        .allocation_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeAddresses"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.addresses.unwrap_or_default().into_iter().next()))
}
