//! A VPC endpoint.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{
    NetworkInterfaceId, PrefixListId, RouteTableId, SecurityGroupId, SubnetId, VpcEndpointId, VpcId, inline_rule::known,
};
use crate::{Arn, Document, Example, Failure, Tags};

/// A way from a VPC to a service that does not lead over the internet.
///
/// A gateway endpoint (S3 and `DynamoDB`) is a route in route tables and costs nothing; an interface endpoint is a network
/// interface in each of its subnets and costs by the hour.
#[resource("groundwork:ec2:VpcEndpoint", VpcEndpointId, example = example, check = check)]
pub struct VpcEndpoint;

/// Source: EC2 API Reference, `CreateVpcEndpoint`, `ModifyVpcEndpoint`; AWS `PrivateLink` Guide.
#[shape]
pub struct VpcEndpointInputs {
    /// The VPC.
    #[immutable]
    pub vpc_id: VpcId,
    /// The service's full name, such as `com.amazonaws.eu-central-1.s3`.
    #[immutable]
    pub service_name: String,
    /// What kind of way it is.
    #[immutable]
    #[default(VpcEndpointType::Gateway)]
    pub vpc_endpoint_type: VpcEndpointType,
    /// The route tables that lead to a gateway endpoint.
    pub route_table_ids: Option<BTreeSet<RouteTableId>>,
    /// The subnets that an interface endpoint has a network interface in, one for each zone.
    pub subnet_ids: Option<BTreeSet<SubnetId>>,
    /// The security groups of an interface endpoint. AWS takes the VPC's default group when absent.
    #[computed]
    pub security_group_ids: Option<BTreeSet<SecurityGroupId>>,
    /// Whether the service's own name leads to an interface endpoint within the VPC, which needs the VPC's DNS support
    /// and DNS hostnames. AWS takes true for interface endpoints when absent.
    #[computed]
    pub private_dns_enabled: Option<bool>,
    /// What may be done through it. AWS allows everything when absent.
    pub policy: Option<Document>,
    /// Which addresses an interface endpoint has. AWS chooses when absent.
    #[computed]
    pub ip_address_type: Option<EndpointIpAddressType>,
    /// How its names are answered. AWS chooses what is absent.
    #[computed]
    pub dns_options: Option<DnsOptions>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What kind of way to a service an endpoint is.
#[shape]
pub enum VpcEndpointType {
    /// A route in route tables.
    #[word("Gateway")]
    Gateway,
    /// A network interface in subnets.
    #[word("Interface")]
    Interface,
}

/// Which addresses an endpoint has.
#[shape]
pub enum EndpointIpAddressType {
    /// IPv4.
    Ipv4,
    /// Both.
    Dualstack,
    /// IPv6.
    Ipv6,
}

/// How the names of an interface endpoint are answered. Source: EC2 API Reference, `DnsOptionsSpecification`.
#[shape]
pub struct DnsOptions {
    /// Which addresses its names have.
    #[computed]
    pub dns_record_ip_type: Option<DnsRecordIpType>,
    /// Whether the service's own name leads here for on-premises networks alone, and to the gateway endpoint within the
    /// VPC (S3).
    #[computed]
    pub private_dns_only_for_inbound_resolver_endpoint: Option<bool>,
}

/// Which addresses a name has.
#[shape]
pub enum DnsRecordIpType {
    /// IPv4.
    Ipv4,
    /// Both.
    Dualstack,
    /// IPv6.
    Ipv6,
    /// As the service says.
    ServiceDefined,
}

/// What AWS answers.
#[shape(outputs)]
pub struct VpcEndpointOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns it.
    #[stable]
    pub owner_id: String,
    /// `pending`, `available`, `pendingAcceptance`, `rejected`, `failed`, `expired`, `partial` or `deleting`.
    pub state: String,
    /// Why it failed, when it did.
    pub last_error: Option<String>,
    /// The names of an interface endpoint, the region's first.
    pub dns_entries: Vec<DnsEntry>,
    /// The network interfaces of an interface endpoint.
    pub network_interface_ids: BTreeSet<NetworkInterfaceId>,
    /// The prefix list of a gateway endpoint's service, for rules and routes.
    #[stable]
    pub prefix_list_id: Option<PrefixListId>,
}

/// A name of an endpoint.
#[shape(settings)]
pub struct DnsEntry {
    /// The name.
    pub dns_name: String,
    /// The hosted zone that answers it.
    pub hosted_zone_id: Option<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "vpcId": "$groundwork:ec2:Vpc",
            "serviceName": "com.amazonaws.eu-central-1.sqs",
            "vpcEndpointType": "Interface",
            "subnetIds": ["$groundwork:ec2:Subnet"],
            "securityGroupIds": ["$groundwork:ec2:SecurityGroup"],
            "privateDnsEnabled": false,
            "tags": {"Name": "example"},
        }),
        update: json!({
            "policy": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}],
            },
            "tags": {"Name": "changed", "team": "platform"},
        }),
        ..Example::default()
    }
}

/// The services that have gateway endpoints. Source: AWS `PrivateLink` Guide, "Gateway endpoints"; S3 User Guide, "S3
/// Express One Zone".
const GATEWAYS: [&str; 3] = ["s3", "dynamodb", "s3express"];

fn check(args: &VpcEndpointArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    let kind = match &args.vpc_endpoint_type {
        None => Some(VpcEndpointType::Gateway),
        Some(kind) => kind.known(),
    };
    if let Some(name) = args.service_name.known() {
        let last = name.rsplit('.').next().unwrap_or_default();
        if last == name {
            failures.push(Failure::at(
                "serviceName",
                format!("must be the full name, such as com.amazonaws.eu-central-1.{name}"),
            ));
        } else if kind == Some(VpcEndpointType::Gateway) && !GATEWAYS.contains(&last) {
            failures.push(Failure::at(
                "vpcEndpointType",
                format!("{name} has no gateway endpoint (S3 and DynamoDB have); set it to Interface"),
            ));
        }
    }
    let mut only = |given: bool, name: &str, whose: &str| {
        if given {
            failures.push(Failure::at(
                name,
                format!("is for {whose} endpoints alone; leave it out"),
            ));
        }
    };
    match kind {
        Some(VpcEndpointType::Gateway) => {
            only(args.subnet_ids.is_some(), "subnetIds", "interface");
            only(args.security_group_ids.is_some(), "securityGroupIds", "interface");
            only(
                known(args.private_dns_enabled.as_ref()) == Some(true),
                "privateDnsEnabled",
                "interface",
            );
        }
        Some(VpcEndpointType::Interface) => only(args.route_table_ids.is_some(), "routeTableIds", "gateway"),
        None => {}
    }
    if kind == Some(VpcEndpointType::Interface)
        && known(args.security_group_ids.as_ref()).is_some_and(|groups| groups.is_empty())
    {
        failures.push(Failure::at(
            "securityGroupIds",
            "an interface endpoint has at least one; leave it out for the VPC's default group",
        ));
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
        let descriptor = Descriptor::of::<VpcEndpoint>();
        descriptor
            .check(&descriptor.with_defaults(map))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn gateways_and_interfaces_take_what_is_theirs() {
        let found = reasons(json!({
            "vpcId": "vpc-1", "serviceName": "com.amazonaws.eu-central-1.sqs", "subnetIds": ["subnet-1"],
            "privateDnsEnabled": true,
        }));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found.iter().any(|reason| reason.contains("set it to Interface")),
            "{found:?}"
        );
        assert!(
            reasons(json!({
                "vpcId": "vpc-1", "serviceName": "com.amazonaws.eu-central-1.sqs", "vpcEndpointType": "Interface",
                "subnetIds": ["subnet-1"],
            }))
            .is_empty()
        );
        let found = reasons(json!({
            "vpcId": "vpc-1", "serviceName": "com.amazonaws.eu-central-1.s3", "vpcEndpointType": "Interface",
            "routeTableIds": ["rtb-1"], "securityGroupIds": [],
        }));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_short_name_is_refused_with_the_full_one() {
        let found = reasons(json!({"vpcId": "vpc-1", "serviceName": "s3"}));
        assert!(found[0].contains("com.amazonaws.eu-central-1.s3"), "{found:?}");
    }
}
