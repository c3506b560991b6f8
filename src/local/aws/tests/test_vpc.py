import ipaddress


def test_a_vpc_is_pending_before_it_is_available(cloud, ec2):
    vpc = ec2.create_vpc(CidrBlock="10.1.2.3/16")["Vpc"]
    assert vpc["State"] == "pending"
    assert vpc["CidrBlock"] == "10.1.0.0/16"
    cloud.settle()
    assert ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"][0]["State"] == "available"


def test_cidr_blocks_are_checked(ec2, network, refused):
    assert refused(ec2.create_vpc, CidrBlock="10.0.0.0/15") == "InvalidVpc.Range"
    assert refused(ec2.create_vpc, CidrBlock="10.0.0.0/29") == "InvalidVpc.Range"
    assert refused(ec2.create_vpc, CidrBlock="nonsense") == "InvalidParameterValue"
    assert refused(ec2.create_subnet, VpcId=network.vpc, CidrBlock="10.1.0.0/20") == "InvalidSubnet.Range"
    assert refused(ec2.create_subnet, VpcId=network.vpc, CidrBlock="10.0.0.0/29") == "InvalidSubnet.Range"
    assert refused(ec2.create_subnet, VpcId=network.vpc, CidrBlock="10.0.1.0/24") == "InvalidSubnet.Conflict"


def test_ids_are_checked(ec2, refused):
    assert refused(ec2.describe_vpcs, VpcIds=["vpc-1"]) == "InvalidVpcID.Malformed"
    assert refused(ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"]) == "InvalidVpcID.NotFound"
    assert refused(ec2.delete_subnet, SubnetId="subnet-x") == "InvalidSubnetID.Malformed"
    assert refused(ec2.delete_subnet, SubnetId="subnet-0123456789abcdef0") == "InvalidSubnetID.NotFound"
    assert refused(ec2.delete_route_table, RouteTableId="rtb-x") == "InvalidRouteTableId.Malformed"
    assert refused(ec2.delete_vpc, VpcId="vpc-0123456789abcdef0") == "InvalidVpcID.NotFound"
    assert refused(ec2.describe_vpcs, Filters=[{"Name": "colour", "Values": ["red"]}]) == "InvalidParameterValue"


def test_a_vpc_with_anything_in_it_stays(cloud, ec2, network, refused):
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"
    for subnet in network.subnets:
        ec2.delete_subnet(SubnetId=subnet)
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"
    assert refused(ec2.delete_internet_gateway, InternetGatewayId=network.igw) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=network.igw)
    group = ec2.create_security_group(GroupName="own", Description="own", VpcId=network.vpc)["GroupId"]
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_vpc(VpcId=network.vpc)
    assert cloud.admin("GET", "dump") == {}


def test_attributes_of_a_vpc(ec2, network, refused):
    def value(name):
        return ec2.describe_vpc_attribute(VpcId=network.vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"]

    assert value("enableDnsSupport") is True
    assert value("enableDnsHostnames") is False
    ec2.modify_vpc_attribute(VpcId=network.vpc, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_attribute(VpcId=network.vpc, EnableNetworkAddressUsageMetrics={"Value": True})
    assert value("enableDnsHostnames") is True
    assert value("enableNetworkAddressUsageMetrics") is True
    both = {"EnableDnsSupport": {"Value": True}, "EnableDnsHostnames": {"Value": True}}
    assert refused(ec2.modify_vpc_attribute, VpcId=network.vpc, **both) == "InvalidParameterCombination"


def test_attributes_of_a_subnet(ec2, network):
    subnet = network.subnets[0]

    def shown():
        return ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]

    assert shown()["MapPublicIpOnLaunch"] is False
    assert shown()["DefaultForAz"] is False
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsARecordOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsAAAARecordOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableDns64={"Value": True})
    assert shown()["MapPublicIpOnLaunch"] is True
    assert shown()["EnableDns64"] is True
    assert shown()["PrivateDnsNameOptionsOnLaunch"] == {
        "HostnameType": "resource-name",
        "EnableResourceNameDnsARecord": True,
        "EnableResourceNameDnsAAAARecord": True,
    }


def test_ipv6(cloud, ec2, network, refused):
    association = ec2.associate_vpc_cidr_block(VpcId=network.vpc, AmazonProvidedIpv6CidrBlock=True)
    assert association["Ipv6CidrBlockAssociation"]["Ipv6CidrBlockState"]["State"] == "associating"
    cloud.settle()
    (block,) = ec2.describe_vpcs(VpcIds=[network.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    assert block["Ipv6CidrBlockState"]["State"] == "associated"
    inner = [str(one) for one in list(ipaddress.ip_network(block["Ipv6CidrBlock"]).subnets(new_prefix=64))[:2]]
    made = ec2.create_subnet(VpcId=network.vpc, CidrBlock="10.0.64.0/20", Ipv6CidrBlock=inner[0])["Subnet"]
    assert made["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] == inner[0]
    conflict = {"VpcId": network.vpc, "CidrBlock": "10.0.80.0/20", "Ipv6CidrBlock": inner[0]}
    assert refused(ec2.create_subnet, **conflict) == "InvalidSubnet.Conflict"
    ec2.associate_subnet_cidr_block(SubnetId=network.subnets[0], Ipv6CidrBlock=inner[1])
    cloud.settle()
    subnet = ec2.describe_subnets(SubnetIds=[network.subnets[0]])["Subnets"][0]
    assert subnet["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"]["State"] == "associated"
    ec2.modify_subnet_attribute(SubnetId=network.subnets[0], AssignIpv6AddressOnCreation={"Value": True})
    egress = ec2.create_egress_only_internet_gateway(VpcId=network.vpc)["EgressOnlyInternetGateway"]
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(
        RouteTableId=table,
        DestinationIpv6CidrBlock="::/0",
        EgressOnlyInternetGatewayId=egress["EgressOnlyInternetGatewayId"],
    )
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert {route.get("DestinationIpv6CidrBlock") for route in routes} == {None, "::/0", block["Ipv6CidrBlock"]}
    ec2.delete_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0")
    ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=egress["EgressOnlyInternetGatewayId"])
    assert ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"] == []


def test_zones(cloud, ec2, refused):
    east = cloud.client("ec2", region="us-east-1")
    zones = east.describe_availability_zones()["AvailabilityZones"]
    assert {zone["OptInStatus"] for zone in zones} == {"opt-in-not-required"}
    assert "use1-az3" in {zone["ZoneId"] for zone in zones}
    everything = east.describe_availability_zones(AllAvailabilityZones=True)["AvailabilityZones"]
    local = [zone for zone in everything if zone["ZoneType"] == "local-zone"]
    assert local
    assert {zone["OptInStatus"] for zone in local} == {"not-opted-in"}
    usable = [
        {"Name": "zone-type", "Values": ["availability-zone"]},
        {"Name": "opt-in-status", "Values": ["opt-in-not-required"]},
        {"Name": "state", "Values": ["available"]},
    ]
    assert len(east.describe_availability_zones(AllAvailabilityZones=True, Filters=usable)["AvailabilityZones"]) == 6
    assert "cac1-az3" in {
        zone["ZoneId"] for zone in cloud.client("ec2", region="ca-central-1").describe_availability_zones()["AvailabilityZones"]
    }
    assert refused(ec2.describe_availability_zones, ZoneNames=["mars-1a"]) == "InvalidParameterValue"


def test_pages(ec2, network):
    table_ids = {ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"] for _ in range(7)}
    pages = list(
        ec2.get_paginator("describe_route_tables").paginate(
            Filters=[{"Name": "vpc-id", "Values": [network.vpc]}], PaginationConfig={"PageSize": 5}
        )
    )
    assert len(pages) == 2
    assert table_ids < {table["RouteTableId"] for page in pages for table in page["RouteTables"]}


def test_a_dry_run_changes_nothing(ec2, refused):
    assert refused(ec2.create_vpc, CidrBlock="10.9.0.0/16", DryRun=True) == "DryRunOperation"
    assert ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.9.0.0/16"]}])["Vpcs"] == []
