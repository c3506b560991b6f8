//! What GuardDuty's runtime monitoring puts into a VPC by itself: an endpoint with an interface in the cluster's subnets, and
//! a security group. Both stay when the cluster goes, and keep subnets and VPC from being deleted.
//!
//! Both carry the tag `GuardDutyManaged=true`. Source: GuardDuty User Guide, "How Runtime Monitoring works with Amazon EKS
//! clusters".

use aws_sdk_ec2::types::VpcEndpoint;
use groundwork_contract::ec2::{SubnetId, VpcId};

use super::{filter, successful};
use crate::{
    cx::Cx,
    error::{Gone, Kind, Result, aws},
};

async fn endpoints(cx: &Cx, vpc: &VpcId) -> Result<Vec<VpcEndpoint>> {
    let answer = cx
        .ec2()
        .describe_vpc_endpoints()
        .filters(filter("vpc-id", vpc.as_str()))
        .filters(filter("tag:GuardDutyManaged", "true"))
        .send()
        .await
        .map_err(aws("ec2", "DescribeVpcEndpoints"))?;
    let standing = |endpoint: &VpcEndpoint| {
        let state = endpoint.state().map_or("", |state| state.as_str());
        endpoint
            .service_name()
            .is_some_and(|name| name.ends_with(".guardduty-data"))
            && !matches!(state.to_ascii_lowercase().as_str(), "deleting" | "deleted")
    };
    let mut endpoints = answer.vpc_endpoints.unwrap_or_default();
    endpoints.retain(standing);
    Ok(endpoints)
}

/// Takes the endpoint out of a subnet that is to go; it goes with its last subnet.
pub(super) async fn leave(cx: &Cx, vpc: &VpcId, subnet: &SubnetId) -> Result<()> {
    for endpoint in endpoints(cx, vpc).await? {
        let subnets = endpoint.subnet_ids();
        if !subnets.iter().any(|one| one == subnet.as_str()) {
            continue;
        }
        if subnets.len() == 1 {
            delete(cx, &endpoint).await?;
            continue;
        }
        let left = cx
            .ec2()
            .modify_vpc_endpoint()
            .vpc_endpoint_id(endpoint.vpc_endpoint_id().unwrap_or_default())
            .remove_subnet_ids(subnet.as_str())
            .send()
            .await
            .map_err(aws("ec2", "ModifyVpcEndpoint"));
        match left {
            Ok(_) => {}
            // Another subnet is leaving at this moment: this one is asked for again.
            Err(error) if matches!(error.kind(), Kind::Missing | Kind::Invalid | Kind::Busy | Kind::InUse) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes away what is left in a VPC that is to go.
pub(super) async fn evict(cx: &Cx, vpc: &VpcId) -> Result<()> {
    for endpoint in endpoints(cx, vpc).await? {
        delete(cx, &endpoint).await?;
    }
    let answer = cx
        .ec2()
        .describe_security_groups()
        .filters(filter("vpc-id", vpc.as_str()))
        .filters(filter("tag:GuardDutyManaged", "true"))
        .filters(filter("group-name", format!("GuardDutyManagedSecurityGroup-{vpc}")))
        .send()
        .await
        .map_err(aws("ec2", "DescribeSecurityGroups"))?;
    for group in answer.security_groups() {
        let deleted = cx
            .ec2()
            .delete_security_group()
            .group_id(group.group_id().unwrap_or_default())
            .send()
            .await
            .map_err(aws("ec2", "DeleteSecurityGroup"))
            .or_gone();
        match deleted {
            Ok(_) => {}
            // The endpoint's interfaces go with some delay.
            Err(error) if error.kind() == Kind::InUse => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn delete(cx: &Cx, endpoint: &VpcEndpoint) -> Result<()> {
    let id = endpoint.vpc_endpoint_id().unwrap_or_default();
    let answer = cx
        .ec2()
        .delete_vpc_endpoints()
        .vpc_endpoint_ids(id)
        .send()
        .await
        .map_err(aws("ec2", "DeleteVpcEndpoints"))
        .or_gone()?;
    if let Some(answer) = &answer {
        use aws_sdk_ec2::operation::RequestId;
        successful("DeleteVpcEndpoints", answer.unsuccessful(), answer.request_id()).or_gone()?;
    }
    cx.log.info(
        Some(&cx.urn),
        format!("removed {id}, which GuardDuty had put into the VPC"),
    );
    Ok(())
}
