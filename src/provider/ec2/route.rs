//! A route.

use aws_sdk_ec2::types::RouteOrigin;
use groundwork_contract::ec2::{Route, RouteDestination, RouteId, RouteInputs, RouteOutputs, RouteTableId};

use super::{maybe, route_table};
use crate::{
    cx::Cx,
    error::{Error, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

/// Table, destination and target: what `CreateRoute` and `ReplaceRoute` have in common.
macro_rules! aimed {
    ($call:expr, $inputs:expr) => {{
        let RouteInputs {
            route_table_id,
            destination_cidr_block,
            destination_ipv6_cidr_block,
            destination_prefix_list_id,
            gateway_id,
            nat_gateway_id,
            egress_only_internet_gateway_id,
            network_interface_id,
            transit_gateway_id,
            vpc_peering_connection_id,
            vpc_endpoint_id,
            carrier_gateway_id,
            local_gateway_id,
            core_network_arn,
        } = $inputs.clone();
        $call
            .route_table_id(route_table_id)
            .set_destination_cidr_block(destination_cidr_block.map(String::from))
            .set_destination_ipv6_cidr_block(destination_ipv6_cidr_block.map(String::from))
            .set_destination_prefix_list_id(destination_prefix_list_id.map(String::from))
            .set_gateway_id(gateway_id.map(String::from))
            .set_nat_gateway_id(nat_gateway_id.map(String::from))
            .set_egress_only_internet_gateway_id(egress_only_internet_gateway_id.map(String::from))
            .set_network_interface_id(network_interface_id.map(String::from))
            .set_transit_gateway_id(transit_gateway_id.map(String::from))
            .set_vpc_peering_connection_id(vpc_peering_connection_id.map(String::from))
            .set_vpc_endpoint_id(vpc_endpoint_id.map(String::from))
            .set_carrier_gateway_id(carrier_gateway_id.map(String::from))
            .set_local_gateway_id(local_gateway_id.map(String::from))
            .set_core_network_arn(core_network_arn.map(String::from))
    }};
}

impl Resource for Route {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &RouteInputs) -> Result<Created<Self>> {
        let id = identity(inputs)?;
        aimed!(cx.ec2_once().create_route(), inputs)
            .send()
            .await
            .map_err(aws("ec2", "CreateRoute"))?;
        Ok(Created::new(id))
    }

    async fn read(cx: &Cx, id: &RouteId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let (table_id, destination) = parts(id)?;
        let Some(table) = route_table::describe(cx, &table_id).await? else {
            return Ok(None);
        };
        let Some(route) = table.routes().iter().find(|route| leads_to(route, &destination)) else {
            return Ok(None);
        };
        if route.origin() == Some(&RouteOrigin::CreateRouteTable) {
            return Err(Error::Invalid(format!(
                "{id} came with its route table and stays as long as it does: it cannot be managed"
            )));
        }
        let (mut ipv4, mut ipv6, mut list) = (None, None, None);
        match destination {
            RouteDestination::Ipv4(cidr) => ipv4 = Some(cidr),
            RouteDestination::Ipv6(cidr) => ipv6 = Some(cidr),
            RouteDestination::PrefixList(id) => list = Some(id),
        }
        // An endpoint's id comes back as a gateway's.
        let endpoint = route.gateway_id().filter(|id| id.starts_with("vpce-"));
        let gateway = route.gateway_id().filter(|_| endpoint.is_none());
        Ok(Some(Live {
            inputs: RouteInputs {
                route_table_id: table_id,
                destination_cidr_block: ipv4,
                destination_ipv6_cidr_block: ipv6,
                destination_prefix_list_id: list,
                gateway_id: maybe(gateway, "gatewayId")?,
                nat_gateway_id: maybe(route.nat_gateway_id(), "natGatewayId")?,
                egress_only_internet_gateway_id: maybe(
                    route.egress_only_internet_gateway_id(),
                    "egressOnlyInternetGatewayId",
                )?,
                network_interface_id: maybe(route.network_interface_id(), "networkInterfaceId")?,
                transit_gateway_id: maybe(route.transit_gateway_id(), "transitGatewayId")?,
                vpc_peering_connection_id: maybe(route.vpc_peering_connection_id(), "vpcPeeringConnectionId")?,
                vpc_endpoint_id: maybe(endpoint, "vpcEndpointId")?,
                carrier_gateway_id: maybe(route.carrier_gateway_id(), "carrierGatewayId")?,
                local_gateway_id: maybe(route.local_gateway_id(), "localGatewayId")?,
                core_network_arn: maybe(route.core_network_arn(), "coreNetworkArn")?,
            },
            outputs: RouteOutputs {
                state: route.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
                origin: route
                    .origin()
                    .map(|origin| origin.as_str().to_owned())
                    .unwrap_or_default(),
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, _id: &RouteId, old: &State<Self>, new: &RouteInputs) -> Result<()> {
        if old.inputs != *new {
            aimed!(cx.ec2().replace_route(), new)
                .send()
                .await
                .map_err(aws("ec2", "ReplaceRoute"))?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &RouteId, _state: &State<Self>) -> Result<()> {
        let (table, destination) = parts(id)?;
        let call = cx.ec2().delete_route().route_table_id(table);
        let call = match destination {
            RouteDestination::Ipv4(cidr) => call.destination_cidr_block(cidr),
            RouteDestination::Ipv6(cidr) => call.destination_ipv6_cidr_block(cidr),
            RouteDestination::PrefixList(list) => call.destination_prefix_list_id(list),
        };
        call.send().await.map_err(aws("ec2", "DeleteRoute"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &RouteInputs) -> Result<Option<RouteId>> {
        let id = identity(inputs)?;
        let live = Self::read(cx, &id, None).await?;
        Ok(live.filter(|live| live.inputs == *inputs).map(|_| id))
    }
}

fn identity(inputs: &RouteInputs) -> Result<RouteId> {
    let destination = inputs
        .destination()
        .ok_or_else(|| Error::Invalid("the route has no destination".to_owned()))?;
    Ok(RouteId::new(&inputs.route_table_id, &destination))
}

fn parts(id: &RouteId) -> Result<(RouteTableId, RouteDestination)> {
    id.parts().ok_or_else(|| Error::Bug(format!("{id} is no route's id")))
}

/// Whether a route of a table is the one for a destination; what a virtual private gateway propagates is none of ours.
fn leads_to(route: &aws_sdk_ec2::types::Route, destination: &RouteDestination) -> bool {
    if route.origin() == Some(&RouteOrigin::EnableVgwRoutePropagation) {
        return false;
    }
    match destination {
        RouteDestination::Ipv4(cidr) => route.destination_cidr_block() == Some(cidr.as_str()),
        // AWS need not spell an address as we do.
        RouteDestination::Ipv6(cidr) => {
            route
                .destination_ipv6_cidr_block()
                .and_then(|text| text.parse().ok())
                .as_ref()
                == Some(cidr)
        }
        RouteDestination::PrefixList(list) => route.destination_prefix_list_id() == Some(list.as_str()),
    }
}
