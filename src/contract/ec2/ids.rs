//! The ids of EC2's kinds.

use crate::{Input, Output, ec2_ids, text::ec2_id, text_type};

ec2_ids! {
    /// A VPC's id.
    VpcId "vpc" "a VPC id";
    /// A subnet's id.
    SubnetId "subnet" "a subnet id";
    /// An internet gateway's id.
    InternetGatewayId "igw" "an internet gateway id";
    /// An egress-only internet gateway's id.
    EgressOnlyInternetGatewayId "eigw" "an egress-only internet gateway id";
    /// A route table's id.
    RouteTableId "rtb" "a route table id";
    /// The id of a route table's association.
    RouteTableAssociationId "rtbassoc" "a route table association id";
    /// An Elastic IP address's allocation id.
    AllocationId "eipalloc" "an Elastic IP allocation id";
    /// A NAT gateway's id.
    NatGatewayId "nat" "a NAT gateway id";
    /// A security group's id.
    SecurityGroupId "sg" "a security group id";
    /// A security group rule's id.
    SecurityGroupRuleId "sgr" "a security group rule id";
    /// A prefix list's id.
    PrefixListId "pl" "a prefix list id";
    /// A VPC endpoint's id.
    VpcEndpointId "vpce" "a VPC endpoint id";
    /// A flow log's id.
    FlowLogId "fl" "a flow log id";
    /// A network interface's id.
    NetworkInterfaceId "eni" "a network interface id";
    /// A network ACL's id.
    NetworkAclId "acl" "a network ACL id";
    /// A transit gateway's id.
    TransitGatewayId "tgw" "a transit gateway id";
    /// A VPC peering connection's id.
    VpcPeeringConnectionId "pcx" "a VPC peering connection id";
    /// A virtual private gateway's id.
    VpnGatewayId "vgw" "a virtual private gateway id";
    /// A carrier gateway's id (Wavelength Zones).
    CarrierGatewayId "cagw" "a carrier gateway id";
    /// A local gateway's id (Outposts).
    LocalGatewayId "lgw" "a local gateway id";
    /// A launch template's id.
    LaunchTemplateId "lt" "a launch template id";
    /// An image's id.
    ImageId "ami" "an image id";
    /// A snapshot's id.
    SnapshotId "snap" "a snapshot id";
}

text_type!(
    /// The id of a gateway that a VPC has one of: an internet gateway or a virtual private gateway.
    GatewayId, "an internet gateway id or a virtual private gateway id", "igw-0123456789abcdef0", |text| {
        ec2_id(text, "igw")
            .or_else(|_| ec2_id(text, "vgw"))
            .map_err(|_| "expected `igw-` or `vgw-` and lower-case hexadecimal digits".to_owned())
    }
);

impl From<Output<InternetGatewayId>> for Input<GatewayId> {
    fn from(id: Output<InternetGatewayId>) -> Self {
        Self::from_node(id.into())
    }
}

impl From<&Output<InternetGatewayId>> for Input<GatewayId> {
    fn from(id: &Output<InternetGatewayId>) -> Self {
        Self::from_node(id.into())
    }
}

impl From<Output<VpnGatewayId>> for Input<GatewayId> {
    fn from(id: Output<VpnGatewayId>) -> Self {
        Self::from_node(id.into())
    }
}
