//! A VPC endpoint.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    DnsOptionsSpecification, DnsRecordIpType as AwsDnsRecordIpType, IpAddressType, ResourceType,
    VpcEndpoint as AwsEndpoint, VpcEndpointType as AwsVpcEndpointType,
};
use groundwork_contract::{
    Document,
    ec2::{
        DnsEntry, DnsOptions, DnsRecordIpType, EndpointIpAddressType, PrefixListId, VpcEndpoint, VpcEndpointId,
        VpcEndpointInputs, VpcEndpointOutputs, VpcEndpointType,
    },
};
use serde_json::{Value as Json, json};

use super::{filter, interfaces, need, parse, read_tags, successful, update_tags};
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
        successful("DeleteVpcEndpoints", answer.unsuccessful())
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
    Error::refused("ec2", operation, "InvalidVpcEndpointId.NotFound", &message)
}

/// The inputs of an endpoint as a user would write them; what AWS leaves open is spelled as in `last`.
fn inputs(endpoint: &AwsEndpoint, last: Option<&VpcEndpointInputs>) -> Result<VpcEndpointInputs> {
    let kind = match endpoint.vpc_endpoint_type() {
        Some(AwsVpcEndpointType::Gateway) => VpcEndpointType::Gateway,
        Some(AwsVpcEndpointType::Interface) => VpcEndpointType::Interface,
        other => {
            let other = other.map_or("?", AwsVpcEndpointType::as_str);
            return Err(Error::Invalid(format!(
                "the endpoint is of type {other}; groundwork knows Gateway and Interface"
            )));
        }
    };
    let groups: Vec<String> = endpoint
        .groups()
        .iter()
        .filter_map(|group| group.group_id.clone())
        .collect();
    let (tags, _) = read_tags(endpoint.tags.as_deref());
    Ok(VpcEndpointInputs {
        vpc_id: parse(endpoint.vpc_id(), "vpcId")?,
        service_name: need(endpoint.service_name.clone(), "serviceName")?,
        vpc_endpoint_type: kind,
        route_table_ids: listed(
            ids(endpoint.route_table_ids(), "routeTableIds")?,
            last.and_then(|last| last.route_table_ids.as_ref()),
        ),
        subnet_ids: listed(
            ids(endpoint.subnet_ids(), "subnetIds")?,
            last.and_then(|last| last.subnet_ids.as_ref()),
        ),
        security_group_ids: listed(
            ids(&groups, "groups")?,
            last.and_then(|last| last.security_group_ids.as_ref()),
        ),
        private_dns_enabled: (kind == VpcEndpointType::Interface || endpoint.private_dns_enabled() == Some(true))
            .then(|| endpoint.private_dns_enabled().unwrap_or_default())
            .or_else(|| last?.private_dns_enabled.filter(|wanted| !wanted)),
        policy: policy(
            endpoint.policy_document(),
            last.is_some_and(|last| last.policy.is_some()),
        )?,
        ip_address_type: endpoint.ip_address_type().and_then(|kind| match kind {
            IpAddressType::Ipv4 => Some(EndpointIpAddressType::Ipv4),
            IpAddressType::Dualstack => Some(EndpointIpAddressType::Dualstack),
            IpAddressType::Ipv6 => Some(EndpointIpAddressType::Ipv6),
            _ => None,
        }),
        dns_options: endpoint
            .dns_options()
            .map(|options| DnsOptions {
                dns_record_ip_type: options.dns_record_ip_type().and_then(|kind| match kind {
                    AwsDnsRecordIpType::Ipv4 => Some(DnsRecordIpType::Ipv4),
                    AwsDnsRecordIpType::Dualstack => Some(DnsRecordIpType::Dualstack),
                    AwsDnsRecordIpType::Ipv6 => Some(DnsRecordIpType::Ipv6),
                    AwsDnsRecordIpType::ServiceDefined => Some(DnsRecordIpType::ServiceDefined),
                    _ => None,
                }),
                private_dns_only_for_inbound_resolver_endpoint: options
                    .private_dns_only_for_inbound_resolver_endpoint(),
            })
            .filter(|options| {
                options.dns_record_ip_type.is_some() || options.private_dns_only_for_inbound_resolver_endpoint.is_some()
            }),
        tags,
    })
}

/// A set of AWS's; an empty one is there only where the user wrote a set.
fn listed<T: Ord>(set: BTreeSet<T>, last: Option<&BTreeSet<T>>) -> Option<BTreeSet<T>> {
    (!set.is_empty() || last.is_some()).then_some(set)
}

/// A policy, where AWS's own, which allows everything, is none unless the user gave one.
fn policy(text: Option<&str>, given: bool) -> Result<Option<Document>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let policy = Document::from_text(text).map_err(|error| Error::Bug(format!("policyDocument: {error}")))?;
    Ok((given || !allows_everything(&policy)).then_some(policy))
}

fn allows_everything(policy: &Document) -> bool {
    let statement =
        |principal: Json| json!({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"});
    let document = |json: Json| match json {
        Json::Object(map) => Some(Document::from(map)),
        _ => None,
    };
    let mut said = policy.as_json();
    if let Some(map) = said.as_object_mut() {
        map.retain(|key, _| key == "Statement");
    }
    let Some(said) = document(said) else { return false };
    [json!("*"), json!({"AWS": "*"})]
        .into_iter()
        .filter_map(|principal| document(json!({"Statement": [statement(principal)]})))
        .any(|all| all.means(&said))
}

/// Whether DNS options are as wanted, as far as anything is wanted.
fn follows(now: Option<&DnsOptions>, wanted: &DnsOptions) -> bool {
    let record = now.and_then(|now| now.dns_record_ip_type);
    let inbound = now.and_then(|now| now.private_dns_only_for_inbound_resolver_endpoint);
    wanted.dns_record_ip_type.is_none_or(|wanted| record == Some(wanted))
        && wanted
            .private_dns_only_for_inbound_resolver_endpoint
            .is_none_or(|wanted| inbound == Some(wanted))
}

fn dns_options(options: &DnsOptions) -> DnsOptionsSpecification {
    DnsOptionsSpecification::builder()
        .set_dns_record_ip_type(
            options
                .dns_record_ip_type
                .map(|kind| AwsDnsRecordIpType::from(kind.word())),
        )
        .set_private_dns_only_for_inbound_resolver_endpoint(options.private_dns_only_for_inbound_resolver_endpoint)
        .build()
}

fn texts<T: ToString>(set: Option<&BTreeSet<T>>) -> Option<Vec<String>> {
    set.filter(|set| !set.is_empty())
        .map(|set| set.iter().map(ToString::to_string).collect())
}

fn ids<T>(texts: &[String], what: &str) -> Result<BTreeSet<T>>
where
    T: Ord + std::str::FromStr<Err: std::fmt::Display>,
{
    texts.iter().map(|text| parse(Some(text), what)).collect()
}

/// What is to add, and what to remove.
fn apart<T: Ord + ToString>(
    now: Option<&BTreeSet<T>>,
    wanted: Option<&BTreeSet<T>>,
) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let none = BTreeSet::new();
    let (now, wanted) = (now.unwrap_or(&none), wanted.unwrap_or(&none));
    let list = |set: BTreeSet<&T>| (!set.is_empty()).then(|| set.into_iter().map(ToString::to_string).collect());
    (
        list(wanted.difference(now).collect()),
        list(now.difference(wanted).collect()),
    )
}

/// The state as the API Reference writes it: `pendingAcceptance`. Its spelling differs between the model and the wire.
fn state(endpoint: &AwsEndpoint) -> String {
    let text = endpoint.state().map_or("", |state| state.as_str());
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}

fn last_error(endpoint: &AwsEndpoint) -> Option<String> {
    let error = endpoint.last_error()?;
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    Some(format!("{code}: {message}").trim_matches([':', ' ']).to_owned()).filter(|text| !text.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awss_own_policy_is_none() {
        let own =
            r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
        assert_eq!(policy(Some(own), false).unwrap(), None);
        assert!(policy(Some(own), true).unwrap().is_some());
        let narrow = own.replace(r#""Action":"*""#, r#""Action":"s3:GetObject""#);
        assert!(policy(Some(&narrow), false).unwrap().is_some());
        let two = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},
            {"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}]}"#;
        assert!(policy(Some(two), false).unwrap().is_some());
        assert!(policy(Some("{"), false).is_err());
    }

    #[test]
    fn states_are_written_as_the_reference_does() {
        let spelled = |text: &str| state(&AwsEndpoint::builder().state(text.into()).build());
        assert_eq!(spelled("PendingAcceptance"), "pendingAcceptance");
        assert_eq!(spelled("pendingAcceptance"), "pendingAcceptance");
        assert_eq!(spelled("Available"), "available");
    }

    #[test]
    fn sets_are_taken_apart() {
        let (now, wanted) = (BTreeSet::from([1, 2]), BTreeSet::from([2, 3]));
        assert_eq!(
            apart(Some(&now), Some(&wanted)),
            (Some(vec!["3".to_owned()]), Some(vec!["1".to_owned()]))
        );
        assert_eq!(apart(Some(&now), Some(&now)), (None, None));
        assert_eq!(apart::<u8>(None, None), (None, None));
    }
}
