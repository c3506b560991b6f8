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
