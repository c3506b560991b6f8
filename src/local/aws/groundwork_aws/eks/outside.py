"""What the rest of the local cloud must know of EKS and EC2, and what it tells them.

The Kubernetes side runs outside: it starts a control plane for each cluster that is wanted, makes a node of each running
instance, and reports when an API answers, nodes are Ready and an addon's pods are well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.eks.models import eks_backends

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
            "creator": cluster.creator,
            "bootstrapSelfManagedAddons": cluster.bootstrap_addons,
            "cluster": plain(cluster.shape),
            "accessEntries": [
                {**plain(entry.shape), "policies": plain(list(cluster.policies.get(name, {}).values()))}
                for name, entry in cluster.entries.items()
            ],
            "nodegroups": [plain(part.shape) for part in cluster.nodegroups.values()],
            "fargateProfiles": [plain(part.shape) for part in cluster.profiles.values()],
            "addons": [plain(part.shape) for part in cluster.addons.values()],
            "podIdentityAssociations": [plain(part.shape) for part in cluster.identities.values()],
        }
        for cluster in _all()
    ]


def show_nodes() -> list[Shape]:
    """Every running instance, as a node controller needs it."""
    groups = {
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
                    nodes.append(_node(account, region, instance, tags, groups.get((account, region, *names))))
    return nodes


def _node(account: str, region: str, instance: Any, tags: dict[str, str], group: Nodegroup | None) -> Shape:
    prefix = "kubernetes.io/cluster/"
    owners = [key[len(prefix) :] for key, value in tags.items() if key.startswith(prefix) and value == "owned"]
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
        "memoryMiB": kind.get("MemoryInfo", {}).get("SizeInMiB"),
        "capacityType": "spot" if instance.lifecycle == "spot" else "on-demand",
        "imageId": instance.image_id,
        "privateDnsName": instance.private_dns_name,
        "privateIpAddress": instance.private_ip_address,
        "subnetId": instance.subnet_id,
        "vpcId": instance.vpc_id,
        "userData": str(instance.user_data) if instance.user_data else None,
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
    nodegroups.ready(cluster.nodegroups[name], document.get("issues"))


def addon_health(cluster: Cluster, name: str, document: Shape) -> None:
    """An addon's pods are well (`ACTIVE`), or not (`DEGRADED`, `CREATE_FAILED`), and why."""
    if name not in cluster.addons:
        raise LookupError(f"no addon {name}")
    status = document.get("status", "ACTIVE")
    if status not in ("ACTIVE", "DEGRADED", "CREATE_FAILED"):
        raise ValueError("status must be ACTIVE, DEGRADED or CREATE_FAILED")
    addons.well(cluster.addons[name], status, document.get("issues"))
