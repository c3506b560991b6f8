"""NAT gateways: they take their time, keep an interface and an address, and are shown for a while once they are gone."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import random_nat_gateway_id

from groundwork_aws import journal
from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2.addresses import ADDRESS
from groundwork_aws.ec2.interfaces import discard, managed
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, refuse, tags_of
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.ec2.vpcs import VPC
from groundwork_aws.ec2.zones import zones_of

SHOWN_AT_LEAST = 60.0


class NatGateway(TaggedEC2Resource):
    """A NAT gateway in one subnet, or, when it is regional, in a VPC."""

    def __init__(self, backend: Any, vpc_id: str, subnet_id: str | None, connectivity_type: str, mode: str) -> None:
        self.ec2_backend = backend
        self.id = random_nat_gateway_id()
        self.vpc_id = vpc_id
        self.subnet_id = subnet_id
        self.connectivity_type = connectivity_type
        self.mode = mode
        self.state = "pending"
        self.created = utcnow()
        self.deleted: Any = None
        self.failure: tuple[str, str] | None = None
        self.addresses: list[View] = []
        self.route_table_id: str | None = None
        self.automatic = False

    @property
    def gone(self) -> bool:
        """Whether it is only shown any more."""
        return self.state in ("deleted", "failed")

    def become_available(self) -> None:
        """End `pending`."""
        if self.state != "pending":
            return
        if self.failure:
            self._release()
            self.state, self.deleted = "failed", utcnow()
            self._vanish()
        else:
            self.state = "available"

    def become_deleted(self) -> None:
        """End `deleting`."""
        self._release()
        self.state, self.deleted = "deleted", utcnow()
        self._vanish()

    def _release(self) -> None:
        for address in self.addresses:
            if interface := address.get("NetworkInterfaceId"):
                discard(self.ec2_backend, interface)
        for address in list(self.ec2_backend.addresses):
            if getattr(address, "regional_nat", None) == self.id:
                address.association_id = address.regional_nat = None
                if address.service_managed:
                    self.ec2_backend.addresses.remove(address)
        if self.route_table_id:
            self.ec2_backend.route_tables.pop(self.route_table_id, None)
            self.route_table_id = None

    def _vanish(self) -> None:
        shown = max(CLOCK.duration("nat-gateway-shown"), SHOWN_AT_LEAST)
        CLOCK.after(shown, lambda: self.ec2_backend.nat_gateways.pop(self.id, None))


def view(nat: NatGateway) -> View:
    """A NAT gateway as DescribeNatGateways shows it."""
    regional = nat.mode == "regional"
    return {
        "NatGatewayId": nat.id,
        "State": nat.state,
        "FailureCode": nat.failure[0] if nat.failure and nat.state == "failed" else None,
        "FailureMessage": nat.failure[1] if nat.failure and nat.state == "failed" else None,
        "CreateTime": nat.created,
        "DeleteTime": nat.deleted,
        "SubnetId": nat.subnet_id,
        "VpcId": nat.vpc_id,
        "ConnectivityType": nat.connectivity_type,
        "AvailabilityMode": nat.mode,
        "AutoScalingIps": ("enabled" if nat.automatic else "disabled") if regional else None,
        "AutoProvisionZones": ("enabled" if nat.automatic else "disabled") if regional else None,
        "RouteTableId": nat.route_table_id,
        "NatGatewayAddresses": nat.addresses,
        "Tags": tags_of(nat),
    }


NAT_GATEWAY = define(
    Noun(
        type="natgateway",
        prefix="nat",
        id="NatGatewayId",
        not_found="NatGatewayNotFound",
        malformed="NatGatewayMalformed",
        says="NatGateway {} was not found",
        all=lambda backend: list(backend.nat_gateways.values()),
        view=view,
        filters={
            "nat-gateway-id": "NatGatewayId",
            "state": "State",
            "subnet-id": "SubnetId",
            "vpc-id": "VpcId",
        },
        gone=lambda nat: nat.gone,
    )
)


class NatGateways(Operations):
    """Operations on NAT gateways."""

    def create_nat_gateway(self) -> ActionResult:
        mode = self.params.get("AvailabilityMode") or "zonal"
        tags = self.tags_for("natgateway")

        def make() -> NatGateway:
            nat = self._regional() if mode == "regional" else self._zonal()
            nat.add_tags(tags)
            if doom := journal.doom():
                nat.failure = (doom.code or "InternalError", doom.message or "Network error, please try again later")
            self.ec2_backend.nat_gateways[nat.id] = nat
            CLOCK.after("nat-gateway", nat.become_available, of=nat.id)
            return nat

        nat = self.once(make)
        return ActionResult({"NatGateway": view(nat), "ClientToken": self.params.get("ClientToken")})

    def _zonal(self) -> NatGateway:
        backend = self.ec2_backend
        refuse(self.params.get("VpcId"), "InvalidParameterCombination", "VpcId goes with AvailabilityMode regional only.")
        subnet = SUBNET.find(backend, self.need("SubnetId")[0])
        kind = self.params.get("ConnectivityType") or "public"
        allocation = self.params.get("AllocationId")
        nat = NatGateway(backend, subnet.vpc_id, subnet.id, kind, "zonal")
        address: View = {"IsPrimary": True, "Status": "succeeded"}
        if kind == "public":
            elastic = ADDRESS.find(backend, self.need("AllocationId")[0])
            address |= {"AllocationId": allocation, "PublicIp": elastic.public_ip}
            nat.failure = self._unready(nat.vpc_id, elastic)
        else:
            refuse(allocation, "InvalidParameter", "AllocationId must not be specified for a private NAT gateway.")
        eni = managed(
            backend,
            subnet,
            kind="natGateway",
            description=f"Interface for NAT Gateway {nat.id}",
            requester="natgateway.ec2.amazonaws.com",
        )
        eni.source_dest_check = False
        address |= {"NetworkInterfaceId": eni.id, "PrivateIp": eni.private_ip_address}
        if kind == "public" and not nat.failure:
            address["AssociationId"] = backend.associate_address(eni=eni, allocation_id=allocation).association_id
        nat.addresses.append(address)
        return nat

    def _unready(self, vpc_id: str, elastic: Any) -> tuple[str, str] | None:
        """What lets a NAT gateway end as failed ("Troubleshoot NAT gateways": NAT gateway creation fails)."""
        if not any(igw.vpc and igw.vpc.id == vpc_id for igw in self.ec2_backend.internet_gateways.values()):
            return "Gateway.NotAttached", f"Network {vpc_id} has no Internet gateway attached"
        if elastic.association_id:
            return (
                "Resource.AlreadyAssociated",
                f"Elastic IP address {elastic.allocation_id} is already associated",
            )
        return None

    def _regional(self) -> NatGateway:
        """A regional NAT gateway has no subnet and no interface of the VPC's ("Regional NAT gateways")."""
        backend = self.ec2_backend
        refuse(
            self.params.get("SubnetId") or self.params.get("AllocationId"),
            "InvalidParameterCombination",
            "SubnetId and AllocationId must not be specified for a regional NAT gateway.",
        )
        refuse(
            self.params.get("ConnectivityType") == "private",
            "InvalidParameterCombination",
            "A regional NAT gateway must be public.",
        )
        vpc = VPC.find(backend, self.need("VpcId")[0])
        attached = any(igw.vpc and igw.vpc.id == vpc.id for igw in backend.internet_gateways.values())
        nat = NatGateway(backend, vpc.id, None, "public", "regional")
        if not attached:
            nat.failure = ("Gateway.NotAttached", f"Network {vpc.id} has no Internet gateway attached")
        zones = {zone["ZoneName"]: zone["ZoneId"] for zone in zones_of(self.region)}
        given = self.params.get("AvailabilityZoneAddresses") or []
        nat.automatic = not given
        for one in given:
            name = one.get("AvailabilityZone") or next(
                (name for name, ident in zones.items() if ident == one.get("AvailabilityZoneId")), None
            )
            refuse(name not in zones, "InvalidParameterValue", f"Invalid availability zone: [{name}]")
            for allocation in one.get("AllocationIds") or []:
                elastic = ADDRESS.find(backend, allocation)
                refuse(elastic.association_id, "Resource.AlreadyAssociated", f"{allocation} is already associated")
                nat.addresses.append(self._bind(nat, elastic, str(name), zones[name], managed_by_aws=False))
        if nat.automatic:
            used = {subnet.availability_zone for subnet in SUBNET.all(backend) if subnet.vpc_id == vpc.id}
            for name in sorted(used):
                elastic = backend.allocate_address("vpc")
                nat.addresses.append(self._bind(nat, elastic, name, zones[name], managed_by_aws=True))
        table = backend.create_route_table(vpc.id)
        table.managed_by = nat.id
        nat.route_table_id = table.id
        return nat

    @staticmethod
    def _bind(nat: NatGateway, elastic: Any, zone: str, zone_id: str, *, managed_by_aws: bool) -> View:
        elastic.regional_nat = nat.id
        elastic.service_managed = "rnat" if managed_by_aws else None
        elastic.association_id = f"eipassoc-{elastic.allocation_id.partition('-')[2]}"
        return {
            "AllocationId": elastic.allocation_id,
            "PublicIp": elastic.public_ip,
            "AssociationId": elastic.association_id,
            "AvailabilityZone": zone,
            "AvailabilityZoneId": zone_id,
            "IsPrimary": False,
            "Status": "succeeded",
        }

    def describe_nat_gateways(self) -> ActionResult:
        return self.describe(NAT_GATEWAY, "NatGateways", "NatGatewayIds", "Filter")

    def delete_nat_gateway(self) -> ActionResult:
        nat = NAT_GATEWAY.find(self.ec2_backend, self.params["NatGatewayId"])
        if nat.state == "deleted":
            raise NAT_GATEWAY.missing(nat.id)
        if nat.state == "failed":
            nat.become_deleted()
        elif nat.state != "deleting":
            nat.state = "deleting"
            CLOCK.after("nat-gateway-delete", nat.become_deleted)
        return ActionResult({"NatGatewayId": nat.id})
