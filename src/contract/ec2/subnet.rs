//! A subnet.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{SubnetId, VpcId};
use crate::{AccountId, Arn, Example, Failure, Input, Ipv4Cidr, Ipv6Cidr, Tags, ZoneName};

/// A subnet: a part of a VPC's address range in one Availability Zone.
#[resource("groundwork:ec2:Subnet", SubnetId, example = example, check = check)]
pub struct Subnet;

/// Source: EC2 API Reference, `CreateSubnet`, `ModifySubnetAttribute`, `AssociateSubnetCidrBlock`.
#[shape]
pub struct SubnetInputs {
    /// The VPC that it is part of.
    #[immutable]
    pub vpc_id: VpcId,
    /// The IPv4 range, /16 to /28, within the VPC's. AWS keeps five addresses of it.
    #[immutable]
    pub cidr_block: Ipv4Cidr,
    /// The zone, such as `eu-central-1a`; AWS chooses one when none is given. To move a subnet give it another
    /// `cidrBlock` as well: the new one is there before the old one goes, and no two subnets of a VPC share an address.
    #[immutable]
    #[computed]
    pub availability_zone: Option<ZoneName>,
    /// The IPv6 range, /44 to /64 in steps of four, within the VPC's. It can be added, changed and taken away later.
    pub ipv6_cidr_block: Option<Ipv6Cidr>,
    /// Whether interfaces that are made at the launch of an instance get a public IPv4 address.
    #[default(false)]
    pub map_public_ip_on_launch: bool,
    /// Whether new interfaces get an IPv6 address. Needs `ipv6CidrBlock`.
    #[default(false)]
    pub assign_ipv6_address_on_creation: bool,
    /// Whether Amazon's DNS server answers with IPv6 addresses for names that have IPv4 addresses only (`64:ff9b::/96`).
    #[default(false)]
    pub enable_dns64: bool,
    /// What the host names of new instances are made from. AWS chooses `ip-name` when nothing is given.
    #[computed]
    pub private_dns_hostname_type_on_launch: Option<HostnameType>,
    /// Whether a new instance's resource name is answered with its IPv4 address.
    #[default(false)]
    pub enable_resource_name_dns_a_record_on_launch: bool,
    /// Whether a new instance's resource name is answered with its IPv6 address.
    #[default(false)]
    pub enable_resource_name_dns_aaaa_record_on_launch: bool,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What an instance's host name is made from. Source: EC2 User Guide, "EC2 instance hostnames and domains".
#[shape]
pub enum HostnameType {
    /// Its private IPv4 address: `ip-10-0-0-4`.
    IpName,
    /// Its id: `i-0123456789abcdef0`.
    ResourceName,
}

/// What AWS answers.
#[shape(outputs)]
pub struct SubnetOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The zone's id, the same in every account, such as `euc1-az2`.
    #[stable]
    pub availability_zone_id: String,
    /// The account that owns it.
    #[stable]
    pub owner_id: AccountId,
    /// `pending`, `available`, `unavailable`, `failed` or `failed-insufficient-capacity`.
    pub state: String,
    /// The state of the IPv6 range, when there is one: `associating`, `associated`, `disassociating`…
    pub ipv6_cidr_block_state: Option<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({"vpcId": "$groundwork:ec2:Vpc", "cidrBlock": "10.0.0.0/20", "tags": {"Name": "example"}}),
        update: json!({
            "mapPublicIpOnLaunch": true,
            "enableDns64": true,
            "privateDnsHostnameTypeOnLaunch": "resource-name",
            "enableResourceNameDnsARecordOnLaunch": true,
            "tags": {"kubernetes.io/role/elb": "1"},
        }),
        second: json!({"cidrBlock": "10.0.16.0/20", "availabilityZone": "eu-central-1b"}),
        ..Example::default()
    }
}

fn check(args: &SubnetArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(cidr) = args.cidr_block.known()
        && !(16..=28).contains(&cidr.prefix())
    {
        failures.push(Failure::at(
            "cidrBlock",
            format!("a subnet's range is /16 to /28, not /{}", cidr.prefix()),
        ));
    }
    if let Some(cidr) = args.ipv6_cidr_block.as_ref().and_then(Input::known)
        && (!(44..=64).contains(&cidr.prefix()) || cidr.prefix() % 4 != 0)
    {
        failures.push(Failure::at(
            "ipv6CidrBlock",
            format!(
                "a subnet's IPv6 range is /44, /48, /52, /56, /60 or /64, not /{}",
                cidr.prefix()
            ),
        ));
    }
    let assigns = args.assign_ipv6_address_on_creation.as_ref().and_then(Input::known);
    if assigns == Some(true) && args.ipv6_cidr_block.is_none() {
        failures.push(Failure::at(
            "assignIpv6AddressOnCreation",
            "needs an ipv6CidrBlock to take the addresses from",
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cidr: &str) -> SubnetArgs {
        SubnetArgs::new("vpc-0a", cidr)
    }

    #[test]
    fn ranges_have_the_sizes_that_aws_takes() {
        assert!(check(&of("10.0.0.0/16")).is_empty());
        assert!(check(&of("10.0.0.0/28")).is_empty());
        assert_eq!(check(&of("10.0.0.0/29")).len(), 1);
        assert_eq!(check(&of("10.0.0.0/8")).len(), 1);
        for (cidr, failures) in [
            ("2001:db8::/64", 0),
            ("2001:db8::/56", 0),
            ("2001:db8::/62", 1),
            ("2001:db8::/40", 1),
        ] {
            assert_eq!(
                check(&of("10.0.0.0/20").ipv6_cidr_block(cidr)).len(),
                failures,
                "{cidr}"
            );
        }
    }

    #[test]
    fn addresses_cannot_be_assigned_from_no_range() {
        let args = of("10.0.0.0/20").assign_ipv6_address_on_creation(true);
        assert_eq!(check(&args).len(), 1);
        assert!(check(&args.clone().ipv6_cidr_block("2001:db8::/64")).is_empty());
        assert!(check(&args.ipv6_cidr_block(crate::Output::<Ipv6Cidr>::unknown())).is_empty());
    }
}
