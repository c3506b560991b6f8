//! A subnet.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, HostnameType as AwsHostnameType, ResourceType, SubnetCidrBlockStateCode,
    SubnetIpv6CidrBlockAssociation,
};
use groundwork_contract::{
    Ipv6Cidr,
    ec2::{HostnameType, Subnet, SubnetId, SubnetInputs, SubnetOutputs},
};

use super::{filter, guardduty, instances, interfaces, nat_gateway::nat_gateways, parse, read_tags, update_tags};
use crate::{
    cx::Cx,
    error::{Gone, Kind, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State},
};

impl Resource for Subnet {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("subnet");

    async fn create(cx: &Cx, inputs: &SubnetInputs) -> Result<Created<Self>> {
        let text = |cidr: &Ipv6Cidr| cidr.to_string();
        let answer = cx
            .ec2_once()
            .create_subnet()
            .vpc_id(inputs.vpc_id.as_str())
            .cidr_block(inputs.cidr_block.as_str())
            .set_ipv6_cidr_block(inputs.ipv6_cidr_block.as_ref().map(text))
            .set_availability_zone(inputs.availability_zone.as_ref().map(ToString::to_string))
            .tag_specifications(cx.tag_specification(ResourceType::Subnet, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateSubnet"))?;
        parse(answer.subnet().and_then(|subnet| subnet.subnet_id()), "subnetId").map(Created::new)
    }

    async fn read(cx: &Cx, id: &SubnetId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(subnet) = describe(cx, id).await? else {
            return Ok(None);
        };
        let range = present(subnet.ipv6_cidr_block_association_set());
        // A range that goes is no input any more, but not gone yet either.
        let going = subnet
            .ipv6_cidr_block_association_set()
            .iter()
            .find(|one| is_going(one));
        let names = subnet.private_dns_name_options_on_launch();
        let (tags, pending_mark) = read_tags(subnet.tags.as_deref());
        Ok(Some(Live {
            inputs: SubnetInputs {
                vpc_id: parse(subnet.vpc_id(), "vpcId")?,
                cidr_block: parse(subnet.cidr_block(), "cidrBlock")?,
                availability_zone: Some(parse(subnet.availability_zone(), "availabilityZone")?),
                ipv6_cidr_block: range
                    .map(|range| parse(range.ipv6_cidr_block(), "ipv6CidrBlock"))
                    .transpose()?,
                map_public_ip_on_launch: subnet.map_public_ip_on_launch() == Some(true),
                assign_ipv6_address_on_creation: subnet.assign_ipv6_address_on_creation() == Some(true),
                enable_dns64: subnet.enable_dns64() == Some(true),
                private_dns_hostname_type_on_launch: names.and_then(|names| names.hostname_type()).map(
                    |kind| match kind {
                        AwsHostnameType::ResourceName => HostnameType::ResourceName,
                        _ => HostnameType::IpName,
                    },
                ),
                enable_resource_name_dns_a_record_on_launch: names
                    .is_some_and(|names| names.enable_resource_name_dns_a_record() == Some(true)),
                enable_resource_name_dns_aaaa_record_on_launch: names
                    .is_some_and(|names| names.enable_resource_name_dns_aaaa_record() == Some(true)),
                tags,
            },
            outputs: SubnetOutputs {
                arn: cx.aws.ec2_arn(&format!("subnet/{id}"))?,
                availability_zone_id: subnet.availability_zone_id().unwrap_or_default().to_owned(),
                owner_id: parse(subnet.owner_id(), "ownerId")?,
                state: subnet
                    .state()
                    .map(|state| state.as_str().to_owned())
                    .unwrap_or_default(),
                ipv6_cidr_block_state: going.or(range).and_then(state).map(|state| state.as_str().to_owned()),
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &SubnetId, old: &State<Self>, new: &SubnetInputs) -> Result<()> {
        let old = &old.inputs;
        // What needs the IPv6 range goes before it and comes after it.
        modify(cx, id, old, new, false).await?;
        if old.ipv6_cidr_block == new.ipv6_cidr_block {
            modify(cx, id, old, new, true).await?;
        } else {
            // The range takes a while: the rest follows once it is there.
            bring_ipv6(cx, id, new.ipv6_cidr_block.as_ref()).await?;
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &SubnetId, state: &State<Self>) -> Result<()> {
        let deleted = cx
            .ec2()
            .delete_subnet()
            .subnet_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteSubnet"));
        let Err(error) = deleted else { return Ok(()) };
        if error.kind() == Kind::InUse {
            guardduty::leave(cx, &state.inputs.vpc_id, id).await?;
        }
        Err(error)
    }

    fn phase(live: &Live<Self>) -> Phase {
        match live.outputs.state.as_str() {
            "available" => match live.outputs.ipv6_cidr_block_state.as_deref() {
                Some(word @ ("associating" | "disassociating")) => Phase::Pending(format!("{word} the IPv6 range")),
                _ => Phase::Ready,
            },
            state @ ("failed" | "failed-insufficient-capacity") => Phase::Failed(format!("AWS calls it {state}")),
            other => Phase::Pending(other.to_owned()),
        }
    }

    async fn obstacles(cx: &Cx, id: &SubnetId) -> Result<Vec<String>> {
        let mut found = interfaces(cx, [filter("subnet-id", id.as_str())]).await?;
        found.extend(nat_gateways(cx, filter("subnet-id", id.as_str())).await?);
        found.extend(instances(cx, filter("subnet-id", id.as_str())).await?);
        Ok(found)
    }
}

async fn describe(cx: &Cx, id: &SubnetId) -> Result<Option<aws_sdk_ec2::types::Subnet>> {
    let answer = cx
        .ec2()
        .describe_subnets()
        .subnet_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeSubnets"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.subnets.unwrap_or_default().into_iter().next()))
}

fn state(range: &SubnetIpv6CidrBlockAssociation) -> Option<&SubnetCidrBlockStateCode> {
    range.ipv6_cidr_block_state()?.state()
}

/// The range that is, or is about to be; a subnet has at most one.
fn present(ranges: &[SubnetIpv6CidrBlockAssociation]) -> Option<&SubnetIpv6CidrBlockAssociation> {
    ranges.iter().find(|range| {
        matches!(
            state(range),
            Some(SubnetCidrBlockStateCode::Associated | SubnetCidrBlockStateCode::Associating)
        )
    })
}

fn is_going(range: &SubnetIpv6CidrBlockAssociation) -> bool {
    state(range) == Some(&SubnetCidrBlockStateCode::Disassociating)
}

/// The attributes that need no more than the subnet and those that are switched off (`after: false`),
/// or those that are switched on and may need the IPv6 range. AWS takes one at a time.
async fn modify(cx: &Cx, id: &SubnetId, old: &SubnetInputs, new: &SubnetInputs, after: bool) -> Result<()> {
    let call = || cx.ec2().modify_subnet_attribute().subnet_id(id.as_str());
    let value = |truth| AttributeBooleanValue::builder().value(truth).build();
    let mut calls = Vec::new();
    if !after && old.map_public_ip_on_launch != new.map_public_ip_on_launch {
        calls.push(call().map_public_ip_on_launch(value(new.map_public_ip_on_launch)));
    }
    if let Some(kind) = new.private_dns_hostname_type_on_launch
        && !after
        && old.private_dns_hostname_type_on_launch != Some(kind)
    {
        calls.push(call().private_dns_hostname_type_on_launch(match kind {
            HostnameType::IpName => AwsHostnameType::IpName,
            HostnameType::ResourceName => AwsHostnameType::ResourceName,
        }));
    }
    let (was, is) = (
        old.enable_resource_name_dns_a_record_on_launch,
        new.enable_resource_name_dns_a_record_on_launch,
    );
    if !after && was != is {
        calls.push(call().enable_resource_name_dns_a_record_on_launch(value(is)));
    }
    let (was, is) = (
        old.enable_resource_name_dns_aaaa_record_on_launch,
        new.enable_resource_name_dns_aaaa_record_on_launch,
    );
    if was != is && is == after {
        calls.push(call().enable_resource_name_dns_aaaa_record_on_launch(value(is)));
    }
    let (was, is) = (old.enable_dns64, new.enable_dns64);
    if was != is && is == after {
        calls.push(call().enable_dns64(value(is)));
    }
    let (was, is) = (old.assign_ipv6_address_on_creation, new.assign_ipv6_address_on_creation);
    if was != is && is == after {
        calls.push(call().assign_ipv6_address_on_creation(value(is)));
    }
    for call in calls {
        call.send().await.map_err(aws("ec2", "ModifySubnetAttribute"))?;
    }
    Ok(())
}

/// One step from the IPv6 range that is there to the one that is asked for: the old one must be gone first.
async fn bring_ipv6(cx: &Cx, id: &SubnetId, wanted: Option<&Ipv6Cidr>) -> Result<()> {
    let Some(subnet) = describe(cx, id).await? else {
        return Ok(());
    };
    let ranges = subnet.ipv6_cidr_block_association_set();
    let is = present(ranges)
        .map(|range| parse::<Ipv6Cidr>(range.ipv6_cidr_block(), "ipv6CidrBlock"))
        .transpose()?;
    if is.as_ref() == wanted {
        return Ok(());
    }
    if let Some(range) = present(ranges) {
        cx.ec2()
            .disassociate_subnet_cidr_block()
            .set_association_id(range.association_id.clone())
            .send()
            .await
            .map_err(aws("ec2", "DisassociateSubnetCidrBlock"))?;
    } else if let Some(wanted) = wanted
        && !ranges.iter().any(is_going)
    {
        cx.ec2_once()
            .associate_subnet_cidr_block()
            .subnet_id(id.as_str())
            .ipv6_cidr_block(wanted.as_str())
            .send()
            .await
            .map_err(aws("ec2", "AssociateSubnetCidrBlock"))?;
    }
    Ok(())
}
