"""Subnets: their place in the VPC, their attributes, and what keeps one from being deleted."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.utils import random_subnet_ipv6_cidr_block_association_id

from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, depends, refuse, tags_of
from groundwork_aws.ec2.vpcs import VPC, network
from groundwork_aws.ec2.zones import zones_of

SWITCHES = {
    "MapPublicIpOnLaunch": "map_public_ip_on_launch",
    "AssignIpv6AddressOnCreation": "assign_ipv6_address_on_creation",
    "MapCustomerOwnedIpOnLaunch": "map_customer_owned_ip_on_launch",
    "EnableDns64": "enable_dns64",
}
NAME_OPTIONS = {
    "EnableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecord",
    "EnableResourceNameDnsAAAARecordOnLaunch": "EnableResourceNameDnsAAAARecord",
}


def view(subnet: Any) -> View:
    """A subnet as DescribeSubnets shows it."""
    taken = sum(len(eni.private_ip_addresses) for eni in list(subnet.ec2_backend.enis.values()) if eni.subnet.id == subnet.id)
    return {
        "SubnetId": subnet.id,
        "SubnetArn": subnet.arn,
        "State": subnet.state,
        "VpcId": subnet.vpc_id,
        "OwnerId": subnet.owner_id,
        "CidrBlock": subnet.cidr_block,
        "AvailableIpAddressCount": subnet._available_ip_addresses - taken,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": subnet.availability_zone_id,
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "MapCustomerOwnedIpOnLaunch": getattr(subnet, "map_customer_owned_ip_on_launch", False),
        "AssignIpv6AddressOnCreation": subnet.assign_ipv6_address_on_creation,
        "EnableDns64": getattr(subnet, "enable_dns64", False),
        "Ipv6Native": bool(subnet.ipv6_native),
        "PrivateDnsNameOptionsOnLaunch": subnet.private_dns_name_options_on_launch,
        "Ipv6CidrBlockAssociationSet": [
            {
                "AssociationId": one["associationId"],
                "Ipv6CidrBlock": one["ipv6CidrBlock"],
                "Ipv6CidrBlockState": one["ipv6CidrBlockState"],
                "Ipv6AddressAttribute": "public",
                "IpSource": "amazon",
            }
            for one in subnet.ipv6_cidr_block_associations.values()
        ],
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": tags_of(subnet),
    }


SUBNET = define(
    Noun(
        type="subnet",
        prefix="subnet",
        id="SubnetId",
        not_found="InvalidSubnetID.NotFound",
        malformed="InvalidSubnetID.Malformed",
        says="The subnet ID '{}' does not exist",
        all=lambda backend: [one for zone in list(backend.subnets.values()) for one in list(zone.values())],
        view=view,
        filters={
            "availability-zone": "AvailabilityZone",
            "availabilityZone": "AvailabilityZone",
            "availability-zone-id": "AvailabilityZoneId",
            "availabilityZoneId": "AvailabilityZoneId",
            "available-ip-address-count": "AvailableIpAddressCount",
            "cidr": "CidrBlock",
            "cidrBlock": "CidrBlock",
            "cidr-block": "CidrBlock",
            "default-for-az": "DefaultForAz",
            "defaultForAz": "DefaultForAz",
            "enable-dns64": "EnableDns64",
            "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
            "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
            "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
            "ipv6-native": "Ipv6Native",
            "map-public-ip-on-launch": "MapPublicIpOnLaunch",
            "owner-id": "OwnerId",
            "private-dns-name-options-on-launch.hostname-type": "PrivateDnsNameOptionsOnLaunch.HostnameType",
            "state": "State",
            "subnet-arn": "SubnetArn",
            "subnet-id": "SubnetId",
            "vpc-id": "VpcId",
        },
    )
)


class Subnets(Operations):
    """Operations on subnets."""

    def create_subnet(self) -> ActionResult:
        backend = self.ec2_backend
        vpc = VPC.find(backend, self.need("VpcId")[0])
        zone = self._zone()
        ipv6 = self._ipv6_block(vpc, self.params.get("Ipv6CidrBlock"))
        native = bool(self.params.get("Ipv6Native"))
        cidr = None
        if not native:
            (asked,) = self.need("CidrBlock")
            block = network(asked)
            refuse(not 16 <= block.prefixlen <= 28, "InvalidSubnet.Range", f"The CIDR '{asked}' is invalid.")
            cidr = str(block)
        tags = self.tags_for("subnet")
        subnet = backend.create_subnet(vpc.id, cidr, None, zone["ZoneName"], None, native, {"subnet": tags})
        # Only subnets of a default VPC are a zone's default and give public addresses ("Default VPCs"); moto makes the
        # first one that it sees in a zone so.
        subnet.default_for_az = subnet.map_public_ip_on_launch = False
        if ipv6:
            self._attach_ipv6(subnet, ipv6)
        subnet.state = "pending"
        shown = view(subnet)
        CLOCK.after("cidr-block", lambda: setattr(subnet, "state", "available"), of=subnet.id)
        return ActionResult({"Subnet": shown})

    def _zone(self) -> View:
        zones = zones_of(self.region)
        name, ident = self.params.get("AvailabilityZone"), self.params.get("AvailabilityZoneId")
        usable = [zone for zone in zones if zone["OptInStatus"] != "not-opted-in"]
        for zone in usable:
            if (name in (None, zone["ZoneName"])) and (ident in (None, zone["ZoneId"])):
                return zone
        names = ", ".join(zone["ZoneName"] for zone in usable)
        refuse(
            True,
            "InvalidParameterValue",
            f"Value ({name or ident}) for parameter availabilityZone is invalid. "
            f"Subnets can currently only be created in the following availability zones: {names}.",
        )
        raise AssertionError

    def _ipv6_block(self, vpc: Any, asked: str | None) -> str | None:
        if not asked:
            return None
        try:
            block = ipaddress.IPv6Network(asked)
        except ValueError:
            refuse(True, "InvalidParameterValue", f"Value ({asked}) for parameter ipv6CidrBlock is invalid.")
            raise
        blocks = [ipaddress.IPv6Network(one["Ipv6CidrBlock"]) for one in VPC.view(vpc)["Ipv6CidrBlockAssociationSet"]]
        refuse(not any(block.subnet_of(one) for one in blocks), "InvalidSubnet.Range", f"The CIDR '{asked}' is invalid.")
        for other in SUBNET.all(self.ec2_backend):
            for one in other.ipv6_cidr_block_associations.values():
                refuse(
                    other.vpc_id == vpc.id and block.overlaps(ipaddress.IPv6Network(one["ipv6CidrBlock"])),
                    "InvalidSubnet.Conflict",
                    f"The CIDR '{asked}' conflicts with another subnet",
                )
        return str(block)

    @staticmethod
    def _attach_ipv6(subnet: Any, block: str) -> View:
        ident = random_subnet_ipv6_cidr_block_association_id()
        one: View = {"associationId": ident, "ipv6CidrBlock": block, "ipv6CidrBlockState": {"State": "associating"}}
        subnet.ipv6_cidr_block_associations[ident] = one
        CLOCK.after("cidr-block", lambda: one.update(ipv6CidrBlockState={"State": "associated"}))
        return one

    def associate_subnet_cidr_block(self) -> ActionResult:
        subnet = SUBNET.find(self.ec2_backend, self.params["SubnetId"])
        vpc = VPC.find(self.ec2_backend, subnet.vpc_id)
        (asked,) = self.need("Ipv6CidrBlock")
        one = self._attach_ipv6(subnet, self._ipv6_block(vpc, asked) or "")
        return ActionResult({"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": self._association(subnet, one)})

    @staticmethod
    def _association(subnet: Any, one: View) -> View:
        every = view(subnet)["Ipv6CidrBlockAssociationSet"]
        return next(each for each in every if each["AssociationId"] == one["associationId"])

    def disassociate_subnet_cidr_block(self) -> ActionResult:
        ident = self.params["AssociationId"]
        for subnet in SUBNET.all(self.ec2_backend):
            if one := subnet.ipv6_cidr_block_associations.get(ident):
                one["ipv6CidrBlockState"] = {"State": "disassociating"}
                shown = self._association(subnet, one)
                CLOCK.after("cidr-block", partial(subnet.ipv6_cidr_block_associations.pop, ident, None))
                return ActionResult({"SubnetId": subnet.id, "Ipv6CidrBlockAssociation": shown})
        refuse(
            True,
            "InvalidSubnetCidrBlockAssociationID.NotFound",
            f"The subnet CIDR block association ID '{ident}' does not exist",
        )
        raise AssertionError

    def describe_subnets(self) -> ActionResult:
        return self.describe(SUBNET, "Subnets", "SubnetIds")

    def delete_subnet(self) -> ActionResult:
        backend = self.ec2_backend
        subnet = SUBNET.find(backend, self.params["SubnetId"])
        depends(
            any(eni.subnet.id == subnet.id for eni in backend.enis.values())
            or any(nat.subnet_id == subnet.id and not nat.gone for nat in backend.nat_gateways.values()),
            f"The subnet '{subnet.id}' has dependencies and cannot be deleted.",
        )
        for table in backend.route_tables.values():
            for association in [key for key, target in table._associations.items() if target == subnet.id]:
                del table._associations[association]
        for acl in backend.network_acls.values():
            for key in [key for key, one in acl._associations.items() if one.subnet_id == subnet.id]:
                del acl._associations[key]
        for log in backend.flow_logs.copy().values():
            if log.resource_id == subnet.id:
                del backend.flow_logs[log.id]
        backend.delete_subnet(subnet.id)
        return EmptyResult()

    def modify_subnet_attribute(self) -> ActionResult:
        subnet = SUBNET.find(self.ec2_backend, self.params["SubnetId"])
        asked = {name: value for name, value in self.params.items() if name not in ("SubnetId", "DryRun") and value is not None}
        refuse(not asked, "MissingParameter", "Either 'mapPublicIpOnLaunch' or another attribute must be provided.")
        refuse(
            len(asked) > 1,
            "InvalidParameterCombination",
            "Multiple subnet attributes cannot be modified in a single request.",
        )
        ((name, value),) = asked.items()
        if name in SWITCHES:
            on = bool(value.get("Value"))
            refuse(
                name == "AssignIpv6AddressOnCreation" and on and not subnet.ipv6_cidr_block_associations,
                "InvalidParameterValue",
                f"Invalid value 'true' for assignIpv6AddressOnCreation. Subnet {subnet.id} has no IPv6 CIDR block.",
            )
            setattr(subnet, SWITCHES[name], on)
        elif name in NAME_OPTIONS:
            subnet.private_dns_name_options_on_launch[NAME_OPTIONS[name]] = bool(value.get("Value"))
        elif name == "PrivateDnsHostnameTypeOnLaunch":
            refuse(value not in ("ip-name", "resource-name"), "InvalidParameterValue", f"Value ({value}) is invalid.")
            subnet.private_dns_name_options_on_launch["HostnameType"] = value
        return EmptyResult()
