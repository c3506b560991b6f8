"""Route tables: routes, what has become of their targets, and associations."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.route_tables import Route
from moto.ec2.utils import random_subnet_association_id

from groundwork_aws.ec2.gateways import EGRESS_ONLY, INTERNET_GATEWAY
from groundwork_aws.ec2.interfaces import ENI
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, depends, refuse, tags_of
from groundwork_aws.ec2.prefix_lists import PREFIX_LIST
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.ec2.vpcs import VPC

DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
TARGETS = (
    "GatewayId",
    "InstanceId",
    "NatGatewayId",
    "EgressOnlyInternetGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
)


def state(route: Any) -> str:
    """`blackhole` when what a route leads to is there no more ("Route", State)."""
    if route.local:
        return "active"
    backend = route.route_table.ec2_backend
    if route.nat_gateway:
        nat = backend.nat_gateways.get(route.nat_gateway.id)
        return "active" if nat and nat.state in ("pending", "available") else "blackhole"
    if route.gateway and route.gateway.id.startswith("igw-"):
        gateway = backend.internet_gateways.get(route.gateway.id)
        attached = gateway and gateway.vpc and gateway.vpc.id == route.route_table.vpc_id
        return "active" if attached else "blackhole"
    if route.vpc_endpoint_id:
        return "active" if route.vpc_endpoint_id in backend.vpc_end_points else "blackhole"
    if route.egress_only_igw:
        return "active" if route.egress_only_igw.id in backend.egress_only_internet_gateways else "blackhole"
    if route.interface:
        return "active" if route.interface.id in backend.enis else "blackhole"
    if route.instance:
        return "active" if route.instance.state == "running" else "blackhole"
    return "active"


def route_view(route: Any) -> View:
    """A route as DescribeRouteTables shows it."""
    shown: View = {
        "DestinationCidrBlock": route.destination_cidr_block,
        "DestinationIpv6CidrBlock": route.destination_ipv6_cidr_block,
        "DestinationPrefixListId": route.destination_prefix_list_id,
        "GatewayId": route.gateway_id,
        "InstanceId": route.instance_id,
        "NatGatewayId": route.nat_gateway_id,
        "EgressOnlyInternetGatewayId": route.egress_only_internet_gateway_id,
        "NetworkInterfaceId": route.network_interface_id,
        "TransitGatewayId": route.transit_gateway_id,
        "VpcPeeringConnectionId": route.vpc_peering_connection_id,
        "Origin": "CreateRouteTable" if route.local else "CreateRoute",
        "State": state(route),
    }
    return {name: value for name, value in shown.items() if value is not None}


def view(table: Any) -> View:
    """A table as DescribeRouteTables shows it."""
    associations: list[View] = []
    if table.main_association_id:
        associations.append({"Main": True, "RouteTableAssociationId": table.main_association_id})
    for ident, target in table._associations.items():
        member = "SubnetId" if target.startswith("subnet-") else "GatewayId"
        associations.append({"Main": False, "RouteTableAssociationId": ident, member: target})
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": table.owner_id,
        "PropagatingVgws": [],
        "Associations": [{**one, "RouteTableId": table.id, "AssociationState": {"State": "associated"}} for one in associations],
        "Routes": [route_view(route) for route in table._routes.values()],
        "Tags": tags_of(table),
    }


ROUTE_TABLE = define(
    Noun(
        type="route-table",
        prefix="rtb",
        id="RouteTableId",
        not_found="InvalidRouteTableID.NotFound",
        malformed="InvalidRouteTableId.Malformed",
        says="The routeTable ID '{}' does not exist",
        all=lambda backend: list(backend.route_tables.values()),
        view=view,
        filters={
            "association.gateway-id": "Associations.GatewayId",
            "association.route-table-association-id": "Associations.RouteTableAssociationId",
            "association.route-table-id": "Associations.RouteTableId",
            "association.subnet-id": "Associations.SubnetId",
            "association.main": "Associations.Main",
            "owner-id": "OwnerId",
            "route-table-id": "RouteTableId",
            "route.destination-cidr-block": "Routes.DestinationCidrBlock",
            "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
            "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
            "route.egress-only-internet-gateway-id": "Routes.EgressOnlyInternetGatewayId",
            "route.gateway-id": "Routes.GatewayId",
            "route.instance-id": "Routes.InstanceId",
            "route.nat-gateway-id": "Routes.NatGatewayId",
            "route.origin": "Routes.Origin",
            "route.state": "Routes.State",
            "route.transit-gateway-id": "Routes.TransitGatewayId",
            "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
            "transit-gateway-id": "Routes.TransitGatewayId",
            "vpc-id": "VpcId",
        },
    )
)


class RouteTables(Operations):
    """Operations on route tables."""

    def create_route_table(self) -> ActionResult:
        vpc = VPC.find(self.ec2_backend, self.params["VpcId"])
        tags = [{"Key": key, "Value": value} for key, value in self.tags_for("route-table").items()]
        table = self.once(lambda: self.ec2_backend.create_route_table(vpc.id, tags))
        return ActionResult({"RouteTable": view(table), "ClientToken": self.params.get("ClientToken")})

    def describe_route_tables(self) -> ActionResult:
        return self.describe(ROUTE_TABLE, "RouteTables", "RouteTableIds")

    def delete_route_table(self) -> ActionResult:
        backend = self.ec2_backend
        table = ROUTE_TABLE.find(backend, self.params["RouteTableId"])
        depends(
            table._associations or table.main_association_id or getattr(table, "managed_by", None),
            f"The routeTable '{table.id}' has dependencies and cannot be deleted.",
        )
        del backend.route_tables[table.id]
        for endpoint in backend.vpc_end_points.values():
            if table.id in endpoint.route_table_ids:
                endpoint.route_table_ids.remove(table.id)
        return EmptyResult()

    def _destination(self) -> tuple[str, str, str]:
        """The one destination, its member, and the words that AWS has for it."""
        given = [name for name in DESTINATIONS if self.params.get(name)]
        refuse(not given, "MissingParameter", "The request must contain the parameter destinationCidrBlock")
        refuse(len(given) > 1, "InvalidParameterCombination", "Exactly one destination must be specified.")
        value = self.params[given[0]]
        if given[0] == "DestinationPrefixListId":
            return PREFIX_LIST.find(self.ec2_backend, value).id, given[0], "destination-prefix-list-id"
        version = 4 if given[0] == "DestinationCidrBlock" else 6
        try:
            block = ipaddress.ip_network(value, strict=False)
        except ValueError:
            block = None
        refuse(
            block is None or block.version != version,
            "InvalidParameterValue",
            f"Value ({value}) for parameter {given[0][0].lower() + given[0][1:]} is invalid. This is not a valid CIDR block.",
        )
        words = "destination-cidr-block" if version == 4 else "destination-ipv6-cidr-block"
        return str(block), given[0], words

    def _target(self, table: Any) -> dict[str, Any]:
        """The one target, as moto's Route takes it."""
        backend = self.ec2_backend
        given = [name for name in TARGETS if self.params.get(name)]
        refuse(not given, "MissingParameter", "The request must contain a target for the route.")
        refuse(len(given) > 1, "InvalidParameterCombination", "Exactly one target must be specified.")
        name, ident = given[0], self.params[given[0]]
        if name == "GatewayId" and ident.startswith("igw-"):
            gateway = INTERNET_GATEWAY.find(backend, ident)
            refuse(
                not gateway.vpc or gateway.vpc.id != table.vpc_id,
                "InvalidParameterValue",
                f"route table {table.id} and network gateway {ident} belong to different networks",
            )
            return {"gateway": gateway}
        if name == "GatewayId" and ident == "local":
            return {"local": True}
        if name == "GatewayId":
            gateway = backend.vpn_gateways.get(ident)
            refuse(gateway is None, "InvalidGatewayID.NotFound", f"The gateway ID '{ident}' does not exist")
            return {"gateway": gateway}
        if name == "NatGatewayId":
            nat = backend.nat_gateways.get(ident)
            refuse(
                nat is None or nat.state in ("deleting", "deleted", "failed"),
                "InvalidNatGatewayID.NotFound",
                f"The natGateway ID '{ident}' does not exist",
            )
            refuse(
                nat.vpc_id != table.vpc_id,
                "InvalidParameterValue",
                f"route table {table.id} and NAT gateway {ident} belong to different networks",
            )
            return {"nat_gateway": nat}
        if name == "EgressOnlyInternetGatewayId":
            refuse(
                not self.params.get("DestinationIpv6CidrBlock"),
                "InvalidParameterCombination",
                "An egress-only internet gateway takes IPv6 traffic only.",
            )
            return {"egress_only_igw": EGRESS_ONLY.find(backend, ident)}
        if name == "NetworkInterfaceId":
            return {"interface": ENI.find(backend, ident)}
        if name == "InstanceId":
            return {"instance": backend.get_instance(ident)}
        if name == "TransitGatewayId":
            gateway = backend.transit_gateways.get(ident)
            refuse(
                gateway is None,
                "InvalidTransitGatewayID.NotFound",
                f"Transit Gateway {ident} was deleted or does not exist.",
            )
            return {"transit_gateway": gateway}
        return {"vpc_pcx": backend.get_vpc_peering_connection(ident)}

    def _route(self, table: Any, destination: str, member: str) -> Route:
        target = self._target(table)
        prefix_list = None
        if member == "DestinationPrefixListId":
            prefix_list = PREFIX_LIST.find(self.ec2_backend, destination)
        return Route(
            table,
            destination if member == "DestinationCidrBlock" else None,
            destination if member == "DestinationIpv6CidrBlock" else None,
            prefix_list,
            **target,
        )

    def create_route(self) -> ActionResult:
        table = ROUTE_TABLE.find(self.ec2_backend, self.params["RouteTableId"])
        destination, member, _ = self._destination()
        key = f"{table.id}~{destination}"
        refuse(key in table._routes, "RouteAlreadyExists", f"The route identified by {destination} already exists.")
        table._routes[key] = self._route(table, destination, member)
        return ActionResult({"Return": True})

    def replace_route(self) -> ActionResult:
        table = ROUTE_TABLE.find(self.ec2_backend, self.params["RouteTableId"])
        destination, member, _ = self._destination()
        key = f"{table.id}~{destination}"
        refuse(
            key not in table._routes,
            "InvalidParameterValue",
            f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead.",
        )
        table._routes[key] = self._route(table, destination, member)
        return EmptyResult()

    def delete_route(self) -> ActionResult:
        table = ROUTE_TABLE.find(self.ec2_backend, self.params["RouteTableId"])
        destination, _, words = self._destination()
        route = table._routes.get(f"{table.id}~{destination}")
        refuse(
            route is None,
            "InvalidRoute.NotFound",
            f"no route with {words} {destination} in route table {table.id}",
        )
        refuse(
            route is not None and route.local,
            "InvalidParameterValue",
            f"cannot remove local route {destination} in route table {table.id}",
        )
        refuse(
            route is not None and route.vpc_endpoint_id,
            "InvalidParameterValue",
            f"cannot remove VPC endpoint route {destination} in route table {table.id}",
        )
        del table._routes[f"{table.id}~{destination}"]
        return EmptyResult()

    def associate_route_table(self) -> ActionResult:
        backend = self.ec2_backend
        table = ROUTE_TABLE.find(backend, self.params["RouteTableId"])
        if gateway := self.params.get("GatewayId"):
            target = INTERNET_GATEWAY.find(backend, gateway).id
        else:
            subnet = SUBNET.find(backend, self.need("SubnetId")[0])
            target = subnet.id
            refuse(
                subnet.vpc_id != table.vpc_id,
                "InvalidParameterValue",
                f"route table {table.id} and subnet {subnet.id} belong to different networks",
            )
        for other in backend.route_tables.values():
            for ident, taken in other._associations.items():
                if taken == target:
                    refuse(
                        other.id != table.id,
                        "Resource.AlreadyAssociated",
                        f"the specified association for route table {table.id} conflicts with an existing association",
                    )
                    return self._associated(ident, "AssociationId")
        ident = random_subnet_association_id()
        table._associations[ident] = target
        return self._associated(ident, "AssociationId")

    @staticmethod
    def _associated(ident: str, member: str) -> ActionResult:
        return ActionResult({member: ident, "AssociationState": {"State": "associated"}})

    def _holder(self, ident: str) -> Any:
        for table in self.ec2_backend.route_tables.values():
            if ident in table._associations or ident == table.main_association_id:
                return table
        refuse(True, "InvalidAssociationID.NotFound", f"The association ID '{ident}' does not exist")
        raise AssertionError

    def disassociate_route_table(self) -> ActionResult:
        ident = self.params["AssociationId"]
        table = self._holder(ident)
        refuse(
            ident == table.main_association_id,
            "InvalidParameterValue",
            f"cannot disassociate the main route table association {ident}",
        )
        del table._associations[ident]
        return EmptyResult()

    def replace_route_table_association(self) -> ActionResult:
        ident = self.params["AssociationId"]
        old = self._holder(ident)
        new = ROUTE_TABLE.find(self.ec2_backend, self.params["RouteTableId"])
        refuse(
            old.vpc_id != new.vpc_id,
            "InvalidParameterValue",
            f"route table {new.id} and association {ident} belong to different networks",
        )
        fresh = random_subnet_association_id()
        if ident == old.main_association_id:
            old.main_association_id, new.main_association_id = None, fresh
        else:
            new._associations[fresh] = old._associations.pop(ident)
        return self._associated(fresh, "NewAssociationId")
