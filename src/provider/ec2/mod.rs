//! Amazon EC2: the network. One file a noun, as in `contract/ec2`.

mod default_security_group;
mod egress_only_internet_gateway;
mod eip;
mod flow_log;
mod get_ami;
mod get_availability_zones;
mod get_vpc_endpoint_services;
mod guardduty;
mod internet_gateway;
mod launch_template;
mod launch_template_form;
mod nat_gateway;
pub(crate) mod references;
mod route;
mod route_table;
mod route_table_association;
mod rule;
mod rules;
mod security_group;
mod security_group_rule;
mod subnet;
mod vpc;
mod vpc_endpoint;
mod vpc_endpoint_form;

pub(crate) use launch_template::launch_template_data;

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Tag, UnsuccessfulItem};
use groundwork_contract::{
    Tags,
    tags::{PENDING, is_system, of_the_user},
};

use crate::{
    cx::Cx,
    error::{Error, Result, aws},
};

/// A filter of a Describe call.
pub(crate) fn filter(name: &str, value: impl Into<String>) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// A property that AWS always sends.
pub(crate) fn need<T>(value: Option<T>, what: &str) -> Result<T> {
    value.ok_or_else(|| Error::lacks(what))
}

/// An id or another text of AWS's, in its own type.
pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(value: Option<&str>, what: &str) -> Result<T> {
    need(value, what)?
        .parse()
        .map_err(|error| Error::Bug(format!("{what}: {error}")))
}

/// Turns what AWS refused inside an answer that says 200 into an error.
pub(crate) fn successful(
    operation: &'static str,
    refused: &[UnsuccessfulItem],
    request_id: Option<&str>,
) -> Result<()> {
    let Some(item) = refused.first() else { return Ok(()) };
    let error = item.error();
    let code = error.and_then(|error| error.code()).unwrap_or_default();
    let message = error.and_then(|error| error.message()).unwrap_or("no reason given");
    let message = match item.resource_id() {
        Some(id) if !message.contains(id) => format!("{id}: {message}"),
        _ => message.to_owned(),
    };
    Err(Error::refused("ec2", operation, code, &message, request_id))
}

/// The same of what AWS leaves out where it does not apply.
pub(crate) fn maybe<T: std::str::FromStr<Err: std::fmt::Display>>(
    value: Option<&str>,
    what: &str,
) -> Result<Option<T>> {
    value.map(|value| parse(Some(value), what)).transpose()
}

/// The user's tags, and whether our mark is among AWS's answer.
pub(crate) fn read_tags(tags: Option<&[Tag]>) -> (Option<Tags>, bool) {
    let all: Tags = tags
        .unwrap_or_default()
        .iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect();
    let marked = all.contains_key(PENDING);
    let user = of_the_user(all);
    ((!user.is_empty()).then_some(user), marked)
}

/// Brings the tags of anything that EC2 tags from one set to another.
pub(crate) async fn update_tags(cx: &Cx, id: &str, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let none = BTreeMap::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let set: Vec<Tag> = new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(value))
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    if !set.is_empty() {
        cx.ec2()
            .create_tags()
            .resources(id)
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("ec2", "CreateTags"))?;
    }
    let unset: Vec<Tag> = old
        .keys()
        .filter(|key| !new.contains_key(*key) && !is_system(key))
        .map(|key| Tag::builder().key(key).build())
        .collect();
    if !unset.is_empty() {
        cx.ec2()
            .delete_tags()
            .resources(id)
            .set_tags(Some(unset))
            .send()
            .await
            .map_err(aws("ec2", "DeleteTags"))?;
    }
    Ok(())
}

/// The network interfaces that a filter finds, each as a user would look for it: id, description, owner.
pub(crate) async fn interfaces(cx: &Cx, filters: impl IntoIterator<Item = Filter>) -> Result<Vec<String>> {
    let answer = cx
        .ec2()
        .describe_network_interfaces()
        .set_filters(Some(filters.into_iter().collect()))
        .send()
        .await
        .map_err(aws("ec2", "DescribeNetworkInterfaces"))?;
    Ok(answer
        .network_interfaces()
        .iter()
        .map(|interface| {
            format!(
                "network interface {} ({}, {}, owner {})",
                interface.network_interface_id().unwrap_or("?"),
                interface
                    .description()
                    .filter(|text| !text.is_empty())
                    .unwrap_or("no description"),
                interface.status().map_or("?", |status| status.as_str()),
                interface.requester_id().or_else(|| interface.owner_id()).unwrap_or("?"),
            )
        })
        .collect())
}

/// The instances that a filter finds and that are not terminated.
pub(crate) async fn instances(cx: &Cx, wanted: Filter) -> Result<Vec<String>> {
    let answer = cx
        .ec2()
        .describe_instances()
        .filters(wanted)
        .send()
        .await
        .map_err(aws("ec2", "DescribeInstances"))?;
    Ok(answer
        .reservations()
        .iter()
        .flat_map(aws_sdk_ec2::types::Reservation::instances)
        .filter_map(|instance| {
            let state = instance.state()?.name()?;
            (*state != aws_sdk_ec2::types::InstanceStateName::Terminated).then(|| {
                let name = instance.tags().iter().find(|tag| tag.key() == Some("Name"));
                format!(
                    "instance {} ({}, {state})",
                    instance.instance_id().unwrap_or("?"),
                    name.and_then(Tag::value).unwrap_or("no name"),
                )
            })
        })
        .collect())
}
