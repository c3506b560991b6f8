"""The services that a VPC can have an endpoint for, and the zones that they are offered in."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES

from groundwork_aws.ec2.nouns import Operations, View, matches, read, refuse
from groundwork_aws.ec2.zones import zones_of

GATEWAY_SERVICES = ("s3", "dynamodb")
# Services whose private name is not `<service>.<region>.amazonaws.com` ("AWS services that integrate with AWS PrivateLink").
PRIVATE_NAMES = {
    "ecr.api": "api.ecr.{region}.{suffix}",
    "ecr.dkr": "*.dkr.ecr.{region}.{suffix}",
    "eks-auth": "eks-auth.{region}.api.aws",
    "kinesis-streams": "kinesis.{region}.{suffix}",
    "kinesis-firehose": "firehose.{region}.{suffix}",
    "s3": "s3.{region}.{suffix}",
    "sagemaker.api": "api.sagemaker.{region}.{suffix}",
    "execute-api": "*.execute-api.{region}.{suffix}",
}
FILTERS = {
    "owner": "Owner",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "service-type": "ServiceType.ServiceType",
    "supported-ip-address-types": "SupportedIpAddressTypes",
}


def _zones(service: str, region: str) -> list[View]:
    zones = [zone for zone in zones_of(region) if zone["OptInStatus"] == "opt-in-not-required"]
    # SES's SMTP endpoint is the usual example of a service that is not offered in every zone.
    return zones[1:3] if service == "email-smtp" else zones


@cache
def services(region: str, suffix: str) -> list[View]:
    """Every service of a region as DescribeVpcEndpointServices shows it."""
    names = sorted({*AWS_ENDPOINT_SERVICES, "ecr.api", "ecr.dkr", "eks", "eks-auth", "sqs", "xray"})
    return [
        _service(name, kind, region, suffix)
        for name in names
        for kind in (("Gateway", "Interface") if name in GATEWAY_SERVICES else ("Interface",))
    ]


def _service(name: str, kind: str, region: str, suffix: str) -> View:
    zones = _zones(name, region)
    private = PRIVATE_NAMES.get(name, f"{name}.{{region}}.{{suffix}}").format(region=region, suffix=suffix)
    number = f"{abs(hash_of(f'{region}.{name}.{kind}')):017x}"[:17]
    shown: View = {
        "ServiceName": f"com.amazonaws.{region}.{name}",
        "ServiceId": f"vpce-svc-{number}",
        "ServiceType": [{"ServiceType": kind}],
        "ServiceRegion": region,
        "AvailabilityZones": [zone["ZoneName"] for zone in zones],
        "AvailabilityZoneIds": [zone["ZoneId"] for zone in zones],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [f"{name}.{region}.vpce.{suffix}" if kind == "Interface" else private],
        "VpcEndpointPolicySupported": name != "email-smtp",
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    }
    if kind == "Interface":
        shown |= {
            "PrivateDnsName": private,
            "PrivateDnsNames": [{"PrivateDnsName": private}],
            "PrivateDnsNameVerificationState": "verified",
        }
    return shown


def hash_of(text: str) -> int:
    """A number that is the same in every process, unlike `hash`."""
    import zlib

    return zlib.crc32(text.encode()) << 36 | zlib.adler32(text.encode())


def find(region: str, suffix: str, name: str, kind: str) -> View:
    """A service that endpoints of a kind can be made for."""
    named = [one for one in services(region, suffix) if one["ServiceName"] == name]
    refuse(not named, "InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    for one in named:
        if one["ServiceType"] == [{"ServiceType": kind}]:
            return one
    refuse(True, "InvalidParameter", f"The VPC endpoint service {name} does not support VPC endpoints of type {kind}.")
    raise AssertionError


class EndpointServices(Operations):
    """DescribeVpcEndpointServices."""

    def describe_vpc_endpoint_services(self) -> ActionResult:
        offered = list(services(self.region, dns_suffix(self.partition)))
        if asked := self.params.get("ServiceNames"):
            for name in asked:
                known = any(one["ServiceName"] == name for one in offered)
                refuse(not known, "InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
            offered = [one for one in offered if one["ServiceName"] in asked]
        for each in self.params.get("Filters") or []:
            name, values = each["Name"], each.get("Values", [])
            tagged = name.startswith("tag")
            refuse(not tagged and name not in FILTERS, "InvalidFilter", f"The filter '{name}' is invalid")
            path = name if tagged else FILTERS[name]
            offered = [one for one in offered if any(matches(value, values) for value in read(one, path))]
        result: Any = self.page("ServiceDetails", offered).result
        names = list(dict.fromkeys(one["ServiceName"] for one in result["ServiceDetails"]))
        return ActionResult({**result, "ServiceNames": names})


def dns_suffix(partition: str) -> str:
    """The domain that a partition's services live under."""
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
