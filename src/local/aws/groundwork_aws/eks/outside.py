"""What the rest of the local cloud must know of EKS and EC2, and what it tells them.

The Kubernetes side runs outside: it starts a control plane for each cluster that is wanted, makes a node of each running
instance, and reports when an API answers, nodes are Ready and an addon's pods are well.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from groundwork_aws import hazards
from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2.interfaces import discard, free_address, groups, managed, private_dns_name
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.eks import addons, clusters, nodegroups
from groundwork_aws.shape import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundwork_aws.eks.parts import Cluster, Nodegroup, Shape


def _all() -> Iterator[Cluster]:
    for _, _, backend in list(eks_backends.iter_backends()):
        yield from list(backend.clusters.values())


def find(name: str, account: str | None = None, region: str | None = None) -> Cluster:
    """A cluster by name, and by account and region where several have the name; raises LookupError."""
    found = [
        cluster
        for cluster in _all()
        if cluster.name == name and account in (None, cluster.account) and region in (None, cluster.region)
    ]
    if not found:
        raise LookupError(f"no cluster {name}")
    if len(found) > 1:
        raise ValueError(f"several clusters have the name {name}: say ?account= and ?region=")
    return found[0]


def show_clusters() -> list[Shape]:
    """Every cluster, with all that its control plane has to know."""
    return [
        {
            "account": cluster.account,
            "region": cluster.region,
            "wanted": cluster.status not in ("DELETING", "FAILED"),
            "birth": cluster.shape["createdAt"].isoformat(),
            "creator": cluster.creator,
            "bootstrapSelfManagedAddons": cluster.bootstrap_addons,
            "cluster": plain(cluster.shape),
            "accessEntries": [
                {**plain(entry.shape), "policies": plain(list(cluster.policies.get(name, {}).values()))}
                for name, entry in cluster.entries.items()
            ],
            "nodegroups": [plain(part.shape) for part in cluster.nodegroups.values()],
            "fargateProfiles": [plain(part.shape) for part in cluster.profiles.values()],
            "addons": [{**plain(part.shape), "settled": part.settled} for part in cluster.addons.values()],
            "podIdentityAssociations": [plain(part.shape) for part in cluster.identities.values()],
        }
        for cluster in _all()
    ]


def show_nodes() -> list[Shape]:
    """Every running instance, as a node controller needs it."""
    by_name = {
        (cluster.account, cluster.region, cluster.name, name): group
        for cluster in _all()
        for name, group in cluster.nodegroups.items()
    }
    nodes = []
    for account, region, ec2 in list(ec2_backends.iter_backends()):
        for reservation in list(ec2.reservations.values()):
            for instance in reservation.instances:
                if instance.state == "running":
                    tags = dict(ec2.tags.get(instance.id, {}))
                    names = (tags.get("eks:cluster-name", ""), tags.get("eks:nodegroup-name", ""))
                    nodes.append(_node(account, region, instance, tags, by_name.get((account, region, *names))))
    return nodes


def _role(account: str, region: str, instance: Any, tags: dict[str, str], group: Nodegroup | None) -> str | None:
    """The ARN of the role that an instance has: its node group's, or that of its instance profile or its template's."""
    if group:
        return str(group.shape["nodeRole"])
    asked = instance.iam_instance_profile
    if not asked:
        template = instance.ec2_backend.launch_templates.get(tags.get("aws:ec2launchtemplate:id", ""))
        asked = template.default_version().data.get("IamInstanceProfile") if template else None
    if isinstance(asked, dict):
        asked = asked.get("Name") or asked.get("Arn")
    profiles = iam_backends[account][get_partition(region)].instance_profiles.values()
    profile = next((one for one in profiles if asked in (one.name, one.arn, one.id)), None)
    return str(profile.roles[0].arn) if profile and profile.roles else None


def _user_data(instance: Any) -> str | None:
    """User data as it was written; what is no text is kept back."""
    given = instance.user_data
    if not given:
        return None
    try:
        return base64.b64decode(str(given), validate=True).decode()
    except ValueError:
        return None


def _max_pods(network: Shape) -> int | None:
    """How many pods have an address without prefix delegation ("Choose an optimal Amazon EC2 node instance type")."""
    interfaces, addresses = network.get("MaximumNetworkInterfaces"), network.get("Ipv4AddressesPerInterface")
    return interfaces * (addresses - 1) + 2 if interfaces and addresses else None


def _node(account: str, region: str, instance: Any, tags: dict[str, str], group: Nodegroup | None) -> Shape:
    prefix = "kubernetes.io/cluster/"
    owners = [key[len(prefix) :] for key, value in tags.items() if key.startswith(prefix) and value == "owned"]
    owners += [tags["eks:cluster-name"]] if tags.get("eks:cluster-name") else []
    kind = INSTANCE_TYPES.get(instance.instance_type, {})
    shape = group.shape if group else {}
    return {
        "id": instance.id,
        "providerId": f"aws:///{instance.availability_zone}/{instance.id}",
        "account": account,
        "region": region,
        "cluster": owners[0] if owners else None,
        "zone": instance.availability_zone,
        "instanceType": instance.instance_type,
        "architecture": instance.architecture,
        "vcpus": kind.get("VCpuInfo", {}).get("DefaultVCpus"),
        "maxPods": _max_pods(kind.get("NetworkInfo", {})),
        "memoryMiB": kind.get("MemoryInfo", {}).get("SizeInMiB"),
        "capacityType": "spot" if instance.lifecycle == "spot" else "on-demand",
        "imageId": instance.image_id,
        "privateDnsName": instance.private_dns_name,
        "privateIpAddress": instance.private_ip_address,
        "subnetId": instance.subnet_id,
        "vpcId": instance.vpc_id,
        "userData": _user_data(instance),
        "role": _role(account, region, instance, tags, group),
        "interfaces": [nic.description or "" for nic in instance.nics.values()],
        "tags": tags,
        "nodegroup": {
            "name": shape["nodegroupName"],
            "labels": shape.get("labels") or {},
            "taints": shape.get("taints") or [],
            "amiType": shape["amiType"],
            "capacityType": shape["capacityType"],
            "imageId": group.instance_data["ImageId"],
        }
        if group
        else None,
    }


def endpoint(cluster: Cluster, document: Shape) -> None:
    """A cluster's API answers: its CREATING ends."""
    missing = {"endpoint", "certificateAuthority", "oidcIssuer"} - set(document)
    if missing:
        raise ValueError(f"missing {sorted(missing)}")
    clusters.give_endpoint(cluster, document["endpoint"], document["certificateAuthority"], document["oidcIssuer"])
    clusters.finish(cluster)


def nodegroup_ready(cluster: Cluster, name: str, document: Shape) -> None:
    """A node group's nodes are Ready, or `issues` say why they never will be."""
    if name not in cluster.nodegroups:
        raise LookupError(f"no node group {name}")
    if cluster.nodegroups[name].settled:
        nodegroups.ready(cluster.nodegroups[name], document.get("issues"))


def addon_health(cluster: Cluster, name: str, document: Shape) -> None:
    """An addon's pods are well (`ACTIVE`), or not (`DEGRADED`, `CREATE_FAILED`), and why."""
    if name not in cluster.addons:
        raise LookupError(f"no addon {name}")
    status = document.get("status", "ACTIVE")
    if status not in ("ACTIVE", "DEGRADED", "CREATE_FAILED"):
        raise ValueError("status must be ACTIVE, DEGRADED or CREATE_FAILED")
    addon = cluster.addons[name]
    if addon.settled and addon.status != "CREATE_FAILED":
        addons.well(addon, status, document.get("issues"))


def interface(cluster: Cluster, document: Shape) -> None:
    """A CNI adds an interface to an instance, in its subnet and with its groups: `cilium` or `vpc-cni`.

    It is deleted with the instance, unless the hazard `orphan-enis` is on.
    """
    ec2 = ec2_backends[cluster.account][cluster.region]
    ident, cni = document.get("instance", ""), document.get("cni")
    instance = ec2.get_instance_by_id(ident)
    if instance is None or instance.state != "running":
        raise LookupError(f"no running instance {ident}")
    if cni == "cilium":
        description = f"Cilium-CNI ({ident})"
        tags = {"io.cilium/cilium-managed": "true", "io.cilium/cluster-name": document.get("clusterName") or cluster.name}
    elif cni == "vpc-cni":
        description = f"aws-K8S-{ident}"
        tags = {"cluster.k8s.amazonaws.com/name": cluster.name, "node.k8s.amazonaws.com/instance_id": ident}
    else:
        raise ValueError("cni must be cilium or vpc-cni")
    if any(nic.description == description for nic in instance.nics.values()):
        return
    first = instance.nics[0]
    eni = ec2.create_network_interface(
        first.subnet,
        free_address(ec2, first.subnet),
        group_ids=[group.id for group in groups(first)],
        description=description,
        tags=tags,
    )
    instance.attach_eni(eni, max(instance.nics) + 1)
    eni.delete_on_termination = True


def balancer(cluster: Cluster, namespace: str, name: str) -> Shape:
    """A Service of type LoadBalancer has a load balancer: its host name."""
    return {"hostname": hazards.balance(cluster, f"{namespace}/{name}")}


def no_balancer(cluster: Cluster, namespace: str, name: str) -> None:
    """A Service of type LoadBalancer is no more."""
    hazards.unbalance(cluster, f"{namespace}/{name}")


def fargate_place(cluster: Cluster, profile: str) -> Shape:
    """An interface for a new Fargate node of a profile, in one of its subnets ("AWS Fargate considerations")."""
    if profile not in cluster.profiles:
        raise LookupError(f"no Fargate profile {profile}")
    ec2 = ec2_backends[cluster.account][cluster.region]
    subnets = cluster.profiles[profile].shape["subnets"]
    subnet = SUBNET.find(ec2, subnets[len(cluster.fargate) % len(subnets)])
    eni = managed(
        ec2,
        subnet,
        kind="interface",
        description=f"Fargate {cluster.name}/{profile}",  # AWS documents no wording
        requester="eks-fargate.amazonaws.com",
        group_ids=[cluster.shape["resourcesVpcConfig"]["clusterSecurityGroupId"]],
    )
    cluster.fargate.append(eni.id)
    return {
        "id": eni.id,
        "zone": subnet.availability_zone,
        "privateIpAddress": eni.private_ip_address,
        "privateDnsName": f"fargate-{private_dns_name(cluster.region, eni.private_ip_address)}",
    }


def fargate_gone(cluster: Cluster, eni: str) -> None:
    """A Fargate node has ended; its interface follows."""
    if eni in cluster.fargate:
        cluster.fargate.remove(eni)
        CLOCK.after("instance-terminate", partial(discard, ec2_backends[cluster.account][cluster.region], eni))
