"""VPCs: CIDR blocks, attributes, and what keeps one from being deleted."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.security_groups import SecurityGroupRule

from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, depends, refuse, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTRIBUTES = {
    "enableDnsSupport": "enable_dns_support",
    "enableDnsHostnames": "enable_dns_hostnames",
    "enableNetworkAddressUsageMetrics": "enable_network_address_usage_metrics",
}


def view(vpc: Any) -> View:
    """A VPC as DescribeVpcs shows it."""
    blocks = list(vpc._cidr_block_association_set.values())
    return {
        "VpcId": vpc.id,
        "State": vpc.state,
        "CidrBlock": vpc.cidr_block,
        "DhcpOptionsId": vpc.dhcp_options_id,
        "InstanceTenancy": vpc.instance_tenancy,
        "IsDefault": vpc.is_default,
        "OwnerId": vpc.owner_id,
        "CidrBlockAssociationSet": [
            {
                "AssociationId": block["association_id"],
                "CidrBlock": block["cidr_block"],
                "CidrBlockState": {"State": block["cidr_block_state"]["state"]},
            }
            for block in blocks
            if "ipv6_pool" not in block
        ],
        "Ipv6CidrBlockAssociationSet": [
            {
                "AssociationId": block["association_id"],
                "Ipv6CidrBlock": block["cidr_block"],
                "Ipv6CidrBlockState": {"State": block["cidr_block_state"]["state"]},
                "NetworkBorderGroup": block.get("ipv6_cidr_block_network_border_group") or vpc.region,
                "Ipv6Pool": "Amazon",
                "Ipv6AddressAttribute": "public",
                "IpSource": "amazon",
            }
            for block in blocks
            if "ipv6_pool" in block
        ],
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": tags_of(vpc),
    }


VPC = define(
    Noun(
        type="vpc",
        prefix="vpc",
        id="VpcId",
        not_found="InvalidVpcID.NotFound",
        malformed="InvalidVpcID.Malformed",
        says="The vpc ID '{}' does not exist",
        all=lambda backend: list(backend.vpcs.values()),
        view=view,
        filters={
            "cidr": "CidrBlock",
            "cidr-block": "CidrBlock",
            "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
            "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
            "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
            "dhcp-options-id": "DhcpOptionsId",
            "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
            "ipv6-cidr-block-association.ipv6-pool": "Ipv6CidrBlockAssociationSet.Ipv6Pool",
            "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
            "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
            "is-default": "IsDefault",
            "isDefault": "IsDefault",
            "owner-id": "OwnerId",
            "state": "State",
            "vpc-id": "VpcId",
        },
    )
)


def network(text: str | None) -> ipaddress.IPv4Network:
    """A CIDR block, brought to its network address as AWS does ("CreateVpc": 100.68.0.18/18 becomes 100.68.0.0/18)."""
    try:
        return ipaddress.IPv4Network(text or "", strict=False)
    except ValueError:
        refuse(
            True,
            "InvalidParameterValue",
            f"Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        )
        raise


def settle_block(block: dict[str, Any]) -> None:
    """A CIDR block is `associating` before it is `associated` ("VpcCidrBlockState")."""
    block["cidr_block_state"] = {"state": "associating"}
    CLOCK.after("cidr-block", lambda: block.update(cidr_block_state={"state": "associated"}))


def open_default_group(backend: Any, vpc: Any) -> None:
    """A VPC's default group lets its own members in ("Default security groups for your VPCs"); moto's lets nobody in."""
    group = backend.get_default_security_group(vpc.id)
    if group and not group.ingress_rules:
        source = {"GroupId": group.id, "UserId": group.owner_id}
        group.ingress_rules.append(SecurityGroupRule(backend, "-1", group.id, None, None, None, source, is_egress=False))


def let_ipv6_out(backend: Any, vpc: Any) -> None:
    """The default group of a VPC that has an IPv6 block lets its members out by it, too."""
    group = backend.get_default_security_group(vpc.id)
    if group and not any("CidrIpv6" in rule.ip_range for rule in group.egress_rules):
        group.egress_rules.append(SecurityGroupRule(backend, "-1", group.id, None, None, {"CidrIpv6": "::/0"}))


def blockers(backend: Any, vpc_id: str) -> Iterator[str]:
    """What stands in the way of deleting a VPC ("Delete your VPC")."""
    for igw in backend.internet_gateways.values():
        if igw.vpc and igw.vpc.id == vpc_id:
            yield igw.id
    for one in backend.egress_only_internet_gateways.values():
        if one.vpc_id == vpc_id:
            yield one.id
    yield from (one.id for one in backend.vpc_end_points.values() if one.vpc_id == vpc_id)
    yield from (one.id for one in backend.nat_gateways.values() if one.vpc_id == vpc_id and not one.gone)
    yield from (one.id for one in backend.describe_subnets() if one.vpc_id == vpc_id)
    yield from (one.id for one in list(backend.groups.get(vpc_id, {}).values()) if not one.is_default)
    yield from (one.id for one in backend.route_tables.values() if one.vpc_id == vpc_id and not one.main_association_id)
    yield from (one.id for one in backend.network_acls.values() if one.vpc_id == vpc_id and not one.default)


class Vpcs(Operations):
    """Operations on VPCs."""

    def create_vpc(self) -> ActionResult:
        (asked,) = self.need("CidrBlock")
        block = network(asked)
        refuse(not 16 <= block.prefixlen <= 28, "InvalidVpc.Range", f"The CIDR '{asked}' is invalid.")
        tags = self.tags_for("vpc")
        vpc = self.ec2_backend.create_vpc(
            str(block),
            self.params.get("InstanceTenancy") or "default",
            tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        if self.params.get("AmazonProvidedIpv6CidrBlock"):
            self._provide_ipv6(vpc)
        vpc.state = "pending"
        shown = {"Vpc": view(vpc)}
        CLOCK.after("cidr-block", lambda: setattr(vpc, "state", "available"), of=vpc.id)
        return ActionResult(shown)

    def _provide_ipv6(self, vpc: Any) -> dict[str, Any]:
        refuse(
            any("ipv6_pool" in block for block in vpc._cidr_block_association_set.values()),
            "CidrLimitExceeded",
            f"This network '{vpc.id}' has met its maximum number of allowed CIDRs: 1",
        )
        block: dict[str, Any] = vpc.associate_vpc_cidr_block(
            vpc.cidr_block,
            amazon_provided_ipv6_cidr_block=True,
            ipv6_cidr_block_network_border_group=self.params.get("Ipv6CidrBlockNetworkBorderGroup") or self.region,
        )
        block["cidr_block"] = str(ipaddress.IPv6Network(block["cidr_block"]))
        for table in self.ec2_backend.route_tables.values():
            if table.vpc_id == vpc.id:
                self.ec2_backend.create_route(table.id, None, destination_ipv6_cidr_block=block["cidr_block"], local=True)
        settle_block(block)
        let_ipv6_out(self.ec2_backend, vpc)
        return block

    def associate_vpc_cidr_block(self) -> ActionResult:
        vpc = VPC.find(self.ec2_backend, self.params["VpcId"])
        if self.params.get("AmazonProvidedIpv6CidrBlock"):
            block = self._provide_ipv6(vpc)
            return ActionResult({"VpcId": vpc.id, "Ipv6CidrBlockAssociation": self._shown(vpc, block, "Ipv6")})
        asked = network(self.params.get("CidrBlock"))
        refuse(not 16 <= asked.prefixlen <= 28, "InvalidVpc.Range", f"The CIDR '{asked}' is invalid.")
        for known in view(vpc)["CidrBlockAssociationSet"]:
            refuse(
                asked.overlaps(ipaddress.IPv4Network(known["CidrBlock"])),
                "InvalidVpc.Conflict",
                f"The CIDR '{asked}' conflicts with another CIDR of the VPC.",
            )
        block = self.ec2_backend.associate_vpc_cidr_block(vpc.id, str(asked), False)
        settle_block(block)
        return ActionResult({"VpcId": vpc.id, "CidrBlockAssociation": self._shown(vpc, block, "")})

    def disassociate_vpc_cidr_block(self) -> ActionResult:
        ident = self.params["AssociationId"]
        for vpc in self.ec2_backend.vpcs.values():
            block = vpc._cidr_block_association_set.get(ident)
            if not block:
                continue
            refuse(
                block["cidr_block"] == vpc.cidr_block,
                "OperationNotPermitted",
                f"The vpc CIDR block with association ID {ident} may not be disassociated. "
                "It is the primary IPv4 CIDR block of the VPC",
            )
            family = "Ipv6" if "ipv6_pool" in block else ""
            inside = ipaddress.ip_network(block["cidr_block"])
            for subnet in self.ec2_backend.describe_subnets():
                cidrs = [
                    subnet.cidr_block,
                    *(one["ipv6CidrBlock"] for one in subnet.ipv6_cidr_block_associations.values()),
                ]
                depends(
                    subnet.vpc_id == vpc.id and any(_within(cidr, inside) for cidr in cidrs if cidr),
                    f"The vpc CIDR block with association ID {ident} has dependencies and cannot be disassociated.",
                )
            block["cidr_block_state"] = {"state": "disassociating"}
            shown = self._shown(vpc, block, family)
            for table in self.ec2_backend.route_tables.values():
                table._routes.pop(f"{table.id}~{block['cidr_block']}", None)
            CLOCK.after("cidr-block", partial(vpc._cidr_block_association_set.pop, ident, None))
            return ActionResult({"VpcId": vpc.id, f"{family}CidrBlockAssociation": shown})
        refuse(
            True,
            "InvalidVpcCidrBlockAssociationID.NotFound",
            f"The vpc CIDR block association ID '{ident}' does not exist",
        )
        raise AssertionError

    @staticmethod
    def _shown(vpc: Any, block: dict[str, Any], family: str) -> View:
        blocks = view(vpc)[f"{family}CidrBlockAssociationSet"]
        return next(one for one in blocks if one["AssociationId"] == block["association_id"])

    def describe_vpcs(self) -> ActionResult:
        return self.describe(VPC, "Vpcs", "VpcIds")

    def delete_vpc(self) -> ActionResult:
        backend = self.ec2_backend
        vpc = VPC.find(backend, self.params["VpcId"])
        depends(next(blockers(backend, vpc.id), None), f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
        backend.delete_vpc(vpc.id)
        for acl in [one.id for one in backend.network_acls.values() if one.vpc_id == vpc.id]:
            del backend.network_acls[acl]
        backend.groups.pop(vpc.id, None)
        for log in backend.flow_logs.copy().values():
            if log.resource_id == vpc.id:
                del backend.flow_logs[log.id]
        return EmptyResult()

    def modify_vpc_attribute(self) -> ActionResult:
        vpc = VPC.find(self.ec2_backend, self.params["VpcId"])
        asked = {name: self.params.get(name[0].upper() + name[1:]) for name in ATTRIBUTES}
        asked = {name: value for name, value in asked.items() if value is not None}
        refuse(
            len(asked) != 1,
            "InvalidParameterCombination" if asked else "MissingParameter",
            "Fields for multiple attribute types specified" if asked else "The request must contain an attribute",
        )
        for name, value in asked.items():
            on = bool((value or {}).get("Value"))
            refuse(
                name == "enableDnsHostnames" and on and not vpc.enable_dns_support,
                "InvalidParameterCombination",
                "DNS hostnames cannot be enabled while DNS support is disabled.",
            )
            setattr(vpc, ATTRIBUTES[name], on)
        return EmptyResult()

    def describe_vpc_attribute(self) -> ActionResult:
        vpc = VPC.find(self.ec2_backend, self.params["VpcId"])
        name = self.params.get("Attribute") or ""
        refuse(name not in ATTRIBUTES, "InvalidParameterValue", f"Value ({name}) for parameter attribute is invalid.")
        member = name[0].upper() + name[1:]
        return ActionResult({"VpcId": vpc.id, member: {"Value": bool(getattr(vpc, ATTRIBUTES[name]))}})


def _within(cidr: str, block: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    inner = ipaddress.ip_network(cidr, strict=False)
    return inner.version == block.version and inner.subnet_of(block)  # type: ignore[arg-type]
