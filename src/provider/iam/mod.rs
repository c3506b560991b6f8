//! AWS IAM: roles, policies and identity providers. One file a noun, as in `contract/iam`.

mod get_role;
mod instance_profile;
mod open_id_connect_provider;
mod policy;
mod role;
mod role_policy_attachment;

use std::collections::BTreeMap;

use aws_sdk_iam::types::{AttachedPolicy, Tag};
use groundwork_contract::{
    Arn, Document, Tags,
    tags::{is_system, of_the_user},
};
use percent_encoding::percent_decode_str;

use crate::{
    cx::Cx,
    error::{Error, Result, aws},
};

/// Text of AWS's, in its own type.
fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(value: &str, what: &str) -> Result<T> {
    value.parse().map_err(|error| Error::Bug(format!("{what}: {error}")))
}

/// The ARN of a thing of IAM's in this account.
fn arn(cx: &Cx, resource: &str) -> Result<Arn> {
    let text = format!("arn:{}:iam::{}:{resource}", cx.aws.partition(), cx.aws.caller.account);
    parse(&text, "arn")
}

/// A document as IAM answers it: encoded as in a URL (RFC 3986).
fn document(text: &str, what: &str) -> Result<Document> {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    Document::from_text(&decoded).map_err(|error| Error::Bug(format!("{what}: {error}")))
}

/// Text that AWS leaves empty, or out, where there is none.
fn words(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn tag(key: &str, value: &str) -> Result<Tag> {
    let tag = Tag::builder().key(key).value(value).build();
    tag.map_err(|error| Error::Bug(format!("tags: {error}")))
}

/// Tags as a create call takes them.
fn to_tags(tags: Option<&Tags>) -> Result<Option<Vec<Tag>>> {
    let tags = tags.map(|tags| tags.iter().map(|(key, value)| tag(key, value)).collect());
    tags.transpose()
}

/// The user's tags.
fn read_tags(tags: &[Tag]) -> Option<Tags> {
    let tags = tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
    let tags = of_the_user(tags.collect());
    (!tags.is_empty()).then_some(tags)
}

/// What has to be set to get from one set of tags to another, and which keys have to go.
fn tag_changes(old: Option<&Tags>, new: Option<&Tags>) -> Result<(Vec<Tag>, Vec<String>)> {
    let none = BTreeMap::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let set = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
    let unset = old.keys().filter(|key| !new.contains_key(*key) && !is_system(key));
    Ok((
        set.map(|(key, value)| tag(key, value)).collect::<Result<_>>()?,
        unset.cloned().collect(),
    ))
}

/// The managed policies that a role has.
async fn attached(cx: &Cx, role: &str) -> Result<Vec<AttachedPolicy>> {
    let mut pages = cx
        .iam()
        .list_attached_role_policies()
        .role_name(role)
        .into_paginator()
        .send();
    let mut policies = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("iam", "ListAttachedRolePolicies"))?;
        policies.extend(page.attached_policies.unwrap_or_default());
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_however_it_is_encoded() {
        let encoded = "%7B%22Statement%22%3A%5B%7B%22Resource%22%3A%22%2A%22%7D%5D%7D";
        let read = document(encoded, "document").unwrap();
        assert_eq!(
            read,
            document(r#"{"Statement":[{"Resource":"*"}]}"#, "document").unwrap()
        );
        assert!(document("nonsense", "document").is_err());
    }

    #[test]
    fn tags_of_aws_are_neither_shown_nor_taken_off() {
        let tags = |pairs: &[(&str, &str)]| -> Tags {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let live = [tag("aws:made", "a").unwrap(), tag("Name", "a").unwrap()];
        assert_eq!(read_tags(&live), Some(tags(&[("Name", "a")])));
        let old = tags(&[("aws:made", "a"), ("Name", "a"), ("team", "b"), ("kept", "c")]);
        let (set, unset) = tag_changes(Some(&old), Some(&tags(&[("Name", "z"), ("kept", "c")]))).unwrap();
        assert_eq!((set, unset), (vec![tag("Name", "z").unwrap()], vec!["team".to_owned()]));
    }
}
