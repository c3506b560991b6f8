//! The services that a VPC can have endpoints for.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{ServiceDetail, ServiceType};
use groundwork_contract::{
    ZoneName,
    ec2::{GetVpcEndpointServices, GetVpcEndpointServicesInputs, GetVpcEndpointServicesResult, VpcEndpointService},
};

use super::{filter, need, parse};
use crate::{
    cx::Cx,
    error::{Error, Result, aws},
    functions::Lookup,
};

impl Lookup for GetVpcEndpointServices {
    async fn look_up(cx: &Cx, inputs: &GetVpcEndpointServicesInputs) -> Result<GetVpcEndpointServicesResult> {
        let mut call = cx.ec2().describe_vpc_endpoint_services();
        if let Some(kind) = inputs.service_type {
            call = call.filters(filter("service-type", kind.word()));
        }
        let mut details = Vec::new();
        let mut token = None;
        loop {
            let answer = call
                .clone()
                .set_next_token(token)
                .send()
                .await
                .map_err(aws("ec2", "DescribeVpcEndpointServices"))?;
            details.extend(answer.service_details.unwrap_or_default());
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        let region = cx.aws.region.as_str();
        let offered: Vec<VpcEndpointService> = details.iter().map(service).collect::<Result<_>>()?;
        let mut services = match &inputs.service_names {
            None => offered,
            Some(names) => chosen(offered, names, region)?,
        };
        services.sort_by(|a, b| (&a.service_name, &a.service_type).cmp(&(&b.service_name, &b.service_type)));
        Ok(GetVpcEndpointServicesResult { services })
    }
}

fn service(detail: &ServiceDetail) -> Result<VpcEndpointService> {
    let zones: BTreeSet<ZoneName> = detail
        .availability_zones()
        .iter()
        .map(|zone| parse(Some(zone), "availabilityZones"))
        .collect::<Result<_>>()?;
    Ok(VpcEndpointService {
        service_name: need(detail.service_name.clone(), "serviceName")?,
        service_type: detail
            .service_type()
            .iter()
            .filter_map(|kind| kind.service_type().map(ServiceType::as_str).map(str::to_owned))
            .collect(),
        availability_zones: zones.into_iter().collect(),
        private_dns_name: detail.private_dns_name.clone(),
        supports_policy: detail.vpc_endpoint_policy_supported() == Some(true),
    })
}

/// Those of the given names; each name must find one.
fn chosen(offered: Vec<VpcEndpointService>, names: &BTreeSet<String>, region: &str) -> Result<Vec<VpcEndpointService>> {
    let is = |service: &VpcEndpointService, name: &str| {
        service.service_name == name || service.service_name.ends_with(&format!(".{region}.{name}"))
    };
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !offered.iter().any(|service| is(service, name)))
        .collect();
    if !missing.is_empty() {
        return Err(Error::Invalid(format!(
            "no VPC endpoint can be made in {region} for {}; leave it out, or look for its name with \
             `aws ec2 describe-vpc-endpoint-services --region {region}`",
            missing.join(", ")
        )));
    }
    Ok(offered
        .into_iter()
        .filter(|service| names.iter().any(|name| is(service, name)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> VpcEndpointService {
        VpcEndpointService {
            service_name: name.to_owned(),
            service_type: vec!["Interface".to_owned()],
            availability_zones: Vec::new(),
            private_dns_name: None,
            supports_policy: true,
        }
    }

    #[test]
    fn services_are_found_by_short_and_by_full_name() {
        let offered = [
            "com.amazonaws.eu-central-1.ecr.api",
            "com.amazonaws.eu-central-1.sqs",
            "cn.com.amazonaws.eu-central-1.eks",
        ];
        let offered: Vec<_> = offered.into_iter().map(named).collect();
        let ask = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            chosen(offered.clone(), &names, "eu-central-1").map(|found| found.len())
        };
        assert_eq!(ask(&["ecr.api", "com.amazonaws.eu-central-1.sqs", "eks"]).unwrap(), 3);
        assert!(ask(&["api"]).unwrap_err().to_string().contains("for api;"));
    }
}
