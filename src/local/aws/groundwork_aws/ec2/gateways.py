"""Internet gateways and egress-only internet gateways."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from groundwork_aws.ec2.nouns import Noun, Operations, View, define, depends, refuse, tags_of
from groundwork_aws.ec2.vpcs import VPC


def view(gateway: Any) -> View:
    """An internet gateway as DescribeInternetGateways shows it."""
    return {
        "InternetGatewayId": gateway.id,
        "OwnerId": gateway.owner_id,
        "Attachments": [{"State": "available", "VpcId": gateway.vpc.id}] if gateway.vpc else [],
        "Tags": tags_of(gateway),
    }


def egress_view(gateway: Any) -> View:
    """A gateway as DescribeEgressOnlyInternetGateways shows it."""
    return {
        "EgressOnlyInternetGatewayId": gateway.id,
        "Attachments": [{"State": "attached", "VpcId": gateway.vpc_id}],
        "Tags": tags_of(gateway),
    }


INTERNET_GATEWAY = define(
    Noun(
        type="internet-gateway",
        prefix="igw",
        id="InternetGatewayId",
        not_found="InvalidInternetGatewayID.NotFound",
        malformed="InvalidInternetGatewayId.Malformed",
        says="The internetGateway ID '{}' does not exist",
        all=lambda backend: list(backend.internet_gateways.values()),
        view=view,
        filters={
            "attachment.state": "Attachments.State",
            "attachment.vpc-id": "Attachments.VpcId",
            "internet-gateway-id": "InternetGatewayId",
            "owner-id": "OwnerId",
        },
    )
)

EGRESS_ONLY = define(
    Noun(
        type="egress-only-internet-gateway",
        prefix="eigw",
        id="EgressOnlyInternetGatewayId",
        not_found="InvalidGatewayID.NotFound",
        malformed="InvalidEgressOnlyInternetGatewayId.Malformed",
        says="The eigw ID '{}' does not exist",
        all=lambda backend: list(backend.egress_only_internet_gateways.values()),
        view=egress_view,
        filters={"attachment.vpc-id": "Attachments.VpcId"},
    )
)


class Gateways(Operations):
    """Operations on internet gateways of both kinds."""

    def create_internet_gateway(self) -> ActionResult:
        tags = [{"Key": key, "Value": value} for key, value in self.tags_for("internet-gateway").items()]
        return ActionResult({"InternetGateway": view(self.ec2_backend.create_internet_gateway(tags=tags))})

    def describe_internet_gateways(self) -> ActionResult:
        return self.describe(INTERNET_GATEWAY, "InternetGateways", "InternetGatewayIds")

    def attach_internet_gateway(self) -> ActionResult:
        backend = self.ec2_backend
        gateway = INTERNET_GATEWAY.find(backend, self.params["InternetGatewayId"])
        vpc = VPC.find(backend, self.params["VpcId"])
        refuse(
            gateway.vpc,
            "Resource.AlreadyAssociated",
            f"resource {gateway.id} is already attached to network {gateway.vpc.id if gateway.vpc else ''}",
        )
        other = next((one for one in backend.internet_gateways.values() if one.vpc and one.vpc.id == vpc.id), None)
        refuse(
            other,
            "InvalidParameterValue",
            f"Network {vpc.id} already has an internet gateway attached",
        )
        gateway.vpc = vpc
        return EmptyResult()

    def detach_internet_gateway(self) -> ActionResult:
        backend = self.ec2_backend
        gateway = INTERNET_GATEWAY.find(backend, self.params["InternetGatewayId"])
        vpc_id = self.params["VpcId"]
        VPC.find(backend, vpc_id)
        refuse(
            not gateway.vpc or gateway.vpc.id != vpc_id,
            "Gateway.NotAttached",
            f"resource {gateway.id} is not attached to network {vpc_id}",
        )
        mapped = any(eni.public_ip and eni.subnet.vpc_id == vpc_id for eni in backend.enis.values())
        mapped = mapped or any(
            nat.vpc_id == vpc_id and nat.connectivity_type == "public" and not nat.gone for nat in backend.nat_gateways.values()
        )
        depends(
            mapped,
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway.",
        )
        gateway.vpc = None
        return EmptyResult()

    def delete_internet_gateway(self) -> ActionResult:
        gateway = INTERNET_GATEWAY.find(self.ec2_backend, self.params["InternetGatewayId"])
        depends(gateway.vpc, f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.")
        del self.ec2_backend.internet_gateways[gateway.id]
        return EmptyResult()

    def create_egress_only_internet_gateway(self) -> ActionResult:
        vpc = VPC.find(self.ec2_backend, self.params["VpcId"])
        tags = self.tags_for("egress-only-internet-gateway")
        gateway = self.once(lambda: self.ec2_backend.create_egress_only_internet_gateway(vpc.id, tags))
        return ActionResult({"EgressOnlyInternetGateway": egress_view(gateway), "ClientToken": self.params.get("ClientToken")})

    def describe_egress_only_internet_gateways(self) -> ActionResult:
        return self.describe(EGRESS_ONLY, "EgressOnlyInternetGateways", "EgressOnlyInternetGatewayIds")

    def delete_egress_only_internet_gateway(self) -> ActionResult:
        gateway = EGRESS_ONLY.find(self.ec2_backend, self.params["EgressOnlyInternetGatewayId"])
        del self.ec2_backend.egress_only_internet_gateways[gateway.id]
        return ActionResult({"ReturnCode": True})
