//! A VPC endpoint as AWS answers it and as a user writes it.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    DnsOptionsSpecification, DnsRecordIpType as AwsDnsRecordIpType, IpAddressType, VpcEndpoint as AwsEndpoint,
    VpcEndpointType as AwsVpcEndpointType,
};
use groundwork_contract::{
    Document,
    ec2::{DnsOptions, DnsRecordIpType, EndpointIpAddressType, VpcEndpointInputs, VpcEndpointType},
};
use serde_json::{Value as Json, json};

use super::{need, parse, read_tags};
use crate::error::{Error, Result};

/// The inputs of an endpoint as a user would write them; what AWS leaves open is spelled as in `last`.
pub(super) fn inputs(endpoint: &AwsEndpoint, last: Option<&VpcEndpointInputs>) -> Result<VpcEndpointInputs> {
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
pub(super) fn follows(now: Option<&DnsOptions>, wanted: &DnsOptions) -> bool {
    let record = now.and_then(|now| now.dns_record_ip_type);
    let inbound = now.and_then(|now| now.private_dns_only_for_inbound_resolver_endpoint);
    wanted.dns_record_ip_type.is_none_or(|wanted| record == Some(wanted))
        && wanted
            .private_dns_only_for_inbound_resolver_endpoint
            .is_none_or(|wanted| inbound == Some(wanted))
}

pub(super) fn dns_options(options: &DnsOptions) -> DnsOptionsSpecification {
    DnsOptionsSpecification::builder()
        .set_dns_record_ip_type(
            options
                .dns_record_ip_type
                .map(|kind| AwsDnsRecordIpType::from(kind.word())),
        )
        .set_private_dns_only_for_inbound_resolver_endpoint(options.private_dns_only_for_inbound_resolver_endpoint)
        .build()
}

pub(super) fn texts<T: ToString>(set: Option<&BTreeSet<T>>) -> Option<Vec<String>> {
    set.filter(|set| !set.is_empty())
        .map(|set| set.iter().map(ToString::to_string).collect())
}

pub(super) fn ids<T>(texts: &[String], what: &str) -> Result<BTreeSet<T>>
where
    T: Ord + std::str::FromStr<Err: std::fmt::Display>,
{
    texts.iter().map(|text| parse(Some(text), what)).collect()
}

/// What is to add, and what to remove.
pub(super) fn apart<T: Ord + ToString>(
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
pub(super) fn state(endpoint: &AwsEndpoint) -> String {
    let text = endpoint.state().map_or("", |state| state.as_str());
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}

pub(super) fn last_error(endpoint: &AwsEndpoint) -> Option<String> {
    let error = endpoint.last_error()?;
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    Some(format!("{code}: {message}").trim_matches([':', ' ']).to_owned()).filter(|text| !text.is_empty())
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
