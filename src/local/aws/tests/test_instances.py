import inspect

import pytest
from botocore.exceptions import ClientError

from groundwork_aws.ec2 import EC2
from groundwork_aws.eks import EKS


@pytest.fixture
def group(ec2, network):
    return ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=network.vpc)["GroupId"]


@pytest.fixture
def fleet(cloud, ec2, network, group):
    """What Karpenter asks for."""
    name = "/aws/service/bottlerocket/aws-k8s-1.35/arm64/latest/image_id"
    image = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    ec2.create_launch_template(
        LaunchTemplateName="karpenter.k8s.aws/1",
        LaunchTemplateData={"ImageId": image, "UserData": "aGVsbG8=", "SecurityGroupIds": [group]},
    )
    return ec2.create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": "karpenter.k8s.aws/1", "Version": "$Latest"},
                "Overrides": [{"InstanceType": "t4g.small", "SubnetId": network.subnets[0]}],
            }
        ],
        TargetCapacitySpecification={
            "TotalTargetCapacity": 1,
            "DefaultTargetCapacityType": "on-demand",
            "OnDemandTargetCapacity": 1,
        },
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "kubernetes.io/cluster/demo", "Value": "owned"}]}],
    )


def shown(ec2, ident):
    return ec2.describe_instances(InstanceIds=[ident])["Reservations"][0]["Instances"][0]


def test_an_instance_lives_and_dies_slowly(cloud, ec2, network, group, fleet, refused):
    ident = fleet["Instances"][0]["InstanceIds"][0]
    assert shown(ec2, ident)["State"]["Name"] == "pending"
    assert cloud.admin("GET", "nodes") == []
    cloud.settle()
    instance = shown(ec2, ident)
    assert instance["State"]["Name"] == "running"
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [group]
    assert instance["PrivateDnsName"].endswith(".eu-north-1.compute.internal")
    (node,) = cloud.admin("GET", "nodes")
    assert (node["id"], node["cluster"], node["userData"]) == (ident, "demo", "hello")

    eni = ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId=ident, DeviceIndex=1)
    assert refused(ec2.delete_network_interface, NetworkInterfaceId=eni) == "InvalidNetworkInterface.InUse"
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"

    ec2.terminate_instances(InstanceIds=[ident])
    assert shown(ec2, ident)["State"]["Name"] == "shutting-down"
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    cloud.settle()
    assert shown(ec2, ident)["State"]["Name"] == "terminated"
    (left,) = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [network.subnets[0]]}])[
        "NetworkInterfaces"
    ]
    assert (left["NetworkInterfaceId"], left["Status"]) == (eni, "available")
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_launch_template(LaunchTemplateName="karpenter.k8s.aws/1")
    ec2.delete_security_group(GroupId=group)
    for subnet in network.subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.detach_internet_gateway(InternetGatewayId=network.igw, VpcId=network.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=network.igw)
    ec2.delete_vpc(VpcId=network.vpc)
    assert all(one.get("gone") for one in cloud.admin("GET", "dump").values())


def test_launch_templates_that_are_not_there(ec2, refused):
    assert refused(ec2.describe_launch_templates, LaunchTemplateIds=["lt-x"]) == "InvalidLaunchTemplateId.Malformed"
    absent = "lt-0123456789abcdef0"
    assert refused(ec2.describe_launch_templates, LaunchTemplateIds=[absent]) == "InvalidLaunchTemplateId.NotFound"
    assert refused(ec2.delete_launch_template, LaunchTemplateId=absent) == "InvalidLaunchTemplateId.NotFound"
    by_name = {"LaunchTemplateNames": ["nobody"]}
    assert refused(ec2.describe_launch_templates, **by_name) == "InvalidLaunchTemplateName.NotFoundException"


def test_log_groups(cloud, refused):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="own", tags={"a": "b"})
    assert refused(logs.create_log_group, logGroupName="own") == "ResourceAlreadyExistsException"
    assert refused(logs.put_retention_policy, logGroupName="own", retentionInDays=2) == "InvalidParameterException"
    logs.put_retention_policy(logGroupName="own", retentionInDays=1)
    key = "arn:aws:kms:eu-north-1:123456789012:key/1"
    logs.associate_kms_key(logGroupName="own", kmsKeyId=key)
    (group,) = logs.describe_log_groups(logGroupNamePrefix="own")["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (1, key)
    logs.disassociate_kms_key(logGroupName="own")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_log_group(logGroupName="nobody")


@pytest.mark.parametrize("response", [EC2, EKS])
def test_no_two_parts_of_a_service_share_a_private_name(response):
    owners = {}
    for part in response.__mro__[1:-1]:
        for name, value in vars(part).items():
            if name.startswith("_") and not name.startswith("__") and inspect.isfunction(value):
                owners.setdefault(name, []).append(part)
    ours = {name for name, parts in owners.items() if any(part.__module__.startswith("groundwork") for part in parts)}
    assert {name for name in ours if len(owners[name]) > 1} == set()


def test_a_launch_template_has_versions(ec2, refused):
    asked = {
        "LaunchTemplateName": "nodes",
        "LaunchTemplateData": {
            "UserData": "aGVsbG8=",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        },
        "TagSpecifications": [{"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": "nodes"}]}],
    }
    made = ec2.create_launch_template(**asked, ClientToken="once")["LaunchTemplate"]
    again = ec2.create_launch_template(**asked, ClientToken="once")["LaunchTemplate"]
    assert again["LaunchTemplateId"] == made["LaunchTemplateId"]
    assert refused(ec2.create_launch_template, **asked) == "InvalidLaunchTemplateName.AlreadyExistsException"
    assert made["Tags"] == [{"Key": "Name", "Value": "nodes"}]
    ident = {"LaunchTemplateId": made["LaunchTemplateId"]}

    def versions(**more):
        return ec2.describe_launch_template_versions(**ident, **more)["LaunchTemplateVersions"]

    (first,) = versions(Versions=["$Default"])
    (kinds,) = first["LaunchTemplateData"]["TagSpecifications"]
    assert kinds["ResourceType"] == "instance", "the template's own tags are not its instances'"
    for number in (2, 3):
        version = ec2.create_launch_template_version(**ident, LaunchTemplateData={"InstanceType": "t4g.small"})
        assert version["LaunchTemplateVersion"]["VersionNumber"] == number
    ec2.modify_launch_template(**ident, DefaultVersion="3")
    answer = ec2.delete_launch_template_versions(**ident, Versions=["1", "3", "9"])
    assert [one["VersionNumber"] for one in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [1]
    codes = [one["ResponseError"]["Code"] for one in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]]
    assert codes == ["unexpectedError", "launchTemplateVersionDoesNotExist"]
    assert [one["VersionNumber"] for one in versions()] == [3, 2]
    assert [one["VersionNumber"] for one in versions(MaxVersion="2")] == [2]
    assert refused(ec2.describe_launch_template_versions, **ident, Versions=["1"]) == "InvalidLaunchTemplateId.VersionNotFound"
    assert (
        ec2.create_launch_template_version(**ident, LaunchTemplateData={"KeyName": "a"})["LaunchTemplateVersion"]["VersionNumber"]
        == 4
    )
    ec2.delete_launch_template(**ident)
    assert refused(ec2.describe_launch_template_versions, **ident) == "InvalidLaunchTemplateId.NotFound"
