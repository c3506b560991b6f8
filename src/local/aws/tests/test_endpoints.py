import json


def interface(ec2, network, cloud, service="ec2", subnets=None, **more):
    ec2.modify_vpc_attribute(VpcId=network.vpc, EnableDnsHostnames={"Value": True})
    return ec2.create_vpc_endpoint(
        VpcId=network.vpc,
        ServiceName=f"com.amazonaws.eu-north-1.{service}",
        VpcEndpointType="Interface",
        SubnetIds=network.subnets if subnets is None else subnets,
        **more,
    )["VpcEndpoint"]


def shown(ec2, endpoint):
    return ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["VpcEndpoints"][0]


def test_an_interface_endpoint_lives_and_dies_slowly(cloud, ec2, network, refused):
    group = ec2.create_security_group(GroupName="endpoints", Description="e", VpcId=network.vpc)["GroupId"]
    endpoint = interface(ec2, network, cloud, SecurityGroupIds=[group], PrivateDnsEnabled=True)
    assert endpoint["State"] == "pending"
    assert endpoint["PrivateDnsEnabled"] is True
    assert json.loads(endpoint["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    cloud.settle()
    assert shown(ec2, endpoint)["State"] == "available"
    enis = ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert {eni["SubnetId"] for eni in enis} == set(network.subnets)
    assert {eni["Description"] for eni in enis} == {f"VPC Endpoint Interface {endpoint['VpcEndpointId']}"}
    assert {eni["InterfaceType"] for eni in enis} == {"vpc_endpoint"}
    assert all(eni["RequesterManaged"] for eni in enis)
    assert refused(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["Unsuccessful"] == []
    assert shown(ec2, endpoint)["State"] == "deleting"
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    cloud.settle()
    assert refused(ec2.describe_vpc_endpoints, VpcEndpointIds=[endpoint["VpcEndpointId"]]) == "InvalidVpcEndpointId.NotFound"
    ec2.delete_security_group(GroupId=group)
    (entry,) = ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["Unsuccessful"]
    assert entry["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"


def test_private_names_conflict(cloud, ec2, network, refused):
    interface(ec2, network, cloud)
    again = {
        "VpcId": network.vpc,
        "ServiceName": "com.amazonaws.eu-north-1.ec2",
        "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": True,
    }
    assert refused(ec2.create_vpc_endpoint, **again) == "InvalidParameter"
    ec2.create_vpc_endpoint(**{**again, "PrivateDnsEnabled": False})


def test_private_names_need_dns_hostnames(ec2, network, refused):
    asked = {"VpcId": network.vpc, "ServiceName": "com.amazonaws.eu-north-1.ec2", "VpcEndpointType": "Interface"}
    assert refused(ec2.create_vpc_endpoint, **asked) == "InvalidParameter"


def test_a_gateway_endpoint_routes(cloud, ec2, network, refused):
    tables = [ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=network.vpc, ServiceName="com.amazonaws.eu-north-1.s3", RouteTableIds=tables[:1], ClientToken="t"
    )["VpcEndpoint"]
    assert (endpoint["State"], endpoint["VpcEndpointType"]) == ("available", "Gateway")

    def routes(table):
        every = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return [route for route in every if route.get("GatewayId") == endpoint["VpcEndpointId"]]

    (lists,) = ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-north-1.s3"]}])[
        "PrefixLists"
    ]
    assert [route["DestinationPrefixListId"] for route in routes(tables[0])] == [lists["PrefixListId"]]
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], AddRouteTableIds=tables[1:], RemoveRouteTableIds=tables[:1])
    assert shown(ec2, endpoint)["RouteTableIds"] == tables[1:]
    assert routes(tables[0]) == []
    assert len(routes(tables[1])) == 1
    pl = lists["PrefixListId"]
    assert refused(ec2.delete_route, RouteTableId=tables[1], DestinationPrefixListId=pl) == "InvalidParameterValue"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], PolicyDocument=policy)
    assert shown(ec2, endpoint)["PolicyDocument"] == policy
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], ResetPolicy=True)
    assert "Allow" in shown(ec2, endpoint)["PolicyDocument"]
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    cloud.settle()
    assert routes(tables[1]) == []


def test_interfaces_follow_modifications(cloud, ec2, network):
    groups = [ec2.create_security_group(GroupName=name, Description="e", VpcId=network.vpc)["GroupId"] for name in ("one", "two")]
    endpoint = interface(ec2, network, cloud, subnets=network.subnets[:1], SecurityGroupIds=groups[:1])
    cloud.settle()
    ident = endpoint["VpcEndpointId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=ident, AddSubnetIds=network.subnets[1:], AddSecurityGroupIds=groups[1:], RemoveSecurityGroupIds=groups[:1]
    )
    now = shown(ec2, endpoint)
    assert now["SubnetIds"] == network.subnets
    enis = ec2.describe_network_interfaces(NetworkInterfaceIds=now["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert {group["GroupId"] for eni in enis for group in eni["Groups"]} == set(groups[1:])
    ec2.modify_vpc_endpoint(VpcEndpointId=ident, RemoveSubnetIds=network.subnets[:1], PrivateDnsEnabled=False)
    now = shown(ec2, endpoint)
    assert (now["SubnetIds"], now["PrivateDnsEnabled"]) == (network.subnets[1:], False)


def test_services(cloud, ec2, refused):
    found = ec2.describe_vpc_endpoint_services()
    names = {name.removeprefix("com.amazonaws.eu-north-1.") for name in found["ServiceNames"]}
    needed = "s3 dynamodb ecr.api ecr.dkr ec2 sts eks ssm sqs logs eks-auth elasticloadbalancing ssmmessages ec2messages kms"
    assert {*needed.split(), "autoscaling", "guardduty-data", "xray", "monitoring", "email-smtp", "cloudformation"} <= names
    s3 = ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.eu-north-1.s3"])["ServiceDetails"]
    assert {one["ServiceType"][0]["ServiceType"] for one in s3} == {"Gateway", "Interface"}
    (smtp,) = ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.eu-north-1.email-smtp"])["ServiceDetails"]
    assert "eu-north-1a" not in smtp["AvailabilityZones"]
    gateways = ec2.describe_vpc_endpoint_services(Filters=[{"Name": "service-type", "Values": ["Gateway"]}])
    assert len(gateways["ServiceDetails"]) == 2
    assert refused(ec2.describe_vpc_endpoint_services, ServiceNames=["com.amazonaws.x"]) == "InvalidServiceName"


def test_a_service_is_not_offered_everywhere(cloud, ec2, network, refused):
    ec2.modify_vpc_attribute(VpcId=network.vpc, EnableDnsHostnames={"Value": True})
    asked = {
        "VpcId": network.vpc,
        "ServiceName": "com.amazonaws.eu-north-1.email-smtp",
        "VpcEndpointType": "Interface",
        "SubnetIds": network.subnets,
    }
    assert refused(ec2.create_vpc_endpoint, **asked) == "InvalidParameter"
    assert refused(ec2.create_vpc_endpoint, **{**asked, "ServiceName": "com.amazonaws.x"}) == "InvalidServiceName"
    ec2.create_vpc_endpoint(**{**asked, "SubnetIds": network.subnets[1:]})
