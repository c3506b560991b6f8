import pytest
from test_eks import TRUST


@pytest.fixture
def eks(cloud):
    return cloud.client("eks")


@pytest.fixture
def role(cloud):
    def make(name, service):
        asked = {"RoleName": name, "AssumeRolePolicyDocument": TRUST % service}
        return cloud.client("iam").create_role(**asked)["Role"]["Arn"]

    return make


def create(cloud, eks, network, role):
    eks.create_cluster(
        name="demo",
        roleArn=role("eks", "eks.amazonaws.com"),
        resourcesVpcConfig={"subnetIds": network.subnets},
        bootstrapSelfManagedAddons=False,
    )


def test_hazards_are_switched_by_name(cloud):
    cloud.admin("POST", "hazards", {"name": "guardduty"})
    cloud.admin("POST", "hazards", {"name": "log-group-reborn", "seconds": 30})

    def on(hazards: dict[str, bool]) -> set[str]:
        return {name for name, is_on in hazards.items() if is_on}

    assert on(cloud.admin("GET", "hazards")) == {"guardduty", "log-group-reborn"}
    assert on(cloud.admin("DELETE", "hazards?name=guardduty")) == {"log-group-reborn"}
    assert on(cloud.admin("DELETE", "hazards")) == set()
    assert len(cloud.admin("GET", "hazards")) == 6


def test_a_log_group_comes_back(cloud, eks, network, role):
    logs = cloud.client("logs")
    cloud.admin("POST", "hazards", {"name": "log-group-reborn"})
    logs.create_log_group(logGroupName="/aws/eks/demo/cluster")
    create(cloud, eks, network, role)
    cloud.settle()
    eks.delete_cluster(name="demo")
    cloud.settle()
    logs.delete_log_group(logGroupName="/aws/eks/demo/cluster")
    assert logs.describe_log_groups()["logGroups"] == []
    cloud.settle()
    (group,) = logs.describe_log_groups()["logGroups"]
    assert "retentionInDays" not in group
    logs.delete_log_group(logGroupName="/aws/eks/demo/cluster")
    cloud.settle()
    assert logs.describe_log_groups()["logGroups"] == []


def test_guardduty_moves_in(cloud, eks, ec2, network, role, refused):
    cloud.admin("POST", "hazards", {"name": "guardduty"})
    create(cloud, eks, network, role)
    cloud.settle(2)
    by_tag = [{"Name": "tag:GuardDutyManaged", "Values": ["true"]}]
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=by_tag)["VpcEndpoints"]
    (group,) = ec2.describe_security_groups(Filters=by_tag)["SecurityGroups"]
    assert (endpoint["State"], endpoint["ServiceName"]) == ("available", "com.amazonaws.eu-north-1.guardduty-data")
    assert refused(ec2.delete_security_group, GroupId=group["GroupId"]) == "DependencyViolation"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    cloud.settle()
    ec2.delete_security_group(GroupId=group["GroupId"])


def test_a_load_balancer_appears(cloud, eks, ec2, network, role, refused):
    cloud.admin("POST", "hazards", {"name": "elb"})
    create(cloud, eks, network, role)
    cloud.settle(3)
    elb = cloud.client("elb")
    (balancer,) = elb.describe_load_balancers()["LoadBalancerDescriptions"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["k8s-elb-*"]}])["SecurityGroups"]
    assert {"Key": "kubernetes.io/cluster/demo", "Value": "owned"} in group["Tags"]
    assert refused(ec2.delete_security_group, GroupId=group["GroupId"]) == "DependencyViolation"
    elb.delete_load_balancer(LoadBalancerName=balancer["LoadBalancerName"])
    eks.delete_cluster(name="demo")
    cloud.settle(3)
    left = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])["NetworkInterfaces"]
    assert left == []
    ec2.delete_security_group(GroupId=group["GroupId"])


def test_interfaces_outlive_their_instance(cloud, eks, ec2, network, role):
    cloud.admin("POST", "hazards", {"name": "orphan-enis"})
    create(cloud, eks, network, role)
    cloud.settle()
    eks.create_nodegroup(
        clusterName="demo", nodegroupName="one", nodeRole=role("nodes", "ec2.amazonaws.com"), subnets=network.subnets
    )
    cloud.settle()
    eks.delete_nodegroup(clusterName="demo", nodegroupName="one")
    cloud.settle(2)
    by_tag = [{"Name": "tag:cluster.k8s.amazonaws.com/name", "Values": ["demo"]}, {"Name": "status", "Values": ["available"]}]
    left = ec2.describe_network_interfaces(Filters=by_tag)["NetworkInterfaces"]
    assert len(left) == 2
    for eni in left:
        ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])


def test_the_kubernetes_side_is_somebody_elses(cloud, eks, network, role):
    cloud.admin("POST", "settings", {"external_control_plane": True})
    create(cloud, eks, network, role)
    cloud.settle()
    (shown,) = cloud.admin("GET", "clusters")
    assert (shown["wanted"], shown["cluster"]["name"], shown["cluster"]["status"]) == (True, "demo", "CREATING")
    assert shown["bootstrapSelfManagedAddons"] is False
    told = {"endpoint": "https://127.0.0.1:6443", "certificateAuthority": "Q0E=", "oidcIssuer": "https://issuer/id/A"}
    assert cloud.admin("POST", "clusters/demo/endpoint", told) == {"status": "ACTIVE"}
    cluster = eks.describe_cluster(name="demo")["cluster"]
    assert cluster["endpoint"] == told["endpoint"]
    assert cluster["certificateAuthority"]["data"] == "Q0E="
    assert cluster["identity"]["oidc"]["issuer"] == told["oidcIssuer"]

    arn = role("nodes", "ec2.amazonaws.com")
    eks.create_nodegroup(clusterName="demo", nodegroupName="one", nodeRole=arn, subnets=network.subnets)
    eks.create_addon(clusterName="demo", addonName="coredns")
    cloud.settle()
    assert eks.describe_nodegroup(clusterName="demo", nodegroupName="one")["nodegroup"]["status"] == "CREATING"
    nodes = cloud.admin("GET", "nodes")
    assert [node["nodegroup"]["name"] for node in nodes] == ["one", "one"]
    assert {node["cluster"] for node in nodes} == {"demo"}
    assert nodes[0]["providerId"] == f"aws:///{nodes[0]['zone']}/{nodes[0]['id']}"
    assert (nodes[0]["vcpus"], nodes[0]["memoryMiB"]) == (2, 4096)
    assert cloud.admin("POST", "clusters/demo/nodegroups/one/ready", {}) == {"status": "ACTIVE"}
    degraded = {"status": "DEGRADED", "issues": [{"code": "InsufficientNumberOfReplicas", "message": "0 of 2"}]}
    assert cloud.admin("POST", "clusters/demo/addons/coredns/health", degraded) == {"status": "DEGRADED"}
    addon = eks.describe_addon(clusterName="demo", addonName="coredns")["addon"]
    assert addon["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    assert cloud.admin("POST", "clusters/demo/addons/coredns/health", {}) == {"status": "ACTIVE"}


def nodes(cloud, eks, network, role):
    eks.create_nodegroup(
        clusterName="demo", nodegroupName="one", nodeRole=role("nodes", "ec2.amazonaws.com"), subnets=network.subnets
    )
    cloud.settle()
    return cloud.admin("GET", "nodes")


def test_a_cni_adds_interfaces_that_go_with_their_instance(cloud, eks, ec2, network, role):
    create(cloud, eks, network, role)
    cloud.settle()
    first, second = nodes(cloud, eks, network, role)
    assert first["role"].endswith(":role/nodes")
    assert (first["instanceType"], first["maxPods"]) == ("t3.medium", 17)
    asked = {"instance": first["id"], "cni": "cilium", "clusterName": "short"}
    for _ in range(2):
        cloud.admin("POST", "clusters/demo/interfaces", asked)
    cloud.admin("POST", "clusters/demo/interfaces", {"instance": second["id"], "cni": "vpc-cni"})
    by_tag = [{"Name": "tag:io.cilium/cilium-managed", "Values": ["true"]}]
    (eni,) = ec2.describe_network_interfaces(Filters=by_tag)["NetworkInterfaces"]
    assert (eni["Description"], eni["Attachment"]["InstanceId"]) == (f"Cilium-CNI ({first['id']})", first["id"])
    assert {"Key": "io.cilium/cluster-name", "Value": "short"} in eni["TagSet"]
    shown = {node["id"]: node["interfaces"] for node in cloud.admin("GET", "nodes")}
    assert f"Cilium-CNI ({first['id']})" in shown[first["id"]]
    assert f"aws-K8S-{second['id']}" in shown[second["id"]]
    eks.delete_nodegroup(clusterName="demo", nodegroupName="one")
    cloud.settle(2)
    of_nodes = [{"Name": "description", "Values": ["Cilium-CNI*", "aws-K8S-*"]}]
    assert ec2.describe_network_interfaces(Filters=of_nodes)["NetworkInterfaces"] == []


def test_interfaces_of_cilium_outlive_their_instance(cloud, eks, ec2, network, role):
    cloud.admin("POST", "hazards", {"name": "orphan-enis"})
    create(cloud, eks, network, role)
    cloud.settle()
    for node in nodes(cloud, eks, network, role):
        cloud.admin("POST", "clusters/demo/interfaces", {"instance": node["id"], "cni": "cilium"})
    eks.delete_nodegroup(clusterName="demo", nodegroupName="one")
    cloud.settle(2)
    by_tag = [{"Name": "tag:io.cilium/cluster-name", "Values": ["demo"]}]
    left = ec2.describe_network_interfaces(Filters=by_tag)["NetworkInterfaces"]
    assert [eni["Status"] for eni in left] == ["available", "available"]
    for eni in left:
        ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])


def test_a_service_has_a_balancer_for_as_long_as_it_lives(cloud, eks, ec2, network, role):
    create(cloud, eks, network, role)
    cloud.settle()
    elb = cloud.client("elb")
    path = "clusters/demo/balancers/kube-system/cilium-ingress"
    name = cloud.admin("POST", path)["hostname"]
    assert cloud.admin("POST", path)["hostname"] == name
    (balancer,) = elb.describe_load_balancers()["LoadBalancerDescriptions"]
    assert balancer["DNSName"] == name
    cloud.admin("DELETE", path)
    assert elb.describe_load_balancers()["LoadBalancerDescriptions"] == []
    by_name = [{"Name": "group-name", "Values": ["k8s-elb-*"]}]
    assert ec2.describe_security_groups(Filters=by_name)["SecurityGroups"] == []

    cloud.admin("POST", path)
    cloud.admin("POST", "hazards", {"name": "elb"})
    cloud.admin("DELETE", path)
    assert len(elb.describe_load_balancers()["LoadBalancerDescriptions"]) == 1


def test_what_is_told_of_a_part_is_heard_once_it_has_settled(cloud, eks, network, role):
    cloud.admin("POST", "settings", {"external_control_plane": True})
    create(cloud, eks, network, role)
    told = {"endpoint": "https://127.0.0.1:6443", "certificateAuthority": "Q0E=", "oidcIssuer": "https://issuer/id/A"}
    cloud.admin("POST", "clusters/demo/endpoint", told)
    cloud.settle()
    eks.create_addon(clusterName="demo", addonName="kube-proxy")
    assert cloud.admin("POST", "clusters/demo/addons/kube-proxy/health", {}) == {"status": "CREATING"}
    cloud.settle()
    assert _settled(cloud)["demo"]
    assert _settled(cloud)["demo/kube-proxy"] is None
    assert cloud.admin("POST", "clusters/demo/addons/kube-proxy/health", {}) == {"status": "ACTIVE"}
    assert _settled(cloud)["demo/kube-proxy"]


def _settled(cloud):
    return {entry["subject"]: entry["settled"] for entry in cloud.admin("GET", "journal")}


def test_a_fargate_node_has_an_interface_of_its_own(cloud, eks, ec2, network, role):
    create(cloud, eks, network, role)
    cloud.settle()
    private = ec2.create_subnet(VpcId=network.vpc, CidrBlock="10.0.96.0/20")["Subnet"]["SubnetId"]
    eks.create_fargate_profile(
        clusterName="demo",
        fargateProfileName="one",
        podExecutionRoleArn=role("fargate", "eks-fargate-pods.amazonaws.com"),
        subnets=[private],
        selectors=[{"namespace": "kube-system"}],
    )
    cloud.settle()
    place = cloud.admin("POST", "clusters/demo/fargate/one")
    assert place["privateDnsName"].startswith("fargate-ip-10-0-")
    by_subnet = [{"Name": "subnet-id", "Values": [private]}]
    (eni,) = ec2.describe_network_interfaces(Filters=by_subnet)["NetworkInterfaces"]
    assert (eni["NetworkInterfaceId"], eni["RequesterManaged"], eni["Status"]) == (place["id"], True, "in-use")
    cloud.admin("DELETE", f"clusters/demo/fargate/{place['id']}")
    cloud.settle()
    assert ec2.describe_network_interfaces(Filters=by_subnet)["NetworkInterfaces"] == []
