import json

import pytest

TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "%s"}, "Action": "sts:AssumeRole"}]}'
)


@pytest.fixture
def eks(cloud):
    return cloud.client("eks")


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


@pytest.fixture
def role(iam):
    def make(name, service):
        return iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST % service)["Role"]["Arn"]

    return make


@pytest.fixture
def asked(network, role):
    return {
        "name": "demo",
        "version": "1.34",
        "roleArn": role("demo-eks-role", "eks.amazonaws.com"),
        "resourcesVpcConfig": {"subnetIds": network.subnets, "endpointPrivateAccess": True},
        "accessConfig": {"authenticationMode": "API"},
        "bootstrapSelfManagedAddons": False,
        "tags": {"stack": "demo"},
    }


@pytest.fixture
def cluster(cloud, eks, asked):
    eks.create_cluster(**asked)
    cloud.settle()
    return eks.describe_cluster(name="demo")["cluster"]


@pytest.fixture
def node_role(role):
    return role("nodes", "ec2.amazonaws.com")


@pytest.fixture
def group(cloud, eks, cluster, network, node_role):
    eks.create_nodegroup(
        clusterName="demo",
        nodegroupName="first",
        nodeRole=node_role,
        subnets=network.subnets,
        amiType="BOTTLEROCKET_ARM_64",
        instanceTypes=["t4g.medium"],
        scalingConfig={"minSize": 2, "maxSize": 3, "desiredSize": 2},
        labels={"tier": "system"},
        taints=[{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}],
    )
    cloud.settle()
    return eks.describe_nodegroup(clusterName="demo", nodegroupName="first")["nodegroup"]


def test_a_control_plane_outside_ends_creating_but_not_before_its_time(cloud, eks, asked):
    cloud.admin("POST", "settings", {"external_control_plane": True})
    eks.create_cluster(**asked)
    news = {"endpoint": "https://127.0.0.1:1", "certificateAuthority": "Y2E=", "oidcIssuer": "https://oidc"}
    assert cloud.admin("POST", "clusters/demo/endpoint", news) == {"status": "CREATING"}
    assert "endpoint" not in eks.describe_cluster(name="demo")["cluster"]
    cloud.settle()
    cluster = eks.describe_cluster(name="demo")["cluster"]
    assert (cluster["status"], cluster["endpoint"]) == ("ACTIVE", "https://127.0.0.1:1")

    eks.create_cluster(**asked | {"name": "late"})
    cloud.settle()
    assert eks.describe_cluster(name="late")["cluster"]["status"] == "CREATING"
    assert cloud.admin("POST", "clusters/late/endpoint", news) == {"status": "ACTIVE"}


def test_a_cluster_lives_and_dies_slowly(cloud, eks, ec2, asked, network, refused):
    made = eks.create_cluster(**asked)["cluster"]
    assert made["status"] == "CREATING"
    assert "endpoint" not in made
    assert refused(eks.create_cluster, **asked) == "ResourceInUseException"
    cloud.settle()
    cluster = eks.describe_cluster(name="demo")["cluster"]
    config = cluster["resourcesVpcConfig"]
    assert cluster["status"] == "ACTIVE"
    assert cluster["endpoint"].startswith("https://")
    assert cluster["certificateAuthority"]["data"]
    assert cluster["identity"]["oidc"]["issuer"].startswith("https://oidc.eks.eu-north-1.amazonaws.com/id/")
    assert (config["vpcId"], config["endpointPublicAccess"], config["endpointPrivateAccess"]) == (network.vpc, True, True)
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "172.20.0.0/16"

    (group,) = ec2.describe_security_groups(GroupIds=[config["clusterSecurityGroupId"]])["SecurityGroups"]
    assert group["GroupName"].startswith("eks-cluster-sg-demo-")
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert tags["kubernetes.io/cluster/demo"] == "owned"
    assert tags["aws:eks:cluster-name"] == "demo"
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]

    by_description = [{"Name": "description", "Values": ["Amazon EKS demo"]}]
    enis = ec2.describe_network_interfaces(Filters=by_description)["NetworkInterfaces"]
    assert {eni["SubnetId"] for eni in enis} == set(network.subnets)
    assert all(eni["RequesterManaged"] and eni["Status"] == "in-use" for eni in enis)
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    assert refused(ec2.delete_security_group, GroupId=group["GroupId"]) == "DependencyViolation"

    eks.delete_cluster(name="demo")
    assert eks.describe_cluster(name="demo")["cluster"]["status"] == "DELETING"
    cloud.settle()
    assert refused(eks.describe_cluster, name="demo") == "ResourceNotFoundException"
    assert eks.list_clusters()["clusters"] == []
    assert refused(ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    cloud.settle()
    ec2.delete_subnet(SubnetId=network.subnets[0])
    assert refused(ec2.describe_security_groups, GroupIds=[group["GroupId"]]) == "InvalidGroup.NotFound"


def test_what_a_cluster_needs(cloud, eks, asked, network, refused):
    def code(**other):
        return refused(eks.create_cluster, **{**asked, **other})

    assert code(roleArn="arn:aws:iam::123456789012:role/nobody") == "InvalidParameterException"
    assert code(version="1.24") == "InvalidParameterException"
    assert code(resourcesVpcConfig={"subnetIds": network.subnets[:1]}) == "InvalidParameterException"
    assert code(resourcesVpcConfig={"subnetIds": ["subnet-0123456789abcdef0"]}) == "InvalidParameterException"
    closed = {"subnetIds": network.subnets, "endpointPublicAccess": False, "endpointPrivateAccess": False}
    assert code(resourcesVpcConfig=closed) == "InvalidParameterException"


def test_a_zone_that_eks_refuses(cloud, role, refused):
    ec2, eks = cloud.client("ec2", region="us-east-1"), cloud.client("eks", region="us-east-1")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(("us-east-1a", "us-east-1e"))
    ]
    arn = role("eks", "eks.amazonaws.com")
    asked = {"name": "demo", "roleArn": arn, "resourcesVpcConfig": {"subnetIds": subnets}}
    assert refused(eks.create_cluster, **asked) == "UnsupportedAvailabilityZoneException"


def test_a_new_role_cannot_be_assumed_at_once(cloud, eks, iam, network, refused):
    cloud.admin("POST", "faults", {"operation": "CreateRole", "kind": "role_not_assumable", "seconds": 30})
    arn = iam.create_role(RoleName="young", AssumeRolePolicyDocument=TRUST % "eks.amazonaws.com")["Role"]["Arn"]
    asked = {"name": "demo", "roleArn": arn, "resourcesVpcConfig": {"subnetIds": network.subnets}}
    assert refused(eks.create_cluster, **asked) == "InvalidParameterException"
    cloud.settle(2)
    eks.create_cluster(**asked)


def test_one_update_at_a_time(cloud, eks, cluster, refused):
    def public(cidr):
        return {"name": "demo", "resourcesVpcConfig": {"publicAccessCidrs": [cidr]}}

    update = eks.update_cluster_config(**public("198.51.100.0/24"))["update"]
    assert (update["status"], update["type"]) == ("InProgress", "EndpointAccessUpdate")
    assert eks.describe_cluster(name="demo")["cluster"]["status"] == "UPDATING"
    assert refused(eks.update_cluster_version, name="demo", version="1.35") == "ResourceInUseException"
    cloud.settle()
    assert eks.describe_update(name="demo", updateId=update["id"])["update"]["status"] == "Successful"
    config = eks.describe_cluster(name="demo")["cluster"]["resourcesVpcConfig"]
    assert config["publicAccessCidrs"] == ["198.51.100.0/24"]
    assert config["endpointPrivateAccess"] is True
    assert config["subnetIds"] == cluster["resourcesVpcConfig"]["subnetIds"]
    assert refused(eks.update_cluster_config, **public("198.51.100.0/24")) == "InvalidParameterException"
    assert eks.list_updates(name="demo")["updateIds"] == [update["id"]]


def test_an_update_that_is_asked_for_twice_is_one(cloud, eks, cluster):
    asked = {"name": "demo", "version": "1.35", "clientRequestToken": "one"}
    first, second = (eks.update_cluster_version(**asked)["update"]["id"] for _ in range(2))
    assert first == second
    cloud.settle()
    assert eks.update_cluster_version(**asked)["update"]["status"] == "Successful"
    assert eks.list_updates(name="demo")["updateIds"] == [first]


def test_auto_mode_is_one_update(cloud, eks, cluster):
    update = eks.update_cluster_config(
        name="demo",
        computeConfig={"enabled": True},
        storageConfig={"blockStorage": {"enabled": True}},
        kubernetesNetworkConfig={"elasticLoadBalancing": {"enabled": True}},
    )["update"]
    assert update["type"] == "AutoModeUpdate"
    cloud.settle()
    network = eks.describe_cluster(name="demo")["cluster"]["kubernetesNetworkConfig"]
    assert network["elasticLoadBalancing"] == {"enabled": True}
    assert network["serviceIpv4Cidr"] == cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"]


def test_an_update_fails_on_request(cloud, eks, cluster):
    fault = {"kind": "fail_state", "operation": "UpdateClusterVersion", "code": "IpNotAvailable", "message": "no more"}
    cloud.admin("POST", "faults", {**fault, "count": 1})
    ident = eks.update_cluster_version(name="demo", version="1.35")["update"]["id"]
    cloud.settle()
    update = eks.describe_update(name="demo", updateId=ident)["update"]
    assert update["status"] == "Failed"
    assert update["errors"][0]["errorCode"] == "IpNotAvailable"
    assert eks.describe_cluster(name="demo")["cluster"]["version"] == "1.34"
    eks.update_cluster_version(name="demo", version="1.35")
    cloud.settle()
    assert eks.describe_cluster(name="demo")["cluster"]["version"] == "1.35"


def test_versions_go_up_one_by_one(cloud, eks, cluster, refused):
    assert refused(eks.update_cluster_version, name="demo", version="1.36") == "InvalidParameterException"
    assert refused(eks.update_cluster_version, name="demo", version="1.33") == "InvalidParameterException"
    versions = {one["clusterVersion"]: one for one in eks.describe_cluster_versions()["clusterVersions"]}
    assert "1.30" not in versions
    assert versions["1.34"]["endOfStandardSupportDate"].strftime("%Y-%m-%d") == "2026-12-02"
    assert versions["1.33"]["versionStatus"] == "EXTENDED_SUPPORT"
    (default,) = eks.describe_cluster_versions(defaultOnly=True)["clusterVersions"]
    assert default["clusterVersion"] == "1.35"


def test_logging_modes_and_protection(cloud, eks, cluster, refused):
    on = {"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]}
    eks.update_cluster_config(name="demo", logging=on)
    cloud.settle()
    logging = eks.describe_cluster(name="demo")["cluster"]["logging"]["clusterLogging"]
    assert {"types": ["api", "audit"], "enabled": True} in logging
    backwards = {"authenticationMode": "CONFIG_MAP"}
    assert refused(eks.update_cluster_config, name="demo", accessConfig=backwards) == "InvalidRequestException"
    eks.update_cluster_config(name="demo", deletionProtection=True)
    cloud.settle()
    assert refused(eks.delete_cluster, name="demo") == "InvalidRequestException"
    eks.update_cluster_config(name="demo", deletionProtection=False)
    cloud.settle()
    eks.delete_cluster(name="demo")


def test_a_node_group_has_instances(cloud, eks, ec2, iam, cluster, group, network, refused):
    assert group["status"] == "ACTIVE"
    name = group["resources"]["autoScalingGroups"][0]["name"]
    (scaling,) = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    assert (scaling["MinSize"], scaling["MaxSize"], scaling["DesiredCapacity"]) == (2, 3, 2)
    assert len(scaling["Instances"]) == 2

    filters = [
        {"Name": "tag:eks:nodegroup-name", "Values": ["first"]},
        {"Name": "tag:kubernetes.io/cluster/demo", "Values": ["owned"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]

    def running():
        every = ec2.describe_instances(Filters=filters)["Reservations"]
        return [instance for reservation in every for instance in reservation["Instances"]]

    assert {one["SubnetId"] for one in running()} == set(network.subnets)
    assert {one["Architecture"] for one in running()} == {"arm64"}
    assert {one["InstanceType"] for one in running()} == {"t4g.medium"}
    groups = {one["GroupId"] for instance in running() for one in instance["SecurityGroups"]}
    assert groups == {cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]}

    nodes = cloud.admin("GET", "nodes")
    assert {node["nodegroup"]["taints"][0]["effect"] for node in nodes} == {"NO_EXECUTE"}
    assert {node["nodegroup"]["labels"]["tier"] for node in nodes} == {"system"}

    assert refused(eks.delete_cluster, name="demo") == "ResourceInUseException"
    assert refused(iam.delete_role, RoleName="nodes") == "DeleteConflict"
    eks.update_nodegroup_config(clusterName="demo", nodegroupName="first", scalingConfig={"desiredSize": 3})
    assert refused(eks.update_nodegroup_config, clusterName="demo", nodegroupName="first", scalingConfig={"desiredSize": 2}) == (
        "ResourceInUseException"
    )
    cloud.settle()
    cloud.settle()
    assert len(running()) == 3
    eks.delete_nodegroup(clusterName="demo", nodegroupName="first")
    assert eks.describe_nodegroup(clusterName="demo", nodegroupName="first")["nodegroup"]["status"] == "DELETING"
    cloud.settle()
    assert running() == []
    assert refused(eks.describe_nodegroup, clusterName="demo", nodegroupName="first") == "ResourceNotFoundException"
    cloud.settle()
    leftovers = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])["NetworkInterfaces"]
    assert {eni["Description"] for eni in leftovers} == {"Amazon EKS demo"}
    iam.delete_role(RoleName="nodes")


def test_a_drain_that_is_kept_up_ends_with_its_instances(cloud, eks, ec2, group):
    held = {"clusterName": "demo", "nodegroupName": "first"}
    cloud.settle()
    cloud.admin("POST", "hazards", {"name": "pdb"})
    eks.delete_nodegroup(**held)
    cloud.settle()
    assert eks.describe_nodegroup(**held)["nodegroup"]["status"] == "DELETING"
    running = [one["id"] for one in cloud.admin("GET", "nodes")]
    ec2.terminate_instances(InstanceIds=running)
    eks.describe_nodegroup(**held)
    cloud.settle()
    assert eks.list_nodegroups(clusterName="demo")["nodegroups"] == []


def test_a_node_group_follows_the_version(cloud, eks, cluster, group, refused):
    asked = {"clusterName": "demo", "nodegroupName": "first"}
    assert refused(eks.update_nodegroup_version, **asked, version="1.35") == "InvalidParameterException"
    eks.update_cluster_version(name="demo", version="1.35")
    cloud.settle()
    ident = eks.update_nodegroup_version(**asked)["update"]["id"]
    assert refused(eks.describe_update, name="demo", updateId=ident) == "ResourceNotFoundException"
    cloud.settle()
    assert eks.describe_update(name="demo", updateId=ident, nodegroupName="first")["update"]["status"] == "Successful"
    assert eks.describe_nodegroup(**asked)["nodegroup"]["version"] == "1.35"


def test_a_node_group_with_a_launch_template(cloud, eks, ec2, cluster, network, node_role, refused):
    data = {"InstanceType": "m7g.large", "MetadataOptions": {"HttpTokens": "required"}}
    template = ec2.create_launch_template(LaunchTemplateName="own", LaunchTemplateData=data)["LaunchTemplate"]
    asked = {"clusterName": "demo", "nodegroupName": "own", "nodeRole": node_role, "subnets": network.subnets}
    absent = {"id": "lt-0123456789abcdef0"}
    assert refused(eks.create_nodegroup, **asked, launchTemplate=absent) == "InvalidRequestException"
    eks.create_nodegroup(
        **asked, amiType="BOTTLEROCKET_ARM_64", launchTemplate={"id": template["LaunchTemplateId"], "version": "1"}
    )
    cloud.settle()
    group = eks.describe_nodegroup(clusterName="demo", nodegroupName="own")["nodegroup"]
    assert group["launchTemplate"]["name"] == "own"
    assert {node["instanceType"] for node in cloud.admin("GET", "nodes")} == {"m7g.large"}
    ec2.delete_launch_template(LaunchTemplateName="own")
    gone = {"LaunchTemplateIds": [template["LaunchTemplateId"]]}
    assert refused(ec2.describe_launch_templates, **gone) == "InvalidLaunchTemplateId.NotFound"


def test_fargate_profiles_one_at_a_time(cloud, eks, ec2, cluster, network, role, refused):
    arn = role("pods", "eks-fargate-pods.amazonaws.com")
    other = role("others", "ec2.amazonaws.com")

    def asked(name, execution=arn):
        selectors = [{"namespace": "kube-system"}]
        subnets = network.subnets
        return {
            "clusterName": "demo",
            "fargateProfileName": name,
            "podExecutionRoleArn": execution,
            "subnets": subnets,
            "selectors": selectors,
        }

    assert refused(eks.create_fargate_profile, **asked("a", other)) == "InvalidParameterException"
    eks.create_fargate_profile(**asked("a"))
    assert refused(eks.create_fargate_profile, **asked("b")) == "ResourceInUseException"
    cloud.settle()
    eks.create_fargate_profile(**asked("b"))
    cloud.settle()
    entries = eks.list_access_entries(clusterName="demo")["accessEntries"]
    assert arn in entries
    eks.delete_fargate_profile(clusterName="demo", fargateProfileName="a")
    assert refused(eks.delete_fargate_profile, clusterName="demo", fargateProfileName="b") == "ResourceInUseException"
    assert refused(eks.delete_cluster, name="demo") == "ResourceInUseException"
    cloud.settle()
    assert eks.list_fargate_profiles(clusterName="demo")["fargateProfileNames"] == ["b"]
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=network.igw)
    ec2.associate_route_table(RouteTableId=table, SubnetId=network.subnets[0])
    assert refused(eks.create_fargate_profile, **asked("c")) == "InvalidParameterException"


def test_addons(cloud, eks, cluster, refused):
    versions = eks.describe_addon_versions(addonName="coredns", kubernetesVersion="1.34")["addons"][0]["addonVersions"]
    default = next(one["addonVersion"] for one in versions if one["compatibilities"][0]["defaultVersion"])
    made = eks.create_addon(clusterName="demo", addonName="coredns", configurationValues='{"computeType": "Fargate"}')["addon"]
    assert (made["status"], made["addonVersion"]) == ("CREATING", default)
    cloud.settle()
    addon = eks.describe_addon(clusterName="demo", addonName="coredns")["addon"]
    assert (addon["status"], addon["configurationValues"]) == ("ACTIVE", '{"computeType": "Fargate"}')
    assert refused(eks.create_addon, clusterName="demo", addonName="coredns") == "ResourceInUseException"
    assert refused(eks.create_addon, clusterName="demo", addonName="nonsense") == "InvalidParameterException"
    wrong = {"clusterName": "demo", "addonName": "coredns", "configurationValues": '{"colour": "red"}'}
    assert refused(eks.update_addon, **wrong) == "InvalidParameterException"
    latest = versions[0]["addonVersion"]
    update = eks.update_addon(clusterName="demo", addonName="coredns", addonVersion=latest)["update"]
    cloud.settle()
    done = eks.describe_update(name="demo", updateId=update["id"], addonName="coredns")["update"]
    assert (done["status"], done["type"]) == ("Successful", "AddonUpdate")
    assert eks.describe_addon(clusterName="demo", addonName="coredns")["addon"]["addonVersion"] == latest
    schema = eks.describe_addon_configuration(addonName="coredns", addonVersion=latest)["configurationSchema"]
    assert "computeType" in json.loads(schema)["properties"]
    eks.delete_addon(clusterName="demo", addonName="coredns")
    cloud.settle()
    assert eks.list_addons(clusterName="demo")["addons"] == []


def test_a_failed_update_stays_with_an_addon_until_the_next(cloud, eks, cluster):
    eks.create_addon(clusterName="demo", addonName="coredns")
    cloud.settle()
    cloud.admin("POST", "faults", {"kind": "fail_state", "operation": "UpdateAddon", "count": 1})
    for status in ("UPDATE_FAILED", "ACTIVE"):
        eks.update_addon(clusterName="demo", addonName="coredns", configurationValues='{"replicaCount": 3}')
        cloud.settle()
        assert eks.describe_addon(clusterName="demo", addonName="coredns")["addon"]["status"] == status


def test_an_addon_has_the_roles_that_the_last_update_names(cloud, eks, cluster, role):
    one, other = role("one", "pods.eks.amazonaws.com"), role("other", "pods.eks.amazonaws.com")
    eks.create_addon(
        clusterName="demo",
        addonName="vpc-cni",
        podIdentityAssociations=[{"serviceAccount": "aws-node", "roleArn": one}],
    )
    cloud.settle()

    def held():
        found = eks.list_pod_identity_associations(clusterName="demo")["associations"]
        return [
            eks.describe_pod_identity_association(clusterName="demo", associationId=each["associationId"])["association"][
                "roleArn"
            ]
            for each in found
        ]

    assert held() == [one]
    for wanted, left in (([{"serviceAccount": "aws-node", "roleArn": other}], [other]), (None, [other]), ([], [])):
        given = {} if wanted is None else {"podIdentityAssociations": wanted}
        eks.update_addon(clusterName="demo", addonName="vpc-cni", **given)
        cloud.settle()
        assert held() == left
    addon = eks.describe_addon(clusterName="demo", addonName="vpc-cni")["addon"]
    assert "podIdentityAssociations" not in addon


def test_self_managed_addons_are_in_the_way(cloud, eks, asked):
    eks.create_cluster(**{**asked, "bootstrapSelfManagedAddons": True})
    cloud.settle()
    eks.create_addon(clusterName="demo", addonName="vpc-cni")
    eks.create_addon(clusterName="demo", addonName="kube-proxy", resolveConflicts="OVERWRITE")
    cloud.settle()
    addon = eks.describe_addon(clusterName="demo", addonName="vpc-cni")["addon"]
    assert (addon["status"], addon["health"]["issues"][0]["code"]) == ("CREATE_FAILED", "ConfigurationConflict")
    assert eks.describe_addon(clusterName="demo", addonName="kube-proxy")["addon"]["status"] == "ACTIVE"


def test_access_entries(cloud, eks, cluster, node_role, role, refused):
    creator = "arn:aws:iam::123456789012:user/groundwork"
    assert eks.list_access_entries(clusterName="demo")["accessEntries"] == [creator]
    (policy,) = eks.list_associated_access_policies(clusterName="demo", principalArn=creator)["associatedAccessPolicies"]
    assert policy["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    entry = eks.create_access_entry(clusterName="demo", principalArn=node_role, type="EC2_LINUX")["accessEntry"]
    assert entry["username"] == "system:node:{{EC2PrivateDNSName}}"
    assert entry["kubernetesGroups"] == ["system:nodes"]
    again = {"clusterName": "demo", "principalArn": node_role}
    assert refused(eks.create_access_entry, **again, type="EC2_LINUX") == "ResourceInUseException"
    assert eks.describe_access_entry(**again)["accessEntry"]["type"] == "EC2_LINUX"
    team = role("team", "ec2.amazonaws.com")
    eks.create_access_entry(clusterName="demo", principalArn=team, kubernetesGroups=["viewers"], tags={"a": "b"})
    view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    scope = {"type": "namespace", "namespaces": ["default"]}
    eks.associate_access_policy(clusterName="demo", principalArn=team, policyArn=view, accessScope=scope)
    assert eks.list_access_entries(clusterName="demo", associatedPolicyArn=view)["accessEntries"] == [team]
    eks.update_access_entry(clusterName="demo", principalArn=team, kubernetesGroups=["editors"])
    eks.disassociate_access_policy(clusterName="demo", principalArn=team, policyArn=view)
    assert refused(eks.disassociate_access_policy, clusterName="demo", principalArn=team, policyArn=view) == (
        "ResourceNotFoundException"
    )
    described = eks.describe_access_entry(clusterName="demo", principalArn=team)["accessEntry"]
    assert described["kubernetesGroups"] == ["editors"]
    eks.tag_resource(resourceArn=described["accessEntryArn"], tags={"c": "d"})
    assert eks.list_tags_for_resource(resourceArn=described["accessEntryArn"])["tags"] == {"a": "b", "c": "d"}
    eks.delete_access_entry(clusterName="demo", principalArn=team)
    assert refused(eks.describe_access_entry, clusterName="demo", principalArn=team) == "ResourceNotFoundException"


def test_pod_identities_providers_and_tags(cloud, eks, cluster, node_role, refused):
    asked = {"clusterName": "demo", "namespace": "karpenter", "serviceAccount": "karpenter", "roleArn": node_role}
    made = eks.create_pod_identity_association(**asked)["association"]
    assert refused(eks.create_pod_identity_association, **asked) == "ResourceInUseException"
    assert len(eks.list_pod_identity_associations(clusterName="demo", namespace="karpenter")["associations"]) == 1
    eks.delete_pod_identity_association(clusterName="demo", associationId=made["associationId"])
    oidc = {"identityProviderConfigName": "sso", "issuerUrl": "https://sso.example.com", "clientId": "eks"}
    eks.associate_identity_provider_config(clusterName="demo", oidc=oidc)
    cloud.settle()
    named = {"clusterName": "demo", "identityProviderConfig": {"type": "oidc", "name": "sso"}}
    assert eks.describe_identity_provider_config(**named)["identityProviderConfig"]["oidc"]["status"] == "ACTIVE"
    eks.tag_resource(resourceArn=cluster["arn"], tags={"more": "yes"})
    eks.untag_resource(resourceArn=cluster["arn"], tagKeys=["stack"])
    assert eks.describe_cluster(name="demo")["cluster"]["tags"] == {"more": "yes"}
    eks.associate_encryption_config(
        clusterName="demo", encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:x:1:key/1"}}]
    )
    cloud.settle()
    assert eks.describe_cluster(name="demo")["cluster"]["encryptionConfig"][0]["resources"] == ["secrets"]
    assert eks.list_insights(clusterName="demo")["insights"] == []
