//! A VPC endpoint.

use aws_sdk_ec2::operation::RequestId;
use aws_sdk_ec2::types::{
    IpAddressType, ResourceType, VpcEndpoint as AwsEndpoint, VpcEndpointType as AwsVpcEndpointType,
};
use groundwork_contract::{
    Document,
    ec2::{DnsEntry, PrefixListId, VpcEndpoint, VpcEndpointId, VpcEndpointInputs, VpcEndpointOutputs, VpcEndpointType},
};

use super::{
    filter, interfaces, need, parse, read_tags, successful, update_tags,
    vpc_endpoint_form::{apart, dns_options, follows, ids, inputs, last_error, state, texts},
};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

impl Resource for VpcEndpoint {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("vpc-endpoint");
    const TIMEOUTS: Timeouts = Timeouts::MINUTES;
    const RHYTHM: Rhythm = Rhythm::MINUTES;

    async fn create(cx: &Cx, inputs: &VpcEndpointInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .create_vpc_endpoint()
            .client_token(&cx.client_token)
            .vpc_id(inputs.vpc_id.as_str())
            .service_name(&inputs.service_name)
            .vpc_endpoint_type(AwsVpcEndpointType::from(inputs.vpc_endpoint_type.word()))
            .set_route_table_ids(texts(inputs.route_table_ids.as_ref()))
            .set_subnet_ids(texts(inputs.subnet_ids.as_ref()))
            .set_security_group_ids(texts(inputs.security_group_ids.as_ref()))
            .set_private_dns_enabled(inputs.private_dns_enabled)
            .set_policy_document(inputs.policy.as_ref().map(Document::to_text))
            .set_ip_address_type(inputs.ip_address_type.map(|kind| IpAddressType::from(kind.word())))
            .set_dns_options(inputs.dns_options.as_ref().map(dns_options))
            .tag_specifications(cx.tag_specification(ResourceType::VpcEndpoint, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateVpcEndpoint"))?;
        parse(
            answer.vpc_endpoint().and_then(AwsEndpoint::vpc_endpoint_id),
            "vpcEndpointId",
        )
        .map(Created::new)
    }

    async fn read(cx: &Cx, id: &VpcEndpointId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(endpoint) = find(cx, id).await? else {
            return Ok(None);
        };
        let state = state(&endpoint);
        if state == "deleted" {
            return Ok(None);
        }
        let inputs = inputs(&endpoint, last.map(|state| &state.inputs))?;
        let known = last
            .and_then(|state| state.outputs.as_ref())
            .and_then(|outputs| outputs.prefix_list_id.clone());
        let prefix_list_id = match (inputs.vpc_endpoint_type, known) {
            (VpcEndpointType::Gateway, None) => prefix_list(cx, &inputs.service_name).await?,
            (_, known) => known,
        };
        let (_, pending_mark) = read_tags(endpoint.tags.as_deref());
        Ok(Some(Live {
            inputs,
            outputs: VpcEndpointOutputs {
                arn: cx.aws.ec2_arn(&format!("vpc-endpoint/{id}"))?,
                owner_id: need(endpoint.owner_id.clone(), "ownerId")?,
                state,
                last_error: last_error(&endpoint),
                dns_entries: endpoint
                    .dns_entries()
                    .iter()
                    .filter_map(|entry| {
                        Some(DnsEntry {
                            dns_name: entry.dns_name.clone()?,
                            hosted_zone_id: entry.hosted_zone_id.clone(),
                        })
                    })
                    .collect(),
                network_interface_ids: ids(endpoint.network_interface_ids(), "networkInterfaceIds")?,
                prefix_list_id,
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &VpcEndpointId, old: &State<Self>, new: &VpcEndpointInputs) -> Result<()> {
        // AWS refuses to add what is there: what is there counts, not what once was.
        let Some(endpoint) = find(cx, id).await? else {
            return Err(missing("ModifyVpcEndpoint", id));
        };
        let now = inputs(&endpoint, Some(new))?;
        let mut call = cx.ec2().modify_vpc_endpoint().vpc_endpoint_id(id.as_str());
        let mut differs = false;
        let (add, remove) = apart(now.route_table_ids.as_ref(), new.route_table_ids.as_ref());
        differs |= add.is_some() || remove.is_some();
        call = call.set_add_route_table_ids(add).set_remove_route_table_ids(remove);
        let (add, remove) = apart(now.subnet_ids.as_ref(), new.subnet_ids.as_ref());
        differs |= add.is_some() || remove.is_some();
        call = call.set_add_subnet_ids(add).set_remove_subnet_ids(remove);
        if new.security_group_ids.is_some() {
            let (add, remove) = apart(now.security_group_ids.as_ref(), new.security_group_ids.as_ref());
            differs |= add.is_some() || remove.is_some();
            call = call
                .set_add_security_group_ids(add)
                .set_remove_security_group_ids(remove);
        }
        match (&now.policy, &new.policy) {
            (Some(now), Some(new)) if now.means(new) => {}
            (None, None) => {}
            (_, Some(new)) => {
                differs = true;
                call = call.policy_document(new.to_text());
            }
            (Some(_), None) => {
                differs = true;
                call = call.reset_policy(true);
            }
        }
        if let Some(wanted) = new
            .private_dns_enabled
            .filter(|wanted| now.private_dns_enabled != Some(*wanted))
        {
            differs = true;
            call = call.private_dns_enabled(wanted);
        }
        if let Some(wanted) = new
            .ip_address_type
            .filter(|wanted| now.ip_address_type != Some(*wanted))
        {
            differs = true;
            call = call.ip_address_type(IpAddressType::from(wanted.word()));
        }
        if let Some(wanted) = new
            .dns_options
            .as_ref()
            .filter(|wanted| !follows(now.dns_options.as_ref(), wanted))
        {
            differs = true;
            call = call.dns_options(dns_options(wanted));
        }
        if differs {
            call.send().await.map_err(aws("ec2", "ModifyVpcEndpoint"))?;
        }
        update_tags(cx, id.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &VpcEndpointId, _state: &State<Self>) -> Result<()> {
        let answer = cx
            .ec2()
            .delete_vpc_endpoints()
            .vpc_endpoint_ids(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteVpcEndpoints"))?;
        successful("DeleteVpcEndpoints", answer.unsuccessful(), answer.request_id())
    }

    fn phase(live: &Live<Self>) -> Phase {
        let VpcEndpointOutputs { state, last_error, .. } = &live.outputs;
        match state.as_str() {
            "available" => Phase::Ready,
            "failed" | "rejected" | "expired" => Phase::Failed(match last_error {
                Some(why) => format!("the endpoint is {state}: {why}"),
                None => format!("the endpoint is {state}"),
            }),
            "pendingAcceptance" => Phase::Pending("waiting for the service's owner to accept it".to_owned()),
            other => Phase::Pending(other.to_owned()),
        }
    }

    async fn obstacles(cx: &Cx, id: &VpcEndpointId) -> Result<Vec<String>> {
        interfaces(cx, [filter("description", format!("VPC Endpoint Interface {id}"))]).await
    }
}

async fn find(cx: &Cx, id: &VpcEndpointId) -> Result<Option<AwsEndpoint>> {
    let answer = cx
        .ec2()
        .describe_vpc_endpoints()
        .vpc_endpoint_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeVpcEndpoints"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.vpc_endpoints.unwrap_or_default().into_iter().next()))
}

fn missing(operation: &'static str, id: &VpcEndpointId) -> Error {
    let message = format!("{id} does not exist");
    Error::refused("ec2", operation, "InvalidVpcEndpointId.NotFound", &message, None)
}

/// The prefix list of a service.
async fn prefix_list(cx: &Cx, service: &str) -> Result<Option<PrefixListId>> {
    let answer = cx
        .ec2()
        .describe_prefix_lists()
        .filters(filter("prefix-list-name", service))
        .send()
        .await
        .map_err(aws("ec2", "DescribePrefixLists"));
    let answer = match answer {
        // Not worth failing for: the endpoint works without.
        Err(error) if error.kind() == Kind::Denied => return Ok(None),
        answer => answer?,
    };
    answer
        .prefix_lists()
        .first()
        .map(|list| parse(list.prefix_list_id(), "prefixListId"))
        .transpose()
}
