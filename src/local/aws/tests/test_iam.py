import json

import pytest

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


def test_a_policy_in_use_stays(iam, refused):
    allow = document({"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"})
    policy = iam.create_policy(PolicyName="read", PolicyDocument=allow)["Policy"]["Arn"]
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    for _ in range(2):
        iam.attach_role_policy(RoleName="reader", PolicyArn=policy)
    assert refused(iam.delete_policy, PolicyArn=policy) == "DeleteConflict"
    assert refused(iam.delete_role, RoleName="reader") == "DeleteConflict"
    simulated = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["ec2:DescribeVpcs", "ec2:CreateVpc"])
    assert [one["EvalDecision"] for one in simulated["EvaluationResults"]] == ["allowed", "implicitDeny"]
    iam.detach_role_policy(RoleName="reader", PolicyArn=policy)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=allow)
    assert refused(iam.delete_policy, PolicyArn=policy) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=policy, VersionId="v2")
    iam.delete_policy(PolicyArn=policy)
    iam.create_instance_profile(InstanceProfileName="reader")
    iam.add_role_to_instance_profile(InstanceProfileName="reader", RoleName="reader")
    assert refused(iam.delete_role, RoleName="reader") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="reader", RoleName="reader")
    iam.delete_role(RoleName="reader")


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense",
        document({**TRUST, "Action": "ec2:RunInstances"}),
        document({**TRUST, "Resource": "*"}),
        document({"Effect": "Allow", "Action": "sts:AssumeRole"}),
    ],
)
def test_a_malformed_trust_policy_is_refused(iam, refused, wrong):
    assert refused(iam.create_role, RoleName="wrong", AssumeRolePolicyDocument=wrong) == "MalformedPolicyDocument"


def test_aws_policies_exist(iam):
    iam.create_role(RoleName="nodes", AssumeRolePolicyDocument=document(TRUST))
    for name in ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"):
        iam.attach_role_policy(RoleName="nodes", PolicyArn=f"arn:aws:iam::aws:policy/{name}")


def test_oidc_providers(iam):
    arn = iam.create_open_id_connect_provider(Url="https://oidc.eks.eu-north-1.amazonaws.com/id/A")["OpenIDConnectProviderArn"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["sts.amazonaws.com"]
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == []


def test_public_image_parameters(cloud, ec2, refused):
    ssm = cloud.client("ssm")
    for architecture in ("arm64", "x86_64"):
        name = f"/aws/service/bottlerocket/aws-k8s-1.35/{architecture}/latest/image_id"
        image = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        (found,) = ec2.describe_images(ImageIds=[image])["Images"]
        assert found["Architecture"] == architecture
    nvidia = "/aws/service/bottlerocket/aws-k8s-1.35-nvidia/x86_64/latest/image_id"
    assert refused(ssm.get_parameter, Name=nvidia) == "ParameterNotFound"
    names = ["/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/standard/recommended/image_id", nvidia]
    answer = ssm.get_parameters(Names=names)
    assert (len(answer["Parameters"]), answer["InvalidParameters"]) == (1, [nvidia])


def test_an_assumed_role_is_somebody(cloud, iam, refused):
    sts = cloud.client("sts")
    cloud.admin("POST", "faults", {"operation": "CreateRole", "kind": "role_not_assumable", "seconds": 30})
    trust = document({**TRUST, "Principal": {"AWS": "*"}})
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert refused(sts.assume_role, RoleArn=role, RoleSessionName="me") == "AccessDenied"
    cloud.settle()
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    identity = cloud.client("sts", key=keys["AccessKeyId"]).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/deployer/me"
    assert cloud.admin("GET", "journal")[-1]["caller"] == identity["Arn"]


def test_a_new_role_is_seen_later(cloud, iam, refused):
    cloud.admin("POST", "faults", {"operation": "CreateRole", "kind": "not_found_after_create", "seconds": 30})
    iam.create_role(RoleName="young", AssumeRolePolicyDocument=document(TRUST))
    assert refused(iam.get_role, RoleName="young") == "NoSuchEntity"
    assert refused(cloud.client("eks").describe_cluster, name="young") == "ResourceNotFoundException"
    cloud.settle()
    assert iam.get_role(RoleName="young")["Role"]["RoleName"] == "young"


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_other_partitions(cloud, region, partition):
    arn = cloud.client("sts", region=region).get_caller_identity()["Arn"]
    assert arn == f"arn:{partition}:iam::123456789012:user/groundwork"
    ec2 = cloud.client("ec2", region=region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_security_group(GroupName="own", Description="own", VpcId=vpc)
    assert made["SecurityGroupArn"].startswith(f"arn:{partition}:ec2:{region}:")
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{region}.s3")
    role = cloud.client("iam", region=region).create_role(RoleName="own", AssumeRolePolicyDocument=document(TRUST))["Role"]
    assert role["Arn"] == f"arn:{partition}:iam::123456789012:role/own"
    policy = f"arn:{partition}:iam::aws:policy/AmazonEKSClusterPolicy"
    cloud.client("iam", region=region).attach_role_policy(RoleName="own", PolicyArn=policy)
