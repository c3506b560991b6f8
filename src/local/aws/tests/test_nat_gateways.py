def make(ec2, network, **more):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address, **more)["NatGateway"]
    return nat, address


def state(ec2, nat):
    return ec2.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"][0]["State"]


def test_a_nat_gateway_lives_and_dies_slowly(cloud, ec2, network, refused):
    nat, address = make(ec2, network)
    assert nat["State"] == "pending"
    assert state(ec2, nat) == "pending"
    cloud.settle()
    assert state(ec2, nat) == "available"

    (eni,) = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [network.subnets[0]]}])["NetworkInterfaces"]
    assert eni["Description"] == f"Interface for NAT Gateway {nat['NatGatewayId']}"
    assert eni["RequesterManaged"] is True
    assert eni["Status"] == "in-use"
    assert eni["Association"]["AllocationId"] == address
    assert eni["Groups"] == []
    assert nat["NatGatewayAddresses"][0]["NetworkInterfaceId"] == eni["NetworkInterfaceId"]

    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    assert refused(ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"
    assert refused(ec2.detach_internet_gateway, InternetGatewayId=network.igw, VpcId=network.vpc) == "DependencyViolation"
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"

    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert state(ec2, nat) == "deleting"
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    cloud.settle()
    assert state(ec2, nat) == "deleted"
    assert ec2.describe_addresses(AllocationIds=[address])["Addresses"][0].get("AssociationId") is None
    ec2.release_address(AllocationId=address)
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    ec2.delete_subnet(SubnetId=network.subnets[0])
    (gone,) = [one for key, one in cloud.admin("GET", "dump").items() if "/natgateway/" in key]
    assert gone["gone"] is True


def test_a_client_token_makes_one(ec2, network, refused):
    first, address = make(ec2, network, ClientToken="once")
    again = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address, ClientToken="once")["NatGateway"]
    assert again["NatGatewayId"] == first["NatGatewayId"]
    assert len(ec2.describe_nat_gateways()["NatGateways"]) == 1
    other = {"SubnetId": network.subnets[1], "AllocationId": address, "ClientToken": "once"}
    assert refused(ec2.create_nat_gateway, **other) == "IdempotentParameterMismatch"


def test_a_nat_gateway_without_an_internet_gateway_fails(cloud, ec2, network):
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    nat, address = make(ec2, network)
    cloud.settle()
    shown = ec2.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"][0]
    assert shown["State"] == "failed"
    assert shown["FailureCode"] == "Gateway.NotAttached"
    ec2.release_address(AllocationId=address)


def test_a_nat_gateway_fails_on_request(cloud, ec2, network):
    fault = {"kind": "fail_state", "service": "ec2", "operation": "CreateNatGateway", "nth": 1}
    cloud.admin("POST", "faults", {**fault, "code": "InternalError", "message": "no luck"})
    bad, _ = make(ec2, network)
    good, _ = make(ec2, network)
    cloud.settle()
    shown = ec2.describe_nat_gateways(NatGatewayIds=[bad["NatGatewayId"]])["NatGateways"][0]
    assert (shown["State"], shown["FailureCode"], shown["FailureMessage"]) == ("failed", "InternalError", "no luck")
    assert state(ec2, good) == "available"


def test_a_private_nat_gateway_needs_no_address(cloud, ec2, network):
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], ConnectivityType="private")["NatGateway"]
    assert nat["ConnectivityType"] == "private"
    assert "AllocationId" not in nat["NatGatewayAddresses"][0]
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    cloud.settle()
    assert state(ec2, nat) == "available"


def test_a_regional_nat_gateway_has_no_subnet(cloud, ec2, network, refused):
    nat = ec2.create_nat_gateway(VpcId=network.vpc, AvailabilityMode="regional")["NatGateway"]
    assert nat["AvailabilityMode"] == "regional"
    assert nat["AutoProvisionZones"] == "enabled"
    assert "SubnetId" not in nat
    assert len(nat["NatGatewayAddresses"]) == 2
    managed = nat["NatGatewayAddresses"][0]["AllocationId"]
    assert refused(ec2.release_address, AllocationId=managed) == "AuthFailure"
    cloud.settle()
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])
    assert refused(ec2.detach_internet_gateway, InternetGatewayId=network.igw, VpcId=network.vpc) == "DependencyViolation"
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    cloud.settle()
    assert ec2.describe_addresses()["Addresses"] == []
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)

    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    zone = ec2.describe_subnets(SubnetIds=[network.subnets[0]])["Subnets"][0]["AvailabilityZone"]
    places = [{"AvailabilityZone": zone, "AllocationIds": [address]}]
    ec2.attach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    manual = ec2.create_nat_gateway(VpcId=network.vpc, AvailabilityMode="regional", AvailabilityZoneAddresses=places)[
        "NatGateway"
    ]
    assert manual["AutoProvisionZones"] == "disabled"
    assert refused(ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"


def test_missing_things(ec2, network, refused):
    assert refused(ec2.create_nat_gateway, SubnetId=network.subnets[0]) == "MissingParameter"
    absent = "eipalloc-0123456789abcdef0"
    assert refused(ec2.create_nat_gateway, SubnetId=network.subnets[0], AllocationId=absent) == "InvalidAllocationID.NotFound"
    assert refused(ec2.describe_nat_gateways, NatGatewayIds=["nat-0123456789abcdef0"]) == "NatGatewayNotFound"
    assert refused(ec2.delete_nat_gateway, NatGatewayId="nat-x") == "NatGatewayMalformed"
