//! A NAT gateway.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    AutoProvisionZonesState, AvailabilityMode as AwsMode, AvailabilityZoneAddress as AwsZoneAddress,
    ConnectivityType as AwsConnectivity, Filter, NatGateway as AwsNatGateway, NatGatewayAddress as AwsAddress,
    NatGatewayAddressStatus as AddressStatus, NatGatewayState, ResourceType, Tag,
};
use groundwork_contract::{
    ec2::{
        AllocationId, AvailabilityMode, AvailabilityZoneAddress, ConnectivityType, NatGateway, NatGatewayAddress,
        NatGatewayId, NatGatewayInputs, NatGatewayOutputs,
    },
    tags::PENDING,
};

use super::{maybe, parse, read_tags, update_tags};
use crate::{
    cx::Cx,
    error::{Gone, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

impl Resource for NatGateway {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("natgateway");
    const TIMEOUTS: Timeouts = Timeouts::MINUTES;
    const RHYTHM: Rhythm = Rhythm::MINUTES;
    // Its address can be held by one gateway alone: a second one beside it would fail.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &NatGatewayInputs) -> Result<Created<Self>> {
        let texts = |ids: &BTreeSet<AllocationId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let zones = inputs.availability_zone_addresses.as_ref().map(|zones| {
            let zone = |zone: &AvailabilityZoneAddress| {
                AwsZoneAddress::builder()
                    .set_availability_zone(zone.availability_zone.as_ref().map(ToString::to_string))
                    .set_availability_zone_id(zone.availability_zone_id.clone())
                    .set_allocation_ids(Some(texts(&zone.allocation_ids)))
                    .build()
            };
            zones.iter().map(zone).collect()
        });
        // The SDK makes a ClientToken for each attempt: AWS answers a used one with the gateway that it made then,
        // be it failed or deleted since.
        let answer = cx
            .ec2_once()
            .create_nat_gateway()
            .client_token(&cx.client_token)
            .set_availability_mode(match inputs.availability_mode {
                // What AWS does by itself, also where it knows of no modes.
                AvailabilityMode::Zonal => None,
                AvailabilityMode::Regional => Some(AwsMode::Regional),
            })
            .connectivity_type(match inputs.connectivity_type {
                ConnectivityType::Public => AwsConnectivity::Public,
                ConnectivityType::Private => AwsConnectivity::Private,
            })
            .set_subnet_id(inputs.subnet_id.as_ref().map(ToString::to_string))
            .set_allocation_id(inputs.allocation_id.as_ref().map(ToString::to_string))
            .set_private_ip_address(inputs.private_ip.as_ref().map(ToString::to_string))
            .set_secondary_allocation_ids(inputs.secondary_allocation_ids.as_ref().map(texts))
            .set_vpc_id(inputs.vpc_id.as_ref().map(ToString::to_string))
            .set_availability_zone_addresses(zones)
            .tag_specifications(cx.tag_specification(ResourceType::Natgateway, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateNatGateway"))?;
        parse(
            answer.nat_gateway().and_then(|nat| nat.nat_gateway_id()),
            "natGatewayId",
        )
        .map(Created::new)
    }

    async fn read(cx: &Cx, id: &NatGatewayId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        // A deleted one is shown for about an hour.
        let Some(nat) = describe(cx, id)
            .await?
            .filter(|nat| nat.state() != Some(&NatGatewayState::Deleted))
        else {
            return Ok(None);
        };
        let (tags, pending_mark) = read_tags(nat.tags.as_deref());
        Ok(Some(Live {
            inputs: NatGatewayInputs {
                tags,
                ..inputs(&nat, last.map(|last| &last.inputs))?
            },
            outputs: outputs(cx, id, &nat)?,
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &NatGatewayId, old: &State<Self>, new: &NatGatewayInputs) -> Result<()> {
        let old = &old.inputs;
        if old.secondary_allocation_ids != new.secondary_allocation_ids
            || old.availability_zone_addresses != new.availability_zone_addresses
        {
            bring_addresses(cx, id, new).await?;
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &NatGatewayId, _state: &State<Self>) -> Result<()> {
        // A deleted one is shown with its tags for about an hour: with our mark on, the next creation of the same would
        // take it for its own. Failing here must not keep it from being deleted.
        let unmarked = cx.ec2().delete_tags().resources(id.as_str());
        drop(unmarked.tags(Tag::builder().key(PENDING).build()).send().await);
        cx.ec2()
            .delete_nat_gateway()
            .nat_gateway_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteNatGateway"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        let outputs = &live.outputs;
        match outputs.state.as_str() {
            "available" => outputs
                .nat_gateway_addresses
                .iter()
                .find(|address| !matches!(address.status.as_str(), "succeeded" | "failed"))
                .map_or(Phase::Ready, |address| {
                    Phase::Pending(format!("{} an address", address.status))
                }),
            "failed" => Phase::Failed(format!(
                "{}: {}",
                outputs.failure_code.as_deref().unwrap_or("failed"),
                outputs.failure_message.as_deref().unwrap_or("AWS gives no reason")
            )),
            other => Phase::Pending(other.to_owned()),
        }
    }

    fn outlives_delete(state: &State<Self>) -> bool {
        // A failed one holds nothing any more; AWS shows it for about an hour, whatever is done to it.
        state.outputs.as_ref().is_some_and(|outputs| outputs.state == "failed")
    }
}

async fn describe(cx: &Cx, id: &NatGatewayId) -> Result<Option<AwsNatGateway>> {
    let answer = cx
        .ec2()
        .describe_nat_gateways()
        .nat_gateway_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeNatGateways"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.nat_gateways.unwrap_or_default().into_iter().next()))
}

/// The NAT gateways that a filter finds and that still hold something.
pub(super) async fn nat_gateways(cx: &Cx, filter: Filter) -> Result<Vec<String>> {
    let answer = cx
        .ec2()
        .describe_nat_gateways()
        .filter(filter)
        .send()
        .await
        .map_err(aws("ec2", "DescribeNatGateways"))?;
    Ok(answer
        .nat_gateways()
        .iter()
        .filter(|nat| !matches!(nat.state(), Some(NatGatewayState::Deleted | NatGatewayState::Failed)))
        .map(|nat| {
            format!(
                "NAT gateway {} ({})",
                nat.nat_gateway_id().unwrap_or("?"),
                nat.state().map_or("?", NatGatewayState::as_str)
            )
        })
        .collect())
}

fn primary(nat: &AwsNatGateway) -> Option<&AwsAddress> {
    let addresses = nat.nat_gateway_addresses();
    addresses
        .iter()
        .find(|address| address.is_primary() == Some(true))
        .or_else(|| addresses.first())
}

/// Whether an address is there, or is about to be.
fn is_there(address: &AwsAddress) -> bool {
    matches!(
        address.status(),
        None | Some(AddressStatus::Succeeded | AddressStatus::Associating | AddressStatus::Assigning)
    )
}

/// The inputs without the tags.
fn inputs(nat: &AwsNatGateway, last: Option<&NatGatewayInputs>) -> Result<NatGatewayInputs> {
    let zonal = NatGatewayInputs {
        availability_mode: AvailabilityMode::Zonal,
        connectivity_type: match nat.connectivity_type() {
            Some(AwsConnectivity::Private) => ConnectivityType::Private,
            _ => ConnectivityType::Public,
        },
        subnet_id: None,
        allocation_id: None,
        private_ip: None,
        secondary_allocation_ids: None,
        vpc_id: None,
        availability_zone_addresses: None,
        tags: None,
    };
    if nat.availability_mode() == Some(&AwsMode::Regional) {
        return Ok(NatGatewayInputs {
            availability_mode: AvailabilityMode::Regional,
            vpc_id: maybe(nat.vpc_id(), "vpcId")?,
            availability_zone_addresses: zones(nat, last)?,
            ..zonal
        });
    }
    let primary = primary(nat);
    let further = nat
        .nat_gateway_addresses()
        .iter()
        .filter(|address| address.is_primary() == Some(false) && is_there(address))
        .filter_map(AwsAddress::allocation_id)
        .map(|id| parse(Some(id), "allocationId"))
        .collect::<Result<BTreeSet<_>>>()?;
    Ok(NatGatewayInputs {
        subnet_id: maybe(nat.subnet_id(), "subnetId")?,
        allocation_id: maybe(primary.and_then(|address| address.allocation_id()), "allocationId")?,
        private_ip: maybe(primary.and_then(|address| address.private_ip()), "privateIp")?,
        secondary_allocation_ids: (!further.is_empty()).then_some(further),
        ..zonal
    })
}

/// The zones as the user could have named them; none where AWS chooses them by itself.
fn zones(nat: &AwsNatGateway, last: Option<&NatGatewayInputs>) -> Result<Option<BTreeSet<AvailabilityZoneAddress>>> {
    if nat.auto_provision_zones() == Some(&AutoProvisionZonesState::Enabled) {
        return Ok(None);
    }
    // A zone has a name and an id: the user's choice of the two stays.
    let by_id: BTreeSet<&str> = last
        .and_then(|last| last.availability_zone_addresses.as_ref())
        .into_iter()
        .flatten()
        .filter_map(|zone| zone.availability_zone_id.as_deref())
        .collect();
    let mut zones: BTreeMap<_, BTreeSet<AllocationId>> = BTreeMap::new();
    for address in nat.nat_gateway_addresses().iter().filter(|address| is_there(address)) {
        let id = address.availability_zone_id().filter(|id| by_id.contains(id));
        let name = maybe(address.availability_zone().filter(|_| id.is_none()), "availabilityZone")?;
        let allocations = zones.entry((name, id.map(str::to_owned))).or_default();
        if let Some(allocation) = address.allocation_id() {
            allocations.insert(parse(Some(allocation), "allocationId")?);
        }
    }
    Ok(Some(
        zones
            .into_iter()
            .map(
                |((availability_zone, availability_zone_id), allocation_ids)| AvailabilityZoneAddress {
                    availability_zone,
                    availability_zone_id,
                    allocation_ids,
                },
            )
            .collect(),
    ))
}

fn outputs(cx: &Cx, id: &NatGatewayId, nat: &AwsNatGateway) -> Result<NatGatewayOutputs> {
    let zonal = primary(nat).filter(|_| nat.availability_mode() != Some(&AwsMode::Regional));
    let address = |address: &AwsAddress| {
        Ok(NatGatewayAddress {
            allocation_id: maybe(address.allocation_id(), "allocationId")?,
            association_id: address.association_id.clone(),
            public_ip: maybe(address.public_ip(), "publicIp")?,
            private_ip: maybe(address.private_ip(), "privateIp")?,
            network_interface_id: maybe(address.network_interface_id(), "networkInterfaceId")?,
            availability_zone: maybe(address.availability_zone(), "availabilityZone")?,
            is_primary: address.is_primary() == Some(true),
            status: address.status().map_or("succeeded", AddressStatus::as_str).to_owned(),
            failure_message: address.failure_message.clone(),
        })
    };
    Ok(NatGatewayOutputs {
        arn: cx.aws.ec2_arn(&format!("natgateway/{id}"))?,
        state: nat.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        failure_code: nat.failure_code.clone(),
        failure_message: nat.failure_message.clone(),
        public_ip: maybe(zonal.and_then(|address| address.public_ip()), "publicIp")?,
        network_interface_id: maybe(
            zonal.and_then(|address| address.network_interface_id()),
            "networkInterfaceId",
        )?,
        route_table_id: maybe(nat.route_table_id(), "routeTableId")?,
        nat_gateway_addresses: nat.nat_gateway_addresses().iter().map(address).collect::<Result<_>>()?,
    })
}

/// One step from the Elastic IP addresses that are there to those that are asked for: what is missing is asked for,
/// what is too much is let go of, and what is on its way is left alone. The primary one stays.
async fn bring_addresses(cx: &Cx, id: &NatGatewayId, new: &NatGatewayInputs) -> Result<()> {
    let Some(nat) = describe(cx, id).await? else {
        return Ok(());
    };
    let live: Vec<&AwsAddress> = nat
        .nat_gateway_addresses()
        .iter()
        .filter(|address| address.is_primary() != Some(true))
        .collect();
    let zonal = new.secondary_allocation_ids.iter().map(|ids| (None, ids));
    let regional = new
        .availability_zone_addresses
        .iter()
        .flatten()
        .map(|zone| (Some(zone), &zone.allocation_ids));
    let wanted: Vec<(Option<&AvailabilityZoneAddress>, &BTreeSet<AllocationId>)> = zonal.chain(regional).collect();
    for (zone, ids) in &wanted {
        let missing: Vec<String> = ids
            .iter()
            .filter(|id| live.iter().all(|address| address.allocation_id() != Some(id.as_str())))
            .map(ToString::to_string)
            .collect();
        if !missing.is_empty() {
            cx.ec2_once()
                .associate_nat_gateway_address()
                .nat_gateway_id(id.as_str())
                .set_availability_zone(zone.and_then(|zone| zone.availability_zone.as_ref().map(ToString::to_string)))
                .set_availability_zone_id(zone.and_then(|zone| zone.availability_zone_id.clone()))
                .set_allocation_ids(Some(missing))
                .send()
                .await
                .map_err(aws("ec2", "AssociateNatGatewayAddress"))?;
        }
    }
    let surplus: Vec<String> = live
        .iter()
        .filter(|address| is_there(address) && !wanted.iter().any(|(zone, ids)| is_of(address, *zone, ids)))
        .filter_map(|address| address.association_id.clone())
        .collect();
    if !surplus.is_empty() {
        cx.ec2()
            .disassociate_nat_gateway_address()
            .nat_gateway_id(id.as_str())
            .set_association_ids(Some(surplus))
            .send()
            .await
            .map_err(aws("ec2", "DisassociateNatGatewayAddress"))?;
    }
    Ok(())
}

/// Whether an address is one of these, in that zone.
fn is_of(address: &AwsAddress, zone: Option<&AvailabilityZoneAddress>, ids: &BTreeSet<AllocationId>) -> bool {
    let in_zone = zone.is_none_or(|zone| match (&zone.availability_zone, &zone.availability_zone_id) {
        (Some(name), _) => address.availability_zone() == Some(name.as_str()),
        (None, Some(id)) => address.availability_zone_id() == Some(id),
        (None, None) => true,
    });
    in_zone && ids.iter().any(|id| address.allocation_id() == Some(id.as_str()))
}
