//! Amazon EKS: clusters and what belongs to them. One file a noun, as in `contract/eks`.

mod access_entry;
mod addon;
mod cluster;
mod cluster_ahead;
mod cluster_form;
mod cluster_steps;
mod configuration;
mod fargate_profile;
mod get_addon_versions;
mod get_cluster;
mod get_cluster_auth;
mod get_cluster_versions;
mod health;
mod leftovers;
mod node_group;
mod node_group_drain;
mod node_group_foresee;
mod node_group_form;
mod pod_identity_association;
mod step;
mod updates;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_eks::{primitives::DateTimeFormat, types::Cluster};
use groundwork_contract::{
    Tags,
    tags::{is_system, of_the_user},
};
use serde::de::DeserializeOwned;

use crate::{
    cx::Cx,
    error::{Error, Gone, Result, aws},
};

/// A cluster by its name; `None` where there is none: what was in it is gone with it. This tells an API that cannot be
/// reached from one that is gone, and an error is neither.
pub(crate) async fn describe(cx: &Cx, name: &str) -> Result<Option<Cluster>> {
    let answer = cx
        .eks()
        .describe_cluster()
        .name(name)
        .send()
        .await
        .map_err(aws("eks", "DescribeCluster"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.cluster))
}

/// The user's tags.
pub(crate) fn read_tags(tags: Option<HashMap<String, String>>) -> Option<Tags> {
    let tags = of_the_user(tags.unwrap_or_default().into_iter().collect());
    (!tags.is_empty()).then_some(tags)
}

/// Tags as a create call takes them.
pub(crate) fn to_tags(tags: Option<&Tags>) -> Option<HashMap<String, String>> {
    tags.map(|tags| tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Brings the tags of anything that EKS tags from one set to another.
pub(crate) async fn update_tags(cx: &Cx, arn: &str, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let none = BTreeMap::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let set: HashMap<String, String> = new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !set.is_empty() {
        cx.eks()
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("eks", "TagResource"))?;
    }
    let unset: Vec<String> = old
        .keys()
        .filter(|key| !new.contains_key(*key) && !is_system(key))
        .cloned()
        .collect();
    if !unset.is_empty() {
        cx.eks()
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("eks", "UntagResource"))?;
    }
    Ok(())
}

/// One of a closed set of words, by the word.
pub(crate) fn choice<T: DeserializeOwned>(word: &str, what: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|error| Error::Bug(format!("{what}: {error}")))
}

/// A time as RFC 3339 writes it; empty where there is none.
pub(crate) fn time(time: Option<&aws_sdk_eks::primitives::DateTime>) -> String {
    time.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok())
        .unwrap_or_default()
}

/// The day of a time, such as `2027-03-27`.
fn day(time: Option<&aws_sdk_eks::primitives::DateTime>) -> Option<String> {
    Some(time?.fmt(DateTimeFormat::DateTime).ok()?.chars().take(10).collect())
}
