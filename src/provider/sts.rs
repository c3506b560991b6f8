//! AWS Security Token Service: who we are.

use groundwork_contract::sts::{GetCallerIdentity, GetCallerIdentityInputs, GetCallerIdentityResult};

use crate::{clients::Caller, cx::Cx, error::Result, functions::Lookup};

impl Lookup for GetCallerIdentity {
    async fn look_up(cx: &Cx, _inputs: &GetCallerIdentityInputs) -> Result<GetCallerIdentityResult> {
        // Asked once, when the provider was configured.
        let Caller { account, arn, user_id } = cx.aws.caller.clone();
        Ok(GetCallerIdentityResult { account, arn, user_id })
    }
}
