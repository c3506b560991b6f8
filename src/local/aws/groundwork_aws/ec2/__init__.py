"""EC2: the network, in full; the rest as moto has it."""

from __future__ import annotations

from moto.ec2.responses import EC2Response
from moto.ec2.urls import url_bases

from groundwork_aws.ec2 import others
from groundwork_aws.ec2.addresses import Addresses
from groundwork_aws.ec2.backend import register
from groundwork_aws.ec2.endpoint_services import EndpointServices
from groundwork_aws.ec2.flow_logs import FlowLogs
from groundwork_aws.ec2.gateways import Gateways
from groundwork_aws.ec2.instances import Instances
from groundwork_aws.ec2.interfaces import Interfaces
from groundwork_aws.ec2.nat_gateways import NatGateways
from groundwork_aws.ec2.prefix_lists import PrefixLists
from groundwork_aws.ec2.route_tables import RouteTables
from groundwork_aws.ec2.security_groups import SecurityGroups
from groundwork_aws.ec2.subnets import Subnets
from groundwork_aws.ec2.tags import Tags
from groundwork_aws.ec2.vpc_endpoints import VpcEndpoints
from groundwork_aws.ec2.vpcs import Vpcs
from groundwork_aws.ec2.zones import Zones


class EC2(
    Addresses,
    EndpointServices,
    FlowLogs,
    Gateways,
    Instances,
    Interfaces,
    NatGateways,
    PrefixLists,
    RouteTables,
    SecurityGroups,
    Subnets,
    Tags,
    VpcEndpoints,
    Vpcs,
    Zones,
    EC2Response,
):
    """Every operation of EC2."""


url_paths = {"{0}/": EC2.dispatch}

__all__ = ["EC2", "others", "register", "url_bases", "url_paths"]
