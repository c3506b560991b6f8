"""Elastic IP addresses."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from groundwork_aws.ec2.nouns import Noun, Operations, View, define, refuse, tags_of


def view(address: Any) -> View:
    """An address as DescribeAddresses shows it."""
    eni = address.eni
    return {
        "AllocationId": address.allocation_id,
        "AssociationId": address.association_id,
        "Domain": "vpc",
        "InstanceId": address.instance.id if address.instance else None,
        "NetworkInterfaceId": eni.id if eni else None,
        "NetworkInterfaceOwnerId": eni.owner_id if eni else None,
        "PrivateIpAddress": eni.private_ip_address if eni else None,
        "PublicIp": address.public_ip,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": address.ec2_backend.region_name,
        "ServiceManaged": getattr(address, "service_managed", None),
        "Tags": tags_of(address),
    }


ADDRESS = define(
    Noun(
        type="elastic-ip",
        prefix="eipalloc",
        id="AllocationId",
        not_found="InvalidAllocationID.NotFound",
        malformed="InvalidAllocationID.Malformed",
        says="The allocation ID '{}' does not exist",
        all=lambda backend: list(backend.addresses),
        view=view,
        filters={
            "allocation-id": "AllocationId",
            "association-id": "AssociationId",
            "domain": "Domain",
            "instance-id": "InstanceId",
            "network-border-group": "NetworkBorderGroup",
            "network-interface-id": "NetworkInterfaceId",
            "network-interface-owner-id": "NetworkInterfaceOwnerId",
            "private-ip-address": "PrivateIpAddress",
            "public-ip": "PublicIp",
        },
    )
)


class Addresses(Operations):
    """Operations on Elastic IP addresses."""

    def allocate_address(self) -> ActionResult:
        address = self.ec2_backend.allocate_address("vpc", tags=self.tags_for("elastic-ip"))
        shown = view(address)
        members = ("AllocationId", "Domain", "NetworkBorderGroup", "PublicIp", "PublicIpv4Pool")
        return ActionResult({member: shown[member] for member in members})

    def describe_addresses(self) -> ActionResult:
        views = ADDRESS.select(self.ec2_backend, self.params.get("AllocationIds") or [], self.params.get("Filters") or [])
        if ips := self.params.get("PublicIps"):
            known = {one["PublicIp"] for one in views}
            for ip in ips:
                refuse(ip not in known, "InvalidAddress.NotFound", f"Address '{ip}' not found.")
            views = [one for one in views if one["PublicIp"] in ips]
        return ActionResult({"Addresses": views})

    def release_address(self) -> ActionResult:
        backend = self.ec2_backend
        if ip := self.params.get("PublicIp"):
            address = next((one for one in backend.addresses if one.public_ip == ip), None)
            refuse(address is None, "InvalidAddress.NotFound", f"Address '{ip}' not found.")
        else:
            address = ADDRESS.find(backend, self.need("AllocationId")[0])
        assert address is not None  # noqa: S101 - refused above
        refuse(
            getattr(address, "service_managed", None),
            "AuthFailure",
            "You do not have permission to access the specified resource.",
        )
        refuse(
            address.association_id or address.eni,
            "InvalidIPAddress.InUse",
            f"Address {address.public_ip} is in use.",
        )
        backend.addresses.remove(address)
        return EmptyResult()

    def disassociate_address(self) -> ActionResult:
        backend = self.ec2_backend
        ident, ip = self.params.get("AssociationId"), self.params.get("PublicIp")
        for address in backend.addresses:
            if (ident and address.association_id == ident) or (ip and address.public_ip == ip):
                refuse(
                    address.eni and address.eni.requester_managed,
                    "AuthFailure",
                    "You do not have permission to access the specified resource.",
                )
                if address.eni:
                    backend.disassociate_address(address=address.public_ip)
                return EmptyResult()
        refuse(True, "InvalidAssociationID.NotFound", f"The association ID '{ident}' does not exist")
        raise AssertionError
