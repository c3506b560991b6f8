//! A managed policy on a role.

use groundwork_contract::{
    Arn,
    iam::{RolePolicyAttachment, RolePolicyAttachmentId, RolePolicyAttachmentInputs, RolePolicyAttachmentOutputs},
};

use super::{
    attached, parse,
    role::{attach, detach},
};
use crate::{
    cx::Cx,
    error::{Gone, Result},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for RolePolicyAttachment {
    type Facts = ();
    /// `AttachRolePolicy` does no harm when done twice, so nothing has to be found.
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &RolePolicyAttachmentInputs) -> Result<Created<Self>> {
        attach(cx, inputs.role.as_str(), &inputs.policy_arn).await?;
        Ok(Created::new(RolePolicyAttachmentId::new(
            &inputs.role,
            &inputs.policy_arn,
        )))
    }

    async fn read(cx: &Cx, id: &RolePolicyAttachmentId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let (role, policy) = id.parts();
        let held = attached(cx, role).await.or_gone()?.unwrap_or_default();
        if !held.iter().any(|held| held.policy_arn.as_deref() == Some(policy)) {
            return Ok(None);
        }
        Ok(Some(Live {
            inputs: RolePolicyAttachmentInputs {
                role: parse(role, "roleName")?,
                policy_arn: parse(policy, "policyArn")?,
            },
            outputs: RolePolicyAttachmentOutputs {},
            pending_mark: false,
        }))
    }

    async fn update(
        _cx: &Cx,
        _id: &RolePolicyAttachmentId,
        _old: &State<Self>,
        _new: &RolePolicyAttachmentInputs,
    ) -> Result<()> {
        // Another role or policy is another attachment.
        Ok(())
    }

    async fn delete(cx: &Cx, id: &RolePolicyAttachmentId, _state: &State<Self>) -> Result<()> {
        let (role, policy) = id.parts();
        let policy: Arn = parse(policy, "policyArn")?;
        detach(cx, role, &policy).await
    }

    async fn find(cx: &Cx, inputs: &RolePolicyAttachmentInputs) -> Result<Option<RolePolicyAttachmentId>> {
        let id = RolePolicyAttachmentId::new(&inputs.role, &inputs.policy_arn);
        Ok(Self::read(cx, &id, None).await?.map(|_| id))
    }
}
