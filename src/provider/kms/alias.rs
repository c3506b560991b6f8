//! A key's name.

use groundwork_contract::kms::{Alias, AliasInputs, AliasName, AliasOutputs};

use super::{describe, parse};
use crate::{
    cx::Cx,
    error::{Error, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for Alias {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &AliasInputs) -> Result<Created<Self>> {
        cx.kms()
            .create_alias()
            .alias_name(inputs.name.as_str())
            .target_key_id(inputs.target_key_id.as_str())
            .send()
            .await
            .map_err(aws("kms", "CreateAlias"))?;
        Ok(Created::new(inputs.name.clone()))
    }

    async fn read(cx: &Cx, id: &AliasName, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        // A key answers to its alias; all aliases of an account would be pages to look through.
        let Some(key) = describe(cx, id.as_str()).await? else {
            return Ok(None);
        };
        let aws = &cx.aws;
        let arn = format!("arn:{}:kms:{}:{}:{id}", aws.partition(), aws.region, aws.caller.account);
        Ok(Some(Live {
            inputs: AliasInputs {
                name: id.clone(),
                target_key_id: parse(&key.key_id, "keyId")?,
            },
            outputs: AliasOutputs {
                arn: parse(&arn, "aliasArn")?,
                target_key_arn: parse(&key.arn.ok_or_else(|| Error::lacks("arn"))?, "arn")?,
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &AliasName, _old: &State<Self>, new: &AliasInputs) -> Result<()> {
        cx.kms()
            .update_alias()
            .alias_name(id.as_str())
            .target_key_id(new.target_key_id.as_str())
            .send()
            .await
            .map_err(aws("kms", "UpdateAlias"))?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &AliasName, _state: &State<Self>) -> Result<()> {
        cx.kms()
            .delete_alias()
            .alias_name(id.as_str())
            .send()
            .await
            .map_err(aws("kms", "DeleteAlias"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &AliasInputs) -> Result<Option<AliasName>> {
        // An alias has no tags; one of the same key is as good as ours, one of another key is somebody else's.
        let found = Self::read(cx, &inputs.name, None).await?;
        Ok(found
            .filter(|live| live.inputs.target_key_id == inputs.target_key_id)
            .map(|live| live.inputs.name))
    }
}
