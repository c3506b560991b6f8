//! The newest image of a kind.

use aws_sdk_ec2::types::{Filter, Image, ImageState};
use groundwork_contract::ec2::{GetAmi, GetAmiInputs, GetAmiResult};

use super::{filter, parse};
use crate::{
    cx::Cx,
    error::{Error, Result, aws},
    functions::Lookup,
};

impl Lookup for GetAmi {
    async fn look_up(cx: &Cx, inputs: &GetAmiInputs) -> Result<GetAmiResult> {
        let GetAmiInputs {
            owners,
            architecture,
            name,
            filters,
        } = inputs;
        if owners.is_empty() {
            return Err(Error::Invalid(
                "owners is empty: anybody may publish an image under any name; give an account, `amazon` or `self`"
                    .to_owned(),
            ));
        }
        let further = filters
            .iter()
            .flatten()
            .map(|(name, values)| Filter::builder().name(name).set_values(Some(values.clone())).build());
        let named = name.as_ref().map(|name| filter("name", name));
        let of = architecture.map(|architecture| filter("architecture", architecture.word()));
        let mut pages = cx
            .ec2()
            .describe_images()
            .set_owners(Some(owners.clone()))
            .set_filters(Some(further.chain(named).chain(of).collect()))
            .into_paginator()
            .send();
        let mut images = Vec::new();
        while let Some(page) = pages.next().await {
            images.extend(page.map_err(aws("ec2", "DescribeImages"))?.images.unwrap_or_default());
        }
        let newest = newest(&images).ok_or_else(|| {
            Error::Invalid(format!(
                "no image of {} in {} fits{}{}",
                owners.join(", "),
                cx.aws.region,
                name.as_ref()
                    .map_or_else(String::new, |name| format!(" the name {name}")),
                architecture.map_or_else(String::new, |architecture| format!(" for {architecture}")),
            ))
        })?;
        Ok(GetAmiResult {
            id: parse(newest.image_id(), "imageId")?,
            name: newest.name.clone().unwrap_or_default(),
            creation_date: newest.creation_date.clone().unwrap_or_default(),
            owner_id: newest.owner_id.clone().unwrap_or_default(),
            architecture: newest
                .architecture()
                .map_or_else(String::new, |kind| kind.as_str().to_owned()),
            root_device_name: newest.root_device_name.clone(),
        })
    }
}

/// The image that was made last, and of several at once always the same.
fn newest(images: &[Image]) -> Option<&Image> {
    images
        .iter()
        .filter(|image| image.state().is_none_or(|state| *state == ImageState::Available))
        .max_by_key(|image| (image.creation_date(), image.image_id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_the_one_that_was_made_last_and_can_be_used() {
        let image = |id: &str, made: &str, state: ImageState| {
            Image::builder().image_id(id).creation_date(made).state(state).build()
        };
        let images = [
            image("ami-2", "2026-10-15T00:00:00.000Z", ImageState::Available),
            image("ami-1", "2026-10-15T00:00:00.000Z", ImageState::Available),
            image("ami-3", "2026-09-15T00:00:00.000Z", ImageState::Available),
            image("ami-4", "2026-11-15T00:00:00.000Z", ImageState::Pending),
        ];
        assert_eq!(newest(&images).and_then(Image::image_id), Some("ami-2"));
        assert!(newest(&[]).is_none());
    }
}
