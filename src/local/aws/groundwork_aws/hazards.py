"""Hazards: what AWS and its controllers leave behind in real life, each switched on by name.

`log-group-reborn`: the log group of a deleted cluster comes back. `orphan-enis`: interfaces of a CNI outlive their instance.
`guardduty`: an endpoint and a group that nobody asked for appear in the VPC. `elb`: a load balancer of a Service and its group
appear, and what a deleted Service had stays. `pdb`: the nodes of a node group that is deleted cannot be drained, as long as
they run. `flux-bootstrap` belongs to the Kubernetes side, which reads it here: the Job of Flux's bootstrap fails.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.eks.models import eks_backends
from moto.elb.models import elb_backends
from moto.logs.models import logs_backends

from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2 import backend as ec2_backend
from groundwork_aws.ec2 import endpoint_services
from groundwork_aws.ec2.interfaces import discard, managed
from groundwork_aws.ec2.security_groups import GROUP
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.ec2.vpc_endpoints import VpcEndpoint

if TYPE_CHECKING:
    from groundwork_aws.eks.parts import Cluster
    from groundwork_aws.journal import Call
    from groundwork_aws.wire import Answer

NAMES = ("log-group-reborn", "orphan-enis", "guardduty", "elb", "pdb", "flux-bootstrap")
CNI = ("Cilium-CNI", "aws-K8S-")

_on: dict[str, dict[str, Any]] = {}
_to_be_reborn: dict[tuple[str, str, str], bool] = {}  # account, region, log group


def switch_on(name: str, options: dict[str, Any]) -> None:
    """Switch a hazard on."""
    if name not in NAMES:
        raise ValueError(f"{name!r} is no hazard; there are {', '.join(NAMES)}")
    if unknown := set(options) - {"seconds"}:
        raise ValueError(f"unknown members {sorted(unknown)}")
    _on[name] = options
    if name == "orphan-enis" and _orphan not in ec2_backend.ORPHANS:
        ec2_backend.ORPHANS.append(_orphan)


def switch_off(name: str | None = None) -> None:
    """Switch a hazard off, or all of them."""
    for each in [name] if name else list(_on):
        _on.pop(each, None)
    if "orphan-enis" not in _on:
        ec2_backend.ORPHANS.clear()


def reset() -> None:
    """Switch all off, and forget what was to come."""
    switch_off()
    _to_be_reborn.clear()


def show() -> dict[str, bool]:
    """Every hazard, and whether it is on."""
    return {name: name in _on for name in NAMES}


def _later(name: str, kind: str, happens: Any) -> None:
    seconds = _on[name].get("seconds")
    CLOCK.after(kind if seconds is None else float(seconds), happens)


def after(call: Call, answer: Answer) -> None:
    """Look at what a call has done."""
    if not _on or answer.status >= 300:
        return
    match call.service, call.operation:
        case "eks", "CreateCluster":
            cluster = eks_backends[call.account][call.region].clusters[call.params["name"]]
            if "guardduty" in _on:
                _later("guardduty", "hazard", partial(_guard, cluster))
            if "elb" in _on:
                _later("elb", "hazard", partial(_balance, cluster))
        case "eks", "DeleteCluster" if "log-group-reborn" in _on:
            group = f"/aws/eks/{call.params['name']}/cluster"
            _to_be_reborn[call.account, call.region, group] = True
            _later("log-group-reborn", "log-group-reborn", partial(_reborn, call.account, call.region, group))
        case "logs", "DeleteLogGroup":
            group = call.params.get("logGroupName", "")
            if _to_be_reborn.get((call.account, call.region, group)) and "log-group-reborn" in _on:
                _later("log-group-reborn", "log-group-reborn", partial(_reborn, call.account, call.region, group))
        case "elasticloadbalancing", "DeleteLoadBalancer":
            ec2 = ec2_backends[call.account][call.region]
            name = call.params.get("LoadBalancerName")
            for eni in [one.id for one in ec2.enis.values() if one.description == f"ELB {name}"]:
                discard(ec2, eni)


def _reborn(account: str, region: str, group: str) -> None:
    """EKS flushes its audit log once more, and makes the group for it, with no retention (H8); once."""
    logs = logs_backends[account][region]
    if group not in logs.groups and _to_be_reborn.pop((account, region, group), False):
        logs.create_log_group(group, {})


def _orphan(ec2: Any, instance: Any) -> set[str]:
    """The interfaces that outlive an instance (H6): those of its CNI, or one such if it has none."""
    tags = dict(ec2.tags.get(instance.id, {}))
    prefix = "kubernetes.io/cluster/"
    cluster = next((key[len(prefix) :] for key, value in tags.items() if key.startswith(prefix) and value == "owned"), None)
    left = {nic.id for nic in instance.nics.values() if nic.description.startswith(CNI)}
    if cluster and not left:
        first = instance.nics[0]
        eni = ec2.create_network_interface(
            first.subnet,
            None,
            group_ids=[group.id for group in first._group_set],
            description=f"aws-K8S-{instance.id}",
            tags={"cluster.k8s.amazonaws.com/name": cluster, "node.k8s.amazonaws.com/instance_id": instance.id},
        )
        left.add(eni.id)
    return left


def _guard(cluster: Cluster) -> None:
    """GuardDuty's runtime monitoring puts an endpoint and a group into the VPC (H9)."""
    ec2 = ec2_backends[cluster.account][cluster.region]
    config = cluster.shape["resourcesVpcConfig"]
    vpc_id = config["vpcId"]
    service_name = f"com.amazonaws.{cluster.region}.guardduty-data"
    if vpc_id not in ec2.vpcs or any(
        one.vpc_id == vpc_id and one.service_name == service_name for one in ec2.vpc_end_points.values()
    ):
        return
    tags = {"GuardDutyManaged": "true"}
    group = ec2.create_security_group(
        f"GuardDutyManagedSecurityGroup-{vpc_id}",
        f"Associated with VPC-{vpc_id} and tagged as GuardDutyManaged",
        vpc_id=vpc_id,
        tags=tags,
        force=True,
    )
    suffix = endpoint_services.dns_suffix(ec2.partition)
    service = endpoint_services.find(cluster.region, suffix, service_name, "Interface")
    endpoint = VpcEndpoint(ec2, vpc_id, service, "Interface", None)
    endpoint.security_group_ids = [group.id]
    endpoint.add_tags(tags)
    ec2.vpc_end_points[endpoint.id] = endpoint
    zones: set[str] = set()
    for ident in config["subnetIds"]:
        subnet = SUBNET.find(ec2, ident)
        if subnet.availability_zone not in zones:
            zones.add(subnet.availability_zone)
            endpoint.join(subnet)
    CLOCK.after("vpc-endpoint", endpoint.become_available)


def _balance(cluster: Cluster) -> None:
    """A Service of type LoadBalancer brings a load balancer, a group, and a rule that names the group (H5, H7)."""
    if cluster.status == "CREATING":
        _later("elb", "hazard", partial(_balance, cluster))
    elif cluster.status != "DELETING":
        balance(cluster, "kube-system/cilium-ingress")


def _owned_by(cluster: Cluster, service: str) -> dict[str, str]:
    return {f"kubernetes.io/cluster/{cluster.name}": "owned", "kubernetes.io/service-name": service}


def _balancers(cluster: Cluster, service: str) -> list[Any]:
    wanted = _owned_by(cluster, service)
    every = elb_backends[cluster.account][cluster.region].load_balancers.values()
    return [one for one in every if wanted.items() <= dict(one.tags).items()]


def balance(cluster: Cluster, service: str) -> str:
    """The load balancer of a Service, `<namespace>/<name>`, made if need be: its DNS name."""
    ec2 = ec2_backends[cluster.account][cluster.region]
    config = cluster.shape["resourcesVpcConfig"]
    if config["vpcId"] not in ec2.vpcs:
        return ""
    if held := _balancers(cluster, service):
        return str(held[0].dns_name)
    name = f"a{secrets.token_hex(16)}"[:32]
    tags = _owned_by(cluster, service)
    description = f"Security group for Kubernetes ELB ({service})"
    group = ec2.create_security_group(f"k8s-elb-{name}", description, vpc_id=config["vpcId"], tags=tags, force=True)
    balancer = elb_backends[cluster.account][cluster.region].create_load_balancer(
        name=name,
        zones=[],
        ports=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstanceProtocol": "TCP", "InstancePort": 30080}],
        scheme="internet-facing",
        subnets=list(config["subnetIds"]),
        security_groups=[group.id],
    )
    for key, value in tags.items():
        balancer.add_tag(key, value)
    for ident in config["subnetIds"]:
        subnet = SUBNET.find(ec2, ident)
        managed(ec2, subnet, kind="interface", description=f"ELB {name}", requester="amazon-elb", group_ids=[group.id])
    cluster_group = GROUP.find(ec2, config["clusterSecurityGroupId"])
    source = {"GroupId": group.id, "UserId": cluster.account}
    cluster_group.ingress_rules.append(SecurityGroupRule(ec2, "-1", cluster_group.id, None, None, None, source, is_egress=False))
    return str(balancer.dns_name)


def unbalance(cluster: Cluster, service: str) -> None:
    """What a Service had goes with it: load balancer, interfaces, rule and group; unless the hazard keeps it (H5)."""
    if "elb" in _on:
        return
    ec2 = ec2_backends[cluster.account][cluster.region]
    for balancer in _balancers(cluster, service):
        elb_backends[cluster.account][cluster.region].delete_load_balancer(balancer.name)
        for eni in [one.id for one in ec2.enis.values() if one.description == f"ELB {balancer.name}"]:
            discard(ec2, eni)
        for ident in balancer.security_groups:
            cluster_group = GROUP.find(ec2, cluster.shape["resourcesVpcConfig"]["clusterSecurityGroupId"])
            cluster_group.ingress_rules = [
                rule for rule in cluster_group.ingress_rules if (rule.source_group or {}).get("GroupId") != ident
            ]
            for groups in ec2.groups.values():
                groups.pop(ident, None)
