//! The services that a VPC can have endpoints for.

use std::collections::BTreeSet;

use groundwork_contract_derive::{function, shape};

use super::VpcEndpointType;
use crate::ZoneName;

/// The services that VPC endpoints can be made for in the provider's region, and the zones that each is offered in.
///
/// Not every service is offered in every zone: take the subnets in `availabilityZones` alone.
#[function("groundwork:ec2:getVpcEndpointServices")]
pub struct GetVpcEndpointServices;

/// Source: EC2 API Reference, `DescribeVpcEndpointServices`.
#[shape]
pub struct GetVpcEndpointServicesInputs {
    /// The services, by short name (`s3`, `ecr.api`) or full name (`com.amazonaws.eu-central-1.s3`). All when absent;
    /// one that is not offered in the region is an error.
    pub service_names: Option<BTreeSet<String>>,
    /// The kind of endpoint. Both when absent.
    pub service_type: Option<VpcEndpointType>,
}

/// The services, in the order of their names and kinds.
#[shape(outputs)]
pub struct GetVpcEndpointServicesResult {
    /// The services. One that has both kinds of endpoint, such as S3, is there twice.
    pub services: Vec<VpcEndpointService>,
}

/// A service that endpoints can be made for. Source: EC2 API Reference, `ServiceDetail`.
#[shape(settings)]
pub struct VpcEndpointService {
    /// The full name.
    pub service_name: String,
    /// The kinds of endpoint: `Gateway`, `Interface`, `GatewayLoadBalancer`.
    pub service_type: Vec<String>,
    /// The zones that it is offered in, in the order of their names.
    pub availability_zones: Vec<ZoneName>,
    /// The name that private DNS answers.
    pub private_dns_name: Option<String>,
    /// Whether an endpoint of it takes a policy.
    pub supports_policy: bool,
}
