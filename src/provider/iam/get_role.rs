//! A role that is there.

use groundwork_contract::iam::{GetRole, GetRoleInputs, GetRoleResult};

use super::parse;
use crate::{
    cx::Cx,
    error::{Error, Gone, Result, aws},
    functions::Lookup,
};

impl Lookup for GetRole {
    async fn look_up(cx: &Cx, inputs: &GetRoleInputs) -> Result<GetRoleResult> {
        let answer = cx
            .iam()
            .get_role()
            .role_name(inputs.name.as_str())
            .send()
            .await
            .map_err(aws("iam", "GetRole"))
            .or_gone()?;
        let Some(role) = answer.and_then(|answer| answer.role) else {
            return Err(Error::Invalid(format!(
                "there is no role {} in account {}",
                inputs.name, cx.aws.caller.account
            )));
        };
        Ok(GetRoleResult {
            arn: parse(&role.arn, "arn")?,
            path: parse(&role.path, "path")?,
        })
    }
}
