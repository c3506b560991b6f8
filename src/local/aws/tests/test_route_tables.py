import pytest


@pytest.fixture
def table(ec2, network):
    return ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]


def default_route(ec2, table):
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return next((route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"), None)


def test_routes(ec2, network, table, refused):
    to_igw = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": network.igw}
    ec2.create_route(**to_igw)
    assert refused(ec2.create_route, **to_igw) == "RouteAlreadyExists"
    assert default_route(ec2, table) == {
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": network.igw,
        "Origin": "CreateRoute",
        "State": "active",
    }
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    assert default_route(ec2, table)["State"] == "blackhole"
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    gone = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    assert refused(ec2.delete_route, **gone) == "InvalidRoute.NotFound"
    assert refused(ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16") == "InvalidParameterValue"
    assert refused(ec2.replace_route, **to_igw) == "InvalidParameterValue"
    assert refused(ec2.create_route, **to_igw) == "InvalidParameterValue"
    assert refused(ec2.create_route, **gone, NatGatewayId="nat-0123456789abcdef0") == "InvalidNatGatewayID.NotFound"


def test_a_route_to_a_deleted_nat_gateway_is_a_black_hole(cloud, ec2, network, table):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    assert default_route(ec2, table)["State"] == "active"
    cloud.settle()
    ec2.delete_nat_gateway(NatGatewayId=nat)
    cloud.settle()
    assert default_route(ec2, table)["State"] == "blackhole"
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=network.igw)
    assert default_route(ec2, table)["GatewayId"] == network.igw


def test_associations(ec2, network, table, refused):
    subnet = network.subnets[0]
    ident = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    assert ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"] == ident
    other = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    assert refused(ec2.associate_route_table, RouteTableId=other, SubnetId=subnet) == "Resource.AlreadyAssociated"
    assert refused(ec2.delete_route_table, RouteTableId=table) == "DependencyViolation"
    fresh = ec2.replace_route_table_association(AssociationId=ident, RouteTableId=other)["NewAssociationId"]
    assert refused(ec2.disassociate_route_table, AssociationId=ident) == "InvalidAssociationID.NotFound"
    found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    assert [one["RouteTableId"] for one in found] == [other]
    ec2.delete_route_table(RouteTableId=table)
    ec2.disassociate_route_table(AssociationId=fresh)
    ec2.delete_route_table(RouteTableId=other)


def test_the_main_table(ec2, network, table, refused):
    filters = [{"Name": "vpc-id", "Values": [network.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    (main,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    ident = main["Associations"][0]["RouteTableAssociationId"]
    assert main["Routes"][0]["Origin"] == "CreateRouteTable"
    assert refused(ec2.disassociate_route_table, AssociationId=ident) == "InvalidParameterValue"
    assert refused(ec2.delete_route_table, RouteTableId=main["RouteTableId"]) == "DependencyViolation"
    ec2.replace_route_table_association(AssociationId=ident, RouteTableId=table)
    assert ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"] == table


def test_a_deleted_subnet_leaves_its_table(ec2, network, table):
    ec2.associate_route_table(RouteTableId=table, SubnetId=network.subnets[0])
    ec2.delete_subnet(SubnetId=network.subnets[0])
    ec2.delete_route_table(RouteTableId=table)
