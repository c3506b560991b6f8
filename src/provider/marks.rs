//! Marks: how a creation is found again whose answer was lost.
//!
//! A provider that is killed answers nothing, and the engine forgets the resource. So the create call itself sets a tag,
//! `groundwork:pending`, whose value says which resource with which inputs it makes. The next Create of the same takes
//! over what carries it. The tag is taken off in one call once the engine's state is safe.
//!
//! - A key of KMS, which has no name either, carries the same tag; it is looked for among the keys.
//! - A replacement has a mark of its own, so that it never takes over what it replaces.
//! - What a replacement took over all the same is not deleted as the thing that it replaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Mutex,
};

use aws_sdk_ec2::types::{Filter, Tag};
use groundwork_contract::{descriptor::Descriptor, tags::PENDING};
use groundwork_wire::{PropertyMap, PropertyValue, Urn};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::{
    clients::Aws,
    error::{Result, aws},
    resource::Carrier,
};

/// The marks of one provider process.
#[derive(Debug, Default)]
pub struct Marks {
    /// What carried a mark when this process first asked: mark → (kind, id).
    found: OnceCell<BTreeMap<String, Vec<(String, String)>>>,
    /// Ids whose creation was answered and whose mark is still on.
    safe: Mutex<BTreeSet<(Carrier, String)>>,
    /// What replacements of this run took over, by type and id: it was there already.
    kept: Mutex<BTreeSet<(&'static str, String)>>,
    /// Resources that the engine's state already knows: their Create is a replacement.
    known: Mutex<BTreeSet<Urn>>,
    /// The names that we made up for them.
    names: Mutex<BTreeMap<Urn, String>>,
}

impl Marks {
    /// The mark of a creation: the same resource with the same inputs has the same one.
    pub fn of(&self, urn: &Urn, descriptor: &Descriptor, inputs: &PropertyMap) -> String {
        let mut hash = Sha256::new();
        hash.update(urn.as_str());
        hash.update(if self.is_known(urn) { "\0again\0" } else { "\0first\0" });
        for (name, value) in inputs {
            let secret = descriptor.inputs.field(name).is_some_and(|field| field.flags.secret);
            if !secret && !value.contains_secret() {
                hash.update(format!("{name}={:?}\0", PropertyValue::revealed(value)));
            }
        }
        hash.finalize().iter().take(16).fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Remembers that the state has this resource.
    pub fn know(&self, urn: &Urn) {
        lock(&self.known).insert(urn.clone());
    }

    /// Remembers the name that the state has for a resource: its replacement gets another.
    pub fn note_name(&self, urn: &Urn, name: &str) {
        lock(&self.names).insert(urn.clone(), name.to_owned());
    }

    /// The name that the state has for a resource.
    pub fn former_name(&self, urn: &Urn) -> Option<String> {
        lock(&self.names).get(urn).cloned()
    }

    fn is_known(&self, urn: &Urn) -> bool {
        lock(&self.known).contains(urn)
    }

    /// The ids of what carries a mark, as seen when this process first asked. Some may be gone already: AWS shows the
    /// tags of what is deleted for a while.
    ///
    /// # Errors
    /// `DescribeTags` failed.
    pub async fn recover(&self, aws: &Aws, kind: &str, mark: &str) -> Result<Vec<String>> {
        let found = self.found.get_or_try_init(|| look(aws, None)).await?;
        Ok(pick(found, kind, mark))
    }

    /// The same, asked anew: after an answer was lost.
    ///
    /// # Errors
    /// `DescribeTags` failed.
    pub async fn recover_now(&self, aws: &Aws, kind: &str, mark: &str) -> Result<Vec<String>> {
        Ok(pick(&look(aws, Some(mark)).await?, kind, mark))
    }

    /// Notes that a Create took over what was there already.
    pub fn note_taken_over(&self, urn: &Urn, token: &'static str, id: &str) {
        if self.is_known(urn) {
            lock(&self.kept).insert((token, id.to_owned()));
        }
    }

    /// Whether deleting this id would take away what a replacement has just taken over; asked once.
    pub fn is_kept(&self, token: &'static str, id: &str) -> bool {
        lock(&self.kept).remove(&(token, id.to_owned()))
    }

    /// Notes that the state has an id whose mark is still on.
    pub fn note_safe(&self, carrier: Carrier, id: &str) {
        lock(&self.safe).insert((carrier, id.to_owned()));
    }

    /// Forgets an id that is gone.
    pub fn forget(&self, carrier: Carrier, id: &str) {
        lock(&self.safe).remove(&(carrier, id.to_owned()));
    }

    /// Takes the mark off everything that is safe. Failing does no harm: the next refresh tries again.
    pub async fn clear(&self, aws: &Aws) {
        let safe = std::mem::take(&mut *lock(&self.safe));
        let (keys, others): (Vec<_>, Vec<_>) = safe.into_iter().partition(|(carrier, _)| *carrier == Carrier::Kms);
        for (_, key) in keys {
            drop(clear_key(aws, &key).await);
        }
        let ids: Vec<String> = others.into_iter().map(|(_, id)| id).collect();
        // DeleteTags takes up to 1,000 ids.
        for batch in ids.chunks(1000) {
            if clear(aws, batch).await.is_err() {
                // One id that is gone fails the whole call; the others are worth a call each.
                for id in batch {
                    drop(clear(aws, std::slice::from_ref(id)).await);
                }
            }
        }
    }
}

async fn clear(aws: &Aws, ids: &[String]) -> Result<()> {
    aws.ec2
        .delete_tags()
        .set_resources(Some(ids.to_vec()))
        .tags(Tag::builder().key(PENDING).build())
        .send()
        .await
        .map_err(crate::error::aws("ec2", "DeleteTags"))?;
    Ok(())
}

async fn clear_key(aws: &Aws, id: &str) -> Result<()> {
    aws.kms
        .untag_resource()
        .key_id(id)
        .tag_keys(PENDING)
        .send()
        .await
        .map_err(crate::error::aws("kms", "UntagResource"))?;
    Ok(())
}

async fn look(connection: &Aws, mark: Option<&str>) -> Result<BTreeMap<String, Vec<(String, String)>>> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let mut filters = vec![filter("key", PENDING)];
    filters.extend(mark.map(|mark| filter("value", mark)));
    let mut pages = connection
        .ec2
        .describe_tags()
        .set_filters(Some(filters))
        .into_paginator()
        .send();
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for tag in page.map_err(aws("ec2", "DescribeTags"))?.tags.unwrap_or_default() {
            if let (Some(mark), Some(kind), Some(id)) = (tag.value, tag.resource_type, tag.resource_id) {
                found.entry(mark).or_default().push((kind.as_str().to_owned(), id));
            }
        }
    }
    Ok(found)
}

fn pick(found: &BTreeMap<String, Vec<(String, String)>>, kind: &str, mark: &str) -> Vec<String> {
    let marked = found.get(mark).into_iter().flatten();
    marked
        .filter(|(found, _)| found == kind)
        .map(|(_, id)| id.clone())
        .collect()
}

/// A lock that another thread left in a panic holds nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
