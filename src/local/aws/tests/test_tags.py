import pytest


@pytest.fixture
def one_of_each(cloud, ec2, network):
    ec2.modify_vpc_attribute(VpcId=network.vpc, EnableDnsHostnames={"Value": True})
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    group = ec2.create_security_group(GroupName="own", Description="own", VpcId=network.vpc)["GroupId"]
    rule = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return {
        "vpc": network.vpc,
        "subnet": network.subnets[0],
        "internet-gateway": network.igw,
        "egress-only-internet-gateway": ec2.create_egress_only_internet_gateway(VpcId=network.vpc)["EgressOnlyInternetGateway"][
            "EgressOnlyInternetGatewayId"
        ],
        "elastic-ip": address,
        "natgateway": ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"],
        "security-group": group,
        "security-group-rule": rule,
        "route-table": ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"],
        "vpc-endpoint": ec2.create_vpc_endpoint(VpcId=network.vpc, ServiceName="com.amazonaws.eu-north-1.s3")["VpcEndpoint"][
            "VpcEndpointId"
        ],
        "network-interface": ec2.create_network_interface(SubnetId=network.subnets[1])["NetworkInterface"]["NetworkInterfaceId"],
        "vpc-flow-log": ec2.create_flow_logs(
            ResourceIds=[network.vpc],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::a-bucket",
        )["FlowLogIds"][0],
        "launch-template": ec2.create_launch_template(LaunchTemplateName="own", LaunchTemplateData={"InstanceType": "m7g.large"})[
            "LaunchTemplate"
        ]["LaunchTemplateId"],
    }


def test_everything_can_be_tagged(ec2, one_of_each):
    ec2.create_tags(Resources=list(one_of_each.values()), Tags=[{"Key": "owner", "Value": "groundwork"}])
    for kind, ident in one_of_each.items():
        filters = [{"Name": "resource-type", "Values": [kind]}, {"Name": "key", "Values": ["owner"]}]
        (tag,) = ec2.describe_tags(Filters=[*filters, {"Name": "value", "Values": ["ground*"]}])["Tags"]
        assert (tag["ResourceId"], tag["ResourceType"]) == (ident, kind)
    by_tag = [{"Name": "tag:owner", "Values": ["groundwork"]}]
    assert len(ec2.describe_addresses(Filters=by_tag)["Addresses"]) == 1
    assert len(ec2.describe_nat_gateways(Filter=by_tag)["NatGateways"]) == 1
    assert len(ec2.describe_flow_logs(Filter=by_tag)["FlowLogs"]) == 1
    assert len(ec2.describe_vpc_endpoints(Filters=by_tag)["VpcEndpoints"]) == 1
    assert len(ec2.describe_launch_templates(Filters=by_tag)["LaunchTemplates"]) == 1
    ec2.delete_tags(Resources=list(one_of_each.values()), Tags=[{"Key": "owner"}])
    assert ec2.describe_tags(Filters=[{"Name": "key", "Values": ["owner"]}])["Tags"] == []


def test_tags_are_checked(ec2, network, refused):
    reserved = [{"Key": "aws:own", "Value": "x"}]
    assert refused(ec2.create_tags, Resources=[network.vpc], Tags=reserved) == "InvalidParameterValue"
    plain = [{"Key": "own", "Value": "x"}]
    assert refused(ec2.create_tags, Resources=["sgr-0123456789abcdef0"], Tags=plain) == "InvalidSecurityGroupRuleId.NotFound"
    assert refused(ec2.create_tags, Resources=["vpc-0123456789abcdef0"], Tags=plain) == "InvalidVpcID.NotFound"
    assert refused(ec2.create_tags, Resources=["nonsense"], Tags=plain) == "InvalidID"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    assert refused(ec2.create_tags, Resources=[network.vpc], Tags=many) == "TagLimitExceeded"
    wrong = [{"ResourceType": "subnet", "Tags": plain}]
    assert refused(ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=wrong) == "InvalidParameterValue"


def test_flow_logs(cloud, ec2, network, refused):
    group = "arn:aws:logs:eu-north-1:123456789012:log-group:flow"
    asked = {
        "ResourceIds": [network.vpc],
        "ResourceType": "VPC",
        "TrafficType": "REJECT",
        "LogDestination": group,
        "DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/flow",
        "MaxAggregationInterval": 60,
    }
    answer = ec2.create_flow_logs(**asked)
    assert (answer["FlowLogIds"], answer["Unsuccessful"][0]["Error"]["Code"]) == ([], "400")
    cloud.client("logs").create_log_group(logGroupName="flow")
    (ident,) = ec2.create_flow_logs(**asked)["FlowLogIds"]
    assert ec2.create_flow_logs(**asked)["Unsuccessful"][0]["Error"]["Code"] == "FlowLogAlreadyExists"
    (log,) = ec2.describe_flow_logs(FlowLogIds=[ident])["FlowLogs"]
    assert (log["LogGroupName"], log["FlowLogStatus"], log["MaxAggregationInterval"]) == ("flow", "ACTIVE", 60)
    firehose = "arn:aws:firehose:eu-north-1:123456789012:deliverystream/flow"
    subnets = {"ResourceIds": network.subnets, "ResourceType": "Subnet", "TrafficType": "ALL"}
    two = ec2.create_flow_logs(**subnets, LogDestinationType="kinesis-data-firehose", LogDestination=firehose)["FlowLogIds"]
    assert len(two) == 2
    assert ec2.delete_flow_logs(FlowLogIds=[ident])["Unsuccessful"] == []
    (error,) = ec2.delete_flow_logs(FlowLogIds=[ident])["Unsuccessful"]
    assert error["Error"]["Code"] == "InvalidFlowLogId.NotFound"
    assert refused(ec2.describe_flow_logs, FlowLogIds=[ident]) == "InvalidFlowLogId.NotFound"
