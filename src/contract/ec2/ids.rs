//! The ids of EC2's kinds.

use crate::ec2_ids;

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
}
