"""The nouns that moto describes well enough by itself; tags, errors and the dump must know them all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundwork_aws.ec2.nouns import Noun, View, define, tags_of
from groundwork_aws.shape import attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _plain(member: str) -> Callable[[Any], View]:
    def view(one: Any) -> View:
        return {member: one.id, **attributes(one), "Tags": tags_of(one)}

    return view


def _define(resource_type: str, prefix: str, member: str, codes: tuple[str, str], where: Callable[[Any], Iterable[Any]]) -> Noun:
    return define(
        Noun(
            type=resource_type,
            prefix=prefix,
            id=member,
            not_found=codes[0],
            malformed=codes[1],
            says="The ID '{}' does not exist",
            all=where,
            view=_plain(member),
        )
    )


_define(
    "volume",
    "vol",
    "VolumeId",
    ("InvalidVolume.NotFound", "InvalidVolumeID.Malformed"),
    lambda backend: list(backend.volumes.values()),
)
_define(
    "snapshot",
    "snap",
    "SnapshotId",
    ("InvalidSnapshot.NotFound", "InvalidSnapshotID.Malformed"),
    lambda backend: list(backend.snapshots.values()),
)
_define(
    "image",
    "ami",
    "ImageId",
    ("InvalidAMIID.NotFound", "InvalidAMIID.Malformed"),
    lambda backend: list(backend.amis.values()),
)
_define(
    "network-acl",
    "acl",
    "NetworkAclId",
    ("InvalidNetworkAclID.NotFound", "InvalidNetworkAclId.Malformed"),
    lambda backend: list(backend.network_acls.values()),
)
_define(
    "dhcp-options",
    "dopt",
    "DhcpOptionsId",
    ("InvalidDhcpOptionsID.NotFound", "InvalidDhcpOptionsId.Malformed"),
    lambda backend: list(backend.dhcp_options_sets.values()),
)
_define(
    "key-pair",
    "key",
    "KeyPairId",
    ("InvalidKeyPair.NotFound", "InvalidKeyPair.Malformed"),
    lambda backend: list(backend.key_pairs.values()),
)
_define(
    "spot-instances-request",
    "sir",
    "SpotInstanceRequestId",
    ("InvalidSpotInstanceRequestID.NotFound", "InvalidSpotInstanceRequestID.Malformed"),
    lambda backend: list(backend.spot_instance_requests.values()),
)
_define(
    "vpc-peering-connection",
    "pcx",
    "VpcPeeringConnectionId",
    ("InvalidVpcPeeringConnectionID.NotFound", "InvalidVpcPeeringConnectionId.Malformed"),
    lambda backend: list(backend.vpc_pcxs.values()),
)
_define(
    "transit-gateway",
    "tgw",
    "TransitGatewayId",
    ("InvalidTransitGatewayID.NotFound", "InvalidTransitGatewayID.Malformed"),
    lambda backend: list(backend.transit_gateways.values()),
)
_define(
    "vpn-gateway",
    "vgw",
    "VpnGatewayId",
    ("InvalidVpnGatewayID.NotFound", "InvalidVpnGatewayID.Malformed"),
    lambda backend: list(backend.vpn_gateways.values()),
)
