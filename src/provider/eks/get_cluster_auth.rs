//! A token for a cluster's API.

use groundwork_contract::eks::{GetClusterAuth, GetClusterAuthInputs, GetClusterAuthResult};

use crate::{cx::Cx, error::Result, functions::Lookup, kubernetes::token::token};

impl Lookup for GetClusterAuth {
    async fn look_up(cx: &Cx, inputs: &GetClusterAuthInputs) -> Result<GetClusterAuthResult> {
        let token = token(&cx.aws, inputs.name.as_str()).await?;
        Ok(GetClusterAuthResult {
            token: token.reveal().to_owned(),
        })
    }
}
