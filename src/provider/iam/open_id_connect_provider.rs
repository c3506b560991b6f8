//! An identity provider that speaks OpenID Connect.

use std::collections::BTreeSet;

use groundwork_contract::{
    Arn, Tags,
    iam::{OpenIdConnectProvider, OpenIdConnectProviderInputs, OpenIdConnectProviderOutputs},
};

use super::{arn, parse, read_tags, tag_changes, to_tags};
use crate::{
    cx::Cx,
    engine,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for OpenIdConnectProvider {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &OpenIdConnectProviderInputs) -> Result<Created<Self>> {
        let answer = cx
            .iam()
            .create_open_id_connect_provider()
            .url(&inputs.url)
            .set_client_id_list(inputs.client_id_list.clone().map(Vec::from_iter))
            .set_thumbprint_list(inputs.thumbprint_list.clone().map(Vec::from_iter))
            .set_tags(to_tags(inputs.tags.as_ref())?)
            .send()
            .await
            .map_err(aws("iam", "CreateOpenIDConnectProvider"))?;
        let made = answer.open_id_connect_provider_arn;
        parse(&made.ok_or_else(|| Error::lacks("openIDConnectProviderArn"))?, "arn").map(Created::new)
    }

    async fn read(cx: &Cx, id: &Arn, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let answer = cx
            .iam()
            .get_open_id_connect_provider()
            .open_id_connect_provider_arn(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "GetOpenIDConnectProvider"))
            .or_gone()?;
        let Some(provider) = answer else { return Ok(None) };
        let url = provider.url().ok_or_else(|| Error::lacks("url"))?;
        let listed = |list: &[String]| (!list.is_empty()).then(|| list.iter().cloned().collect::<BTreeSet<_>>());
        Ok(Some(Live {
            inputs: OpenIdConnectProviderInputs {
                // AWS takes it with its scheme, and answers it without.
                url: format!("https://{}", url.trim_start_matches("https://")),
                client_id_list: listed(provider.client_id_list()),
                thumbprint_list: listed(provider.thumbprint_list()),
                tags: read_tags(provider.tags()),
            },
            outputs: OpenIdConnectProviderOutputs { arn: id.clone() },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &Arn, old: &State<Self>, new: &OpenIdConnectProviderInputs) -> Result<()> {
        let was = &old.inputs;
        if let Some(prints) = new
            .thumbprint_list
            .as_ref()
            .filter(|prints| was.thumbprint_list.as_ref() != Some(*prints))
        {
            cx.iam()
                .update_open_id_connect_provider_thumbprint()
                .open_id_connect_provider_arn(id.as_str())
                .set_thumbprint_list(Some(prints.iter().cloned().collect()))
                .send()
                .await
                .map_err(aws("iam", "UpdateOpenIDConnectProviderThumbprint"))?;
        }
        let none = BTreeSet::new();
        let held = was.client_id_list.as_ref().unwrap_or(&none);
        let wanted = new.client_id_list.as_ref().unwrap_or(&none);
        for client in wanted.difference(held) {
            cx.iam()
                .add_client_id_to_open_id_connect_provider()
                .open_id_connect_provider_arn(id.as_str())
                .client_id(client)
                .send()
                .await
                .map_err(aws("iam", "AddClientIDToOpenIDConnectProvider"))?;
        }
        for client in held.difference(wanted) {
            cx.iam()
                .remove_client_id_from_open_id_connect_provider()
                .open_id_connect_provider_arn(id.as_str())
                .client_id(client)
                .send()
                .await
                .map_err(aws("iam", "RemoveClientIDFromOpenIDConnectProvider"))?;
        }
        update_tags(cx, id, was.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &Arn, _state: &State<Self>) -> Result<()> {
        cx.iam()
            .delete_open_id_connect_provider()
            .open_id_connect_provider_arn(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "DeleteOpenIDConnectProvider"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &OpenIdConnectProviderInputs) -> Result<Option<Arn>> {
        let issuer = inputs.url.trim_start_matches("https://");
        engine::ours::<Self>(cx, arn(cx, &format!("oidc-provider/{issuer}"))?, inputs).await
    }
}

async fn update_tags(cx: &Cx, id: &Arn, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let (set, unset) = tag_changes(old, new)?;
    if !set.is_empty() {
        cx.iam()
            .tag_open_id_connect_provider()
            .open_id_connect_provider_arn(id.as_str())
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("iam", "TagOpenIDConnectProvider"))?;
    }
    if !unset.is_empty() {
        cx.iam()
            .untag_open_id_connect_provider()
            .open_id_connect_provider_arn(id.as_str())
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("iam", "UntagOpenIDConnectProvider"))?;
    }
    Ok(())
}
