"""VPC endpoints: interfaces in subnets, or routes in route tables."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.route_tables import Route
from moto.ec2.utils import random_resource_id, random_vpc_ep_id

from groundwork_aws import journal
from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2 import endpoint_services
from groundwork_aws.ec2.interfaces import discard, managed
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, refuse, tags_of
from groundwork_aws.ec2.route_tables import ROUTE_TABLE
from groundwork_aws.ec2.security_groups import GROUP
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.ec2.vpcs import VPC

OPEN_POLICY = json.dumps(
    {"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)


class VpcEndpoint(TaggedEC2Resource):
    """An endpoint of type Interface or Gateway."""

    def __init__(self, backend: Any, vpc_id: str, service: View, kind: str, policy: str | None) -> None:
        self.ec2_backend = backend
        self.id = random_vpc_ep_id()
        self.vpc_id = vpc_id
        self.service = service
        self.service_name: str = service["ServiceName"]
        self.vpc_endpoint_type = kind
        self.policy_document = policy or OPEN_POLICY
        self.state = "pending"
        self.failure: tuple[str, str] | None = None
        self.requester_managed = False
        self.private_dns_enabled = False
        self.dns_options: View = {}
        self.ip_address_type = "ipv4"
        self.route_table_ids: list[str] = []
        self.interfaces: dict[str, str] = {}  # by subnet
        self.security_group_ids: list[str] = []
        self.created = utcnow()
        self.label = random_resource_id(8)
        self.zone_id = f"Z{random_resource_id(13).upper()}"

    @property
    def subnet_ids(self) -> list[str]:
        """The subnets that it has an interface in."""
        return list(self.interfaces)

    @property
    def network_interface_ids(self) -> list[str]:
        """Its interfaces."""
        return list(self.interfaces.values())

    def join(self, subnet: Any) -> None:
        """Put an interface into a subnet."""
        eni = managed(
            self.ec2_backend,
            subnet,
            kind="vpc_endpoint",
            description=f"VPC Endpoint Interface {self.id}",
            requester="vpce.ec2.amazonaws.com",
            group_ids=self.security_group_ids,
        )
        self.interfaces[subnet.id] = eni.id

    def leave(self, subnet_id: str) -> None:
        """Take the interface out of a subnet."""
        if eni := self.interfaces.pop(subnet_id, None):
            discard(self.ec2_backend, eni)

    def route(self, table: Any) -> None:
        """Lead a table's traffic for the service to this gateway."""
        prefix_list = self.prefix_list
        key = f"{table.id}~{prefix_list.id}"
        refuse(
            key in table._routes,
            "RouteAlreadyExists",
            f"route table {table.id} already has a route with destination-prefix-list-id {prefix_list.id}",
        )
        table._routes[key] = Route(table, None, None, prefix_list, vpc_endpoint_id=self.id)
        self.route_table_ids.append(table.id)

    def unroute(self, table_id: str) -> None:
        """Take the route out of a table."""
        if table := self.ec2_backend.route_tables.get(table_id):
            table._routes.pop(f"{table_id}~{self.prefix_list.id}", None)
        if table_id in self.route_table_ids:
            self.route_table_ids.remove(table_id)

    @property
    def prefix_list(self) -> Any:
        """The service's addresses, for a gateway."""
        lists = self.ec2_backend.managed_prefix_lists.values()
        return next(one for one in lists if one.prefix_list_name == self.service_name)

    def become_available(self) -> None:
        """End `pending`."""
        if self.state == "pending":
            self.state = "failed" if self.failure else "available"

    def vanish(self) -> None:
        """End `deleting`."""
        for subnet in list(self.interfaces):
            self.leave(subnet)
        for table in list(self.route_table_ids):
            self.unroute(table)
        self.ec2_backend.vpc_end_points.pop(self.id, None)


def dns_entries(endpoint: VpcEndpoint) -> list[View]:
    """The names of an interface endpoint: the region's, each zone's, and the service's own if it is private."""
    if endpoint.vpc_endpoint_type != "Interface" or not endpoint.interfaces:
        return []
    base = endpoint.service["BaseEndpointDnsNames"][0]
    zones = [SUBNET.find(endpoint.ec2_backend, subnet).availability_zone for subnet in endpoint.interfaces]
    names = [f"{endpoint.id}-{endpoint.label}.{base}"]
    names += [f"{endpoint.id}-{endpoint.label}-{zone}.{base}" for zone in zones]
    entries = [{"DnsName": name, "HostedZoneId": endpoint.zone_id} for name in names]
    if endpoint.private_dns_enabled:
        entries.append({"DnsName": endpoint.service["PrivateDnsName"], "HostedZoneId": f"Z{endpoint.label.upper()}PRIVATE"})
    return entries


def view(endpoint: VpcEndpoint) -> View:
    """An endpoint as DescribeVpcEndpoints shows it."""
    groups = {group.id: group for groups in endpoint.ec2_backend.groups.values() for group in groups.values()}
    failed = endpoint.failure if endpoint.state == "failed" else None
    return {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": endpoint.vpc_endpoint_type,
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "ServiceRegion": endpoint.ec2_backend.region_name,
        "State": endpoint.state,
        "PolicyDocument": endpoint.policy_document,
        "RouteTableIds": endpoint.route_table_ids,
        "SubnetIds": endpoint.subnet_ids,
        "Groups": [
            {"GroupId": ident, "GroupName": groups[ident].name} for ident in endpoint.security_group_ids if ident in groups
        ],
        "IpAddressType": endpoint.ip_address_type,
        "DnsOptions": endpoint.dns_options,
        "PrivateDnsEnabled": endpoint.private_dns_enabled,
        "RequesterManaged": endpoint.requester_managed,
        "NetworkInterfaceIds": endpoint.network_interface_ids,
        "DnsEntries": dns_entries(endpoint),
        "CreationTimestamp": endpoint.created,
        "OwnerId": endpoint.ec2_backend.account_id,
        "LastError": {"Code": failed[0], "Message": failed[1]} if failed else None,
        "FailureReason": failed[1] if failed else None,
        "Tags": tags_of(endpoint),
    }


ENDPOINT = define(
    Noun(
        type="vpc-endpoint",
        prefix="vpce",
        id="VpcEndpointId",
        not_found="InvalidVpcEndpointId.NotFound",
        malformed="InvalidVpcEndpointId.Malformed",
        says="The Vpc Endpoint Id '{}' does not exist",
        all=lambda backend: list(backend.vpc_end_points.values()),
        view=view,
        filters={
            "ip-address-type": "IpAddressType",
            "service-name": "ServiceName",
            "service-region": "ServiceRegion",
            "vpc-endpoint-id": "VpcEndpointId",
            "vpc-endpoint-state": "State",
            "vpc-endpoint-type": "VpcEndpointType",
            "vpc-id": "VpcId",
        },
    )
)


def check_policy(document: str | None) -> str | None:
    """Refuse a policy that is not JSON."""
    if document is None:
        return None
    try:
        valid = isinstance(json.loads(document), dict)
    except ValueError:
        valid = False
    refuse(not valid, "InvalidPolicyDocument", "The policy document is not a valid JSON policy document.")
    return document


class VpcEndpoints(Operations):
    """Operations on VPC endpoints."""

    def create_vpc_endpoint(self) -> ActionResult:
        endpoint = self.once(self._make_endpoint)
        return ActionResult({"VpcEndpoint": view(endpoint), "ClientToken": self.params.get("ClientToken")})

    def _make_endpoint(self) -> VpcEndpoint:
        vpc_id, name = self.need("VpcId", "ServiceName")
        vpc = VPC.find(self.ec2_backend, vpc_id)
        kind = self.params.get("VpcEndpointType") or "Gateway"
        tags = self.tags_for("vpc-endpoint")
        service = endpoint_services.find(self.region, endpoint_services.dns_suffix(self.partition), name, kind)
        endpoint = VpcEndpoint(self.ec2_backend, vpc.id, service, kind, check_policy(self.params.get("PolicyDocument")))
        if kind == "Gateway":
            self._make_gateway(endpoint)
        else:
            self._make_interfaces(endpoint, vpc)
        endpoint.add_tags(tags)
        if doom := journal.doom():
            endpoint.failure = (doom.code or "InternalError", doom.message or "The endpoint could not be created")
            endpoint.state = "pending"
        self.ec2_backend.vpc_end_points[endpoint.id] = endpoint
        if endpoint.state == "pending":
            CLOCK.after("vpc-endpoint", endpoint.become_available, of=endpoint.id)
        return endpoint

    def _make_gateway(self, endpoint: VpcEndpoint) -> None:
        for name in ("SubnetIds", "SecurityGroupIds"):
            refuse(self.params.get(name), "InvalidParameter", f"{name} cannot be set for a Gateway endpoint.")
        refuse(
            self.params.get("PrivateDnsEnabled"),
            "InvalidParameter",
            "Private DNS can't be enabled for Gateway endpoints.",
        )
        tables = [self._endpoint_table(endpoint, ident) for ident in self.params.get("RouteTableIds") or []]
        for table in tables:
            key = f"{table.id}~{endpoint.prefix_list.id}"
            refuse(
                key in table._routes,
                "RouteAlreadyExists",
                f"route table {table.id} already has a route with destination-prefix-list-id {endpoint.prefix_list.id}",
            )
        for table in tables:
            endpoint.route(table)
        endpoint.state = "available"

    def _endpoint_table(self, endpoint: VpcEndpoint, ident: str) -> Any:
        table = ROUTE_TABLE.find(self.ec2_backend, ident)
        refuse(
            table.vpc_id != endpoint.vpc_id,
            "InvalidParameter",
            f"Route table {ident} is not in the VPC {endpoint.vpc_id} of the endpoint.",
        )
        return table

    def _make_interfaces(self, endpoint: VpcEndpoint, vpc: Any) -> None:
        refuse(
            self.params.get("RouteTableIds"),
            "InvalidParameter",
            "RouteTableIds cannot be set for an Interface endpoint.",
        )
        backend = self.ec2_backend
        wanted = self.params.get("SecurityGroupIds") or [backend.get_default_security_group(vpc.id).id]
        endpoint.security_group_ids = [self._endpoint_group(endpoint, ident) for ident in dict.fromkeys(wanted)]
        endpoint.ip_address_type = self.params.get("IpAddressType") or "ipv4"
        endpoint.dns_options = dict(self.params.get("DnsOptions") or {}) or {"DnsRecordIpType": "ipv4"}
        private = self.params.get("PrivateDnsEnabled")
        endpoint.private_dns_enabled = True if private is None else bool(private)
        self._check_private_dns(endpoint, vpc)
        subnets = [SUBNET.find(backend, ident) for ident in dict.fromkeys(self.params.get("SubnetIds") or [])]
        self._check_subnets(endpoint, subnets)
        for subnet in subnets:
            endpoint.join(subnet)

    def _endpoint_group(self, endpoint: VpcEndpoint, ident: str) -> str:
        group = GROUP.find(self.ec2_backend, ident)
        refuse(
            group.vpc_id != endpoint.vpc_id,
            "InvalidParameter",
            f"Security group {ident} is not in the VPC {endpoint.vpc_id} of the endpoint.",
        )
        return str(group.id)

    def _check_subnets(self, endpoint: VpcEndpoint, joining: list[Any]) -> None:
        taken = {SUBNET.find(self.ec2_backend, ident).availability_zone for ident in endpoint.interfaces}
        for subnet in joining:
            refuse(
                subnet.vpc_id != endpoint.vpc_id,
                "InvalidParameter",
                f"Subnet {subnet.id} is not in the VPC {endpoint.vpc_id} of the endpoint.",
            )
            refuse(
                subnet.availability_zone not in endpoint.service["AvailabilityZones"],
                "InvalidParameter",
                f"The VPC endpoint service {endpoint.service_name} does not support the availability zone of the subnet: "
                f"{subnet.id}.",
            )
            refuse(
                subnet.availability_zone in taken,
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet.id}. "
                "VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.",
            )
            taken.add(subnet.availability_zone)

    def _check_private_dns(self, endpoint: VpcEndpoint, vpc: Any) -> None:
        if not endpoint.private_dns_enabled:
            return
        refuse(
            not vpc.enable_dns_support or not vpc.enable_dns_hostnames,
            "InvalidParameter",
            f"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {vpc.id}",
        )
        others = [one for one in self.ec2_backend.vpc_end_points.values() if one.vpc_id == vpc.id and one is not endpoint]
        clash = any(one.private_dns_enabled and one.service_name == endpoint.service_name for one in others)
        refuse(
            clash,
            "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            f"{endpoint.service['PrivateDnsName']} in the VPC {vpc.id}",
        )
        if endpoint.service_name.endswith(".s3"):
            inbound_only = endpoint.dns_options.get("PrivateDnsOnlyForInboundResolverEndpoint", True)
            gateway = any(one.vpc_endpoint_type == "Gateway" and one.service_name == endpoint.service_name for one in others)
            refuse(
                inbound_only and not gateway,
                "InvalidParameter",
                "To set PrivateDnsOnlyForInboundResolverEndpoint to true, the VPC "
                f"{vpc.id} must have a Gateway endpoint for the service.",
            )

    def describe_vpc_endpoints(self) -> ActionResult:
        return self.describe(ENDPOINT, "VpcEndpoints", "VpcEndpointIds")

    def modify_vpc_endpoint(self) -> ActionResult:
        backend = self.ec2_backend
        endpoint = ENDPOINT.find(backend, self.params["VpcEndpointId"])
        asked = {name: self.params.get(name) or [] for name in self.params if name.startswith(("Add", "Remove"))}
        refuse(
            endpoint.state not in ("available", "pending"),
            "InvalidParameter",
            f"The endpoint {endpoint.id} is in state {endpoint.state} and cannot be modified.",
        )
        policy = check_policy(self.params.get("PolicyDocument"))
        leaving = [ident for ident in asked.get("RemoveSubnetIds", []) if ident in endpoint.interfaces]
        joining = [SUBNET.find(backend, ident) for ident in asked.get("AddSubnetIds", [])]
        joining = [subnet for subnet in joining if subnet.id not in endpoint.interfaces]
        adding = [self._endpoint_group(endpoint, ident) for ident in asked.get("AddSecurityGroupIds", [])]
        groups = [one for one in endpoint.security_group_ids if one not in asked.get("RemoveSecurityGroupIds", [])]
        groups += [one for one in adding if one not in groups]
        refuse(
            endpoint.vpc_endpoint_type == "Interface" and not groups,
            "InvalidParameter",
            "An interface endpoint must have at least one security group.",
        )
        tables = [self._endpoint_table(endpoint, ident) for ident in asked.get("AddRouteTableIds", [])]
        if (private := self.params.get("PrivateDnsEnabled")) is not None:
            before, endpoint.private_dns_enabled = endpoint.private_dns_enabled, bool(private)
            endpoint.dns_options |= dict(self.params.get("DnsOptions") or {})
            try:
                self._check_private_dns(endpoint, VPC.find(backend, endpoint.vpc_id))
            except Exception:
                endpoint.private_dns_enabled = before
                raise
        for ident in leaving:
            endpoint.leave(ident)
        self._check_subnets(endpoint, joining)
        endpoint.security_group_ids = groups
        for eni in endpoint.network_interface_ids:
            backend.enis[eni]._group_set = [GROUP.find(backend, ident) for ident in groups]
        for subnet in joining:
            endpoint.join(subnet)
        for ident in asked.get("RemoveRouteTableIds", []):
            endpoint.unroute(ident)
        for table in tables:
            if table.id not in endpoint.route_table_ids:
                endpoint.route(table)
        if self.params.get("ResetPolicy"):
            endpoint.policy_document = OPEN_POLICY
        elif policy is not None:
            endpoint.policy_document = policy
        endpoint.ip_address_type = self.params.get("IpAddressType") or endpoint.ip_address_type
        return ActionResult({"Return": True})

    def delete_vpc_endpoints(self) -> ActionResult:
        unsuccessful = []
        for ident in self.need("VpcEndpointIds")[0]:
            ENDPOINT.check(ident)
            endpoint = next((one for one in ENDPOINT.visible(self.ec2_backend) if one.id == ident), None)
            if endpoint is None:
                error = {
                    "Code": "InvalidVpcEndpoint.NotFound",
                    "Message": f"The VpcEndpoint Id '{ident}' does not exist",
                }
                unsuccessful.append({"ResourceId": ident, "Error": error})
            elif endpoint.requester_managed:
                message = "Operation is not allowed for requester-managed VPC endpoints for the service " + endpoint.service_name
                unsuccessful.append({"ResourceId": ident, "Error": {"Code": "InvalidParameter", "Message": message}})
            elif endpoint.state != "deleting":
                endpoint.state = "deleting"
                CLOCK.after("vpc-endpoint-delete", endpoint.vanish)
        return ActionResult({"Unsuccessful": unsuccessful})
