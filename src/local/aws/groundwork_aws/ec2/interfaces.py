"""Network interfaces, those of AWS's own services among them, and what keeps one from being deleted."""

from __future__ import annotations

import ipaddress
import itertools
import random
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult

from groundwork_aws.ec2.nouns import Noun, Operations, View, define, refuse, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def attachment(eni: Any) -> View | None:
    """How an interface is attached: to an instance, or to something of AWS's that only shows itself here."""
    if eni.attachment_id:
        return {
            "AttachmentId": eni.attachment_id,
            "AttachTime": eni.attach_time,
            "DeleteOnTermination": bool(eni.delete_on_termination),
            "DeviceIndex": eni.device_index,
            "NetworkCardIndex": 0,
            "InstanceId": eni.instance.id if eni.instance else None,
            "InstanceOwnerId": eni.owner_id,
            "Status": "attached",
        }
    if eni.requester_managed and eni.status == "in-use":
        return {
            "AttachmentId": f"ela-attach-{eni.id[4:]}",
            "DeleteOnTermination": False,
            "DeviceIndex": 1,
            "InstanceOwnerId": "amazon-aws",
            "Status": "attached",
        }
    return None


def view(eni: Any) -> View:
    """An interface as DescribeNetworkInterfaces shows it."""
    association = None
    if eni.public_ip:
        address = next((one for one in eni.ec2_backend.addresses if one.public_ip == eni.public_ip), None)
        association = {
            "AllocationId": address.allocation_id if address else None,
            "AssociationId": address.association_id if address else None,
            "IpOwnerId": eni.owner_id if address else "amazon",
            "PublicDnsName": "",
            "PublicIp": eni.public_ip,
        }
    dns_name = private_dns_name(eni.ec2_backend.region_name, eni.private_ip_address)
    return {
        "NetworkInterfaceId": eni.id,
        "Association": association,
        "Attachment": attachment(eni),
        "AvailabilityZone": eni.subnet.availability_zone,
        "AvailabilityZoneId": eni.subnet.availability_zone_id,
        "Description": eni.description,
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in groups(eni)],
        "InterfaceType": eni.interface_type,
        "Ipv6Addresses": [{"Ipv6Address": one, "IsPrimaryIpv6": False} for one in eni.ipv6_addresses],
        "MacAddress": eni.mac_address,
        "OwnerId": eni.owner_id,
        "PrivateDnsName": dns_name,
        "PrivateIpAddress": eni.private_ip_address,
        "PrivateIpAddresses": [
            {
                "Primary": bool(one.get("Primary")),
                "PrivateIpAddress": one["PrivateIpAddress"],
                "PrivateDnsName": private_dns_name(eni.ec2_backend.region_name, one["PrivateIpAddress"]),
                "Association": association if one["PrivateIpAddress"] == eni.private_ip_address else None,
            }
            for one in eni.private_ip_addresses
        ],
        "RequesterId": eni.requester_id if eni.requester_managed else None,
        "RequesterManaged": eni.requester_managed,
        "SourceDestCheck": eni.source_dest_check,
        "Status": eni.status,
        "SubnetId": eni.subnet.id,
        "VpcId": eni.subnet.vpc_id,
        "TagSet": tags_of(eni),
    }


def private_dns_name(region: str, ip: str) -> str:
    """The name that the VPC's resolver gives an address ("DNS attributes for your VPC")."""
    suffix = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{ip.replace('.', '-')}.{suffix}"


def groups(eni: Any) -> list[Any]:
    """An interface's security groups; moto adds those of its instance to those of a second interface."""
    return list({group.id: group for group in eni._group_set}.values())


ENI = define(
    Noun(
        type="network-interface",
        prefix="eni",
        id="NetworkInterfaceId",
        not_found="InvalidNetworkInterfaceID.NotFound",
        malformed="InvalidNetworkInterfaceId.Malformed",
        says="The networkInterface ID '{}' does not exist",
        all=lambda backend: list(backend.enis.values()),
        view=view,
        filters={
            "addresses.association.owner-id": "PrivateIpAddresses.Association.IpOwnerId",
            "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
            "addresses.primary": "PrivateIpAddresses.Primary",
            "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
            "association.allocation-id": "Association.AllocationId",
            "association.association-id": "Association.AssociationId",
            "association.ip-owner-id": "Association.IpOwnerId",
            "association.public-ip": "Association.PublicIp",
            "attachment.attach-time": "Attachment.AttachTime",
            "attachment.attachment-id": "Attachment.AttachmentId",
            "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
            "attachment.device-index": "Attachment.DeviceIndex",
            "attachment.instance-id": "Attachment.InstanceId",
            "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
            "attachment.status": "Attachment.Status",
            "availability-zone": "AvailabilityZone",
            "availability-zone-id": "AvailabilityZoneId",
            "description": "Description",
            "group-id": "Groups.GroupId",
            "group-name": "Groups.GroupName",
            "interface-type": "InterfaceType",
            "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
            "mac-address": "MacAddress",
            "network-interface-id": "NetworkInterfaceId",
            "owner-id": "OwnerId",
            "private-dns-name": "PrivateDnsName",
            "private-ip-address": "PrivateIpAddress",
            "requester-id": "RequesterId",
            "requester-managed": "RequesterManaged",
            "source-dest-check": "SourceDestCheck",
            "status": "Status",
            "subnet-id": "SubnetId",
            "vpc-id": "VpcId",
        },
    )
)


def free_address(backend: Any, subnet: Any) -> str:
    """An address of a subnet that nothing has; AWS keeps the first four and the last ("Subnet sizing")."""
    taken = {one["PrivateIpAddress"] for eni in backend.enis.values() for one in eni.private_ip_addresses}
    block = ipaddress.IPv4Network(subnet.cidr_block)
    free = block.num_addresses - 5
    start = random.randrange(free)
    for offset in itertools.chain(range(start, free), range(start)):
        ip = str(block.network_address + 4 + offset)
        if ip not in taken and ip not in subnet._subnet_ips:
            return ip
    refuse(
        True,
        "InsufficientFreeAddressesInSubnet",
        f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested number of addresses.",
    )
    raise AssertionError


def managed(
    backend: Any,
    subnet: Any,
    *,
    kind: str,
    description: str,
    requester: str,
    group_ids: Iterable[str] = (),
    tags: dict[str, str] | None = None,
) -> Any:
    """An interface that a service of AWS makes, keeps in use, and alone may delete ("Requester-managed network interfaces")."""
    eni = backend.create_network_interface(
        subnet, free_address(backend, subnet), group_ids=list(group_ids), description=description, tags=tags
    )
    if not group_ids:
        eni._group_set = []
    eni.interface_type, eni.requester_managed, eni.requester_id, eni.status = kind, True, requester, "in-use"
    return eni


def discard(backend: Any, eni_id: str) -> None:
    """Let an interface vanish, and free its public address."""
    eni = backend.enis.pop(eni_id, None)
    if eni is None:
        return
    for address in backend.addresses:
        if address.eni is eni:
            address.eni = address.instance = address.association_id = None
    for one in eni.private_ip_addresses:
        eni.subnet.del_subnet_ip(one["PrivateIpAddress"])


class Interfaces(Operations):
    """Operations on network interfaces."""

    def create_network_interface(self) -> ActionResult:
        def make() -> Any:
            backend = self.ec2_backend
            subnet = backend.subnet(self.params["SubnetId"])
            wanted = self.params.get("Groups") or []
            for group in wanted:
                backend.group(group)
            given = self.params.get("PrivateIpAddresses") or []
            primary = self.params.get("PrivateIpAddress") or next(
                (one["PrivateIpAddress"] for one in given if one.get("Primary")), None
            )
            eni = backend.create_network_interface(
                subnet,
                primary or free_address(backend, subnet),
                group_ids=wanted,
                description=self.params.get("Description") or "",
                tags=self.tags_for("network-interface"),
            )
            others = [one["PrivateIpAddress"] for one in given if one["PrivateIpAddress"] != eni.private_ip_address]
            for ip in others:
                eni.private_ip_addresses.append({"Primary": False, "PrivateIpAddress": ip})
            for _ in range(self.params.get("SecondaryPrivateIpAddressCount") or 0):
                eni.private_ip_addresses.append({"Primary": False, "PrivateIpAddress": free_address(backend, subnet)})
            return eni

        return ActionResult({"NetworkInterface": view(self.once(make)), "ClientToken": self.params.get("ClientToken")})

    def describe_network_interfaces(self) -> ActionResult:
        return self.describe(ENI, "NetworkInterfaces", "NetworkInterfaceIds")

    def delete_network_interface(self) -> ActionResult:
        eni = ENI.find(self.ec2_backend, self.params["NetworkInterfaceId"])
        refuse(
            eni.requester_managed,
            "AuthFailure" if eni.status != "in-use" else "InvalidParameterValue",
            f"Network interface '{eni.id}' is currently in use."
            if eni.status == "in-use"
            else "You do not have permission to access the specified resource.",
        )
        refuse(
            eni.attachment_id or eni.status == "in-use",
            "InvalidNetworkInterface.InUse",
            f"Interface: [{eni.id}] in use.",
        )
        discard(self.ec2_backend, eni.id)
        return EmptyResult()

    def modify_network_interface_attribute(self) -> ActionResult:
        backend = self.ec2_backend
        eni = ENI.find(backend, self.params["NetworkInterfaceId"])
        if wanted := self.params.get("Groups"):
            eni._group_set = [backend.group(group) for group in wanted]
        if check := self.params.get("SourceDestCheck"):
            eni.source_dest_check = bool(check.get("Value"))
        if text := self.params.get("Description"):
            eni.description = text.get("Value") or ""
        if bond := self.params.get("Attachment"):
            eni.delete_on_termination = bool(bond.get("DeleteOnTermination"))
        return EmptyResult()
