//! A virtual private cloud.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Tenancy as AwsTenancy, VpcAttributeName};
use groundwork_contract::ec2::{Tenancy, Vpc, VpcId, VpcInputs, VpcOutputs};

use super::{filter, guardduty, interfaces, need, parse, read_tags, update_tags};
use crate::{
    cx::Cx,
    error::{Gone, Kind, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State},
};

impl Resource for Vpc {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("vpc");

    async fn create(cx: &Cx, inputs: &VpcInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .create_vpc()
            .cidr_block(inputs.cidr_block.as_str())
            .amazon_provided_ipv6_cidr_block(inputs.amazon_provided_ipv6_cidr_block)
            .instance_tenancy(match inputs.instance_tenancy {
                Tenancy::Default => AwsTenancy::Default,
                Tenancy::Dedicated => AwsTenancy::Dedicated,
            })
            .tag_specifications(cx.tag_specification(ResourceType::Vpc, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateVpc"))?;
        parse(answer.vpc().and_then(|vpc| vpc.vpc_id()), "vpcId").map(Created::new)
    }

    async fn read(cx: &Cx, id: &VpcId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let answer = cx
            .ec2()
            .describe_vpcs()
            .vpc_ids(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DescribeVpcs"))
            .or_gone()?;
        let Some(vpc) = answer.and_then(|answer| answer.vpcs.unwrap_or_default().into_iter().next()) else {
            return Ok(None);
        };
        let (dns_support, dns_hostnames, metrics, group, table, acl) = tokio::try_join!(
            attribute(cx, id, VpcAttributeName::EnableDnsSupport),
            attribute(cx, id, VpcAttributeName::EnableDnsHostnames),
            attribute(cx, id, VpcAttributeName::EnableNetworkAddressUsageMetrics),
            default_group(cx, id),
            main_table(cx, id),
            default_acl(cx, id),
        )?;
        let (Some(group), Some(table), Some(acl)) = (group, table, acl) else {
            // They are born and gone with the VPC, seconds apart.
            return Ok(None);
        };
        let ipv6 = vpc.ipv6_cidr_block_association_set().iter().find(|association| {
            association
                .ipv6_cidr_block_state()
                .and_then(|state| state.state())
                .is_some_and(|state| matches!(state.as_str(), "associating" | "associated"))
        });
        let (tags, pending_mark) = read_tags(vpc.tags.as_deref());
        Ok(Some(Live {
            inputs: VpcInputs {
                cidr_block: parse(vpc.cidr_block(), "cidrBlock")?,
                enable_dns_hostnames: dns_hostnames,
                enable_dns_support: dns_support,
                amazon_provided_ipv6_cidr_block: ipv6.is_some(),
                enable_network_address_usage_metrics: metrics,
                instance_tenancy: match vpc.instance_tenancy() {
                    Some(AwsTenancy::Dedicated) => Tenancy::Dedicated,
                    _ => Tenancy::Default,
                },
                tags,
            },
            outputs: VpcOutputs {
                arn: cx.aws.ec2_arn(&format!("vpc/{id}"))?,
                owner_id: need(vpc.owner_id.clone(), "ownerId")?,
                default_security_group_id: parse(Some(&group), "groupId")?,
                main_route_table_id: parse(Some(&table), "routeTableId")?,
                default_network_acl_id: parse(Some(&acl), "networkAclId")?,
                ipv6_cidr_block: ipv6
                    .and_then(|association| association.ipv6_cidr_block())
                    .map(|cidr| parse(Some(cidr), "ipv6CidrBlock"))
                    .transpose()?,
                state: vpc.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &VpcId, old: &State<Self>, new: &VpcInputs) -> Result<()> {
        let old = &old.inputs;
        let value = |truth| AttributeBooleanValue::builder().value(truth).build();
        let modify = || cx.ec2().modify_vpc_attribute().vpc_id(id.as_str());
        // Hostnames need support: the one that goes first depends on the direction.
        let mut calls = Vec::new();
        if old.enable_dns_support != new.enable_dns_support {
            calls.push(modify().enable_dns_support(value(new.enable_dns_support)));
        }
        if old.enable_dns_hostnames != new.enable_dns_hostnames {
            let call = modify().enable_dns_hostnames(value(new.enable_dns_hostnames));
            if new.enable_dns_hostnames {
                calls.push(call);
            } else {
                calls.insert(0, call);
            }
        }
        if old.enable_network_address_usage_metrics != new.enable_network_address_usage_metrics {
            calls.push(modify().enable_network_address_usage_metrics(value(new.enable_network_address_usage_metrics)));
        }
        for call in calls {
            call.send().await.map_err(aws("ec2", "ModifyVpcAttribute"))?;
        }
        match (old.amazon_provided_ipv6_cidr_block, new.amazon_provided_ipv6_cidr_block) {
            (false, true) => add_ipv6(cx, id).await?,
            (true, false) => remove_ipv6(cx, id).await?,
            _ => {}
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &VpcId, _state: &State<Self>) -> Result<()> {
        let deleted = cx
            .ec2()
            .delete_vpc()
            .vpc_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteVpc"));
        let Err(error) = deleted else { return Ok(()) };
        if error.kind() == Kind::InUse {
            guardduty::evict(cx, id).await?;
        }
        Err(error)
    }

    fn phase(live: &Live<Self>) -> Phase {
        match live.outputs.state.as_str() {
            "available" => Phase::Ready,
            other => Phase::Pending(other.to_owned()),
        }
    }

    async fn obstacles(cx: &Cx, id: &VpcId) -> Result<Vec<String>> {
        let mut found = interfaces(cx, [filter("vpc-id", id.as_str())]).await?;
        let groups = cx
            .ec2()
            .describe_security_groups()
            .filters(filter("vpc-id", id.as_str()))
            .send()
            .await
            .map_err(aws("ec2", "DescribeSecurityGroups"))?;
        found.extend(
            groups
                .security_groups()
                .iter()
                .filter(|group| group.group_name() != Some("default"))
                .map(|group| {
                    format!(
                        "security group {} ({}, {})",
                        group.group_id().unwrap_or("?"),
                        group.group_name().unwrap_or("?"),
                        group.description().unwrap_or("no description")
                    )
                }),
        );
        let endpoints = cx
            .ec2()
            .describe_vpc_endpoints()
            .filters(filter("vpc-id", id.as_str()))
            .send()
            .await
            .map_err(aws("ec2", "DescribeVpcEndpoints"))?;
        found.extend(endpoints.vpc_endpoints().iter().map(|endpoint| {
            format!(
                "VPC endpoint {} ({})",
                endpoint.vpc_endpoint_id().unwrap_or("?"),
                endpoint.service_name().unwrap_or("?")
            )
        }));
        let subnets = cx
            .ec2()
            .describe_subnets()
            .filters(filter("vpc-id", id.as_str()))
            .send()
            .await
            .map_err(aws("ec2", "DescribeSubnets"))?;
        found.extend(
            subnets
                .subnets()
                .iter()
                .map(|subnet| format!("subnet {}", subnet.subnet_id().unwrap_or("?"))),
        );
        Ok(found)
    }
}

async fn attribute(cx: &Cx, id: &VpcId, name: VpcAttributeName) -> Result<bool> {
    let answer = cx
        .ec2()
        .describe_vpc_attribute()
        .vpc_id(id.as_str())
        .attribute(name)
        .send()
        .await
        .map_err(aws("ec2", "DescribeVpcAttribute"))
        .or_gone()?;
    // AWS answers the one attribute that was asked for.
    Ok(answer.is_some_and(|answer| {
        [
            answer.enable_dns_support,
            answer.enable_dns_hostnames,
            answer.enable_network_address_usage_metrics,
        ]
        .into_iter()
        .flatten()
        .any(|value| value.value == Some(true))
    }))
}

async fn default_group(cx: &Cx, id: &VpcId) -> Result<Option<String>> {
    let answer = cx
        .ec2()
        .describe_security_groups()
        .filters(filter("vpc-id", id.as_str()))
        .filters(filter("group-name", "default"))
        .send()
        .await
        .map_err(aws("ec2", "DescribeSecurityGroups"))?;
    Ok(answer
        .security_groups()
        .first()
        .and_then(|group| group.group_id.clone()))
}

async fn main_table(cx: &Cx, id: &VpcId) -> Result<Option<String>> {
    let answer = cx
        .ec2()
        .describe_route_tables()
        .filters(filter("vpc-id", id.as_str()))
        .filters(filter("association.main", "true"))
        .send()
        .await
        .map_err(aws("ec2", "DescribeRouteTables"))?;
    Ok(answer
        .route_tables()
        .first()
        .and_then(|table| table.route_table_id.clone()))
}

async fn default_acl(cx: &Cx, id: &VpcId) -> Result<Option<String>> {
    let answer = cx
        .ec2()
        .describe_network_acls()
        .filters(filter("vpc-id", id.as_str()))
        .filters(filter("default", "true"))
        .send()
        .await
        .map_err(aws("ec2", "DescribeNetworkAcls"))?;
    Ok(answer.network_acls().first().and_then(|acl| acl.network_acl_id.clone()))
}

async fn add_ipv6(cx: &Cx, id: &VpcId) -> Result<()> {
    cx.ec2_once()
        .associate_vpc_cidr_block()
        .vpc_id(id.as_str())
        .amazon_provided_ipv6_cidr_block(true)
        .send()
        .await
        .map_err(aws("ec2", "AssociateVpcCidrBlock"))?;
    Ok(())
}

async fn remove_ipv6(cx: &Cx, id: &VpcId) -> Result<()> {
    let answer = cx
        .ec2()
        .describe_vpcs()
        .vpc_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeVpcs"))?;
    for association in answer
        .vpcs()
        .iter()
        .flat_map(aws_sdk_ec2::types::Vpc::ipv6_cidr_block_association_set)
    {
        if let Some(association) = association.association_id() {
            cx.ec2()
                .disassociate_vpc_cidr_block()
                .association_id(association)
                .send()
                .await
                .map_err(aws("ec2", "DisassociateVpcCidrBlock"))?;
        }
    }
    Ok(())
}
