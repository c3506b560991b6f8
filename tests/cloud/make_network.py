"""Makes a small network as somebody makes one who knows nothing of Groundwork, and prints the ids as JSON.

It takes region, credentials and endpoint from the environment, as every program with boto3 does.
"""

from __future__ import annotations

import json
from typing import Any

import boto3

EVERYWHERE = "0.0.0.0/0"


def tagged(kind: str, name: str) -> list[dict[str, Any]]:
    """Tags for what is made."""
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, {"Key": "team", "Value": "network"}]}]


def main() -> None:
    """Make everything, wait for what takes its time, and say what it is called."""
    ec2: Any = boto3.client("ec2")
    region = ec2.meta.region_name

    # The VPC's own route table serves its subnet; AWS chooses the zone.
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tagged("vpc", "old"))["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    table = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"][0]["RouteTableId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/20")["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, GatewayId=internet)

    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", "old-nat"))["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, TagSpecifications=tagged("natgateway", "old"))
    nat_id = nat["NatGateway"]["NatGatewayId"]

    # The gateway leads from the route table; the interface has the VPC's default group, and AWS's choice of DNS.
    s3 = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{region}.s3", RouteTableIds=[table])
    sts = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{region}.sts", VpcEndpointType="Interface", SubnetIds=[subnet]
    )

    # AWS lets everything out of both groups.
    web = ec2.create_security_group(VpcId=vpc, GroupName="web", Description="The web")["GroupId"]
    ports = [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": EVERYWHERE, "Description": text}]}
        for port, text in ((80, "HTTP"), (443, "HTTPS"))
    ]
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=ports)
    nodes = ec2.create_security_group(VpcId=vpc, GroupName="nodes", Description="Nodes")["GroupId"]
    from_web = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": web}]}
    ec2.authorize_security_group_ingress(GroupId=nodes, IpPermissions=[from_web])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [nodes]}])["SecurityGroupRules"]
    rule = {found["IsEgress"]: found["SecurityGroupRuleId"] for found in rules}

    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat_id], WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    ids = {
        "vpc": vpc,
        "subnet": subnet,
        "internetGateway": internet,
        "eip": address,
        "natGateway": nat_id,
        "s3": s3["VpcEndpoint"]["VpcEndpointId"],
        "sts": sts["VpcEndpoint"]["VpcEndpointId"],
        "web": web,
        "nodes": nodes,
        "nodesIn": rule[False],
        "nodesOut": rule[True],
    }
    print(json.dumps(ids))


if __name__ == "__main__":
    main()
