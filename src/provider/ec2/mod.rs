//! Amazon EC2: the network. One file a noun, as in `contract/ec2`.

mod get_availability_zones;
mod vpc;

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Tag};
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
