//! A pod identity association.

use aws_sdk_eks::types::PodIdentityAssociation as AwsAssociation;
use groundwork_contract::{
    Arn,
    eks::{
        PodIdentityAssociation, PodIdentityAssociationId, PodIdentityAssociationInputs, PodIdentityAssociationOutputs,
    },
};

use super::{read_tags, to_tags, update_tags};
use crate::{
    cx::Cx,
    ec2::{maybe, need, parse},
    engine::ours,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for PodIdentityAssociation {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    /// A service account has one association.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &PodIdentityAssociationInputs) -> Result<Created<Self>> {
        let answer = cx
            .eks()
            .create_pod_identity_association()
            .client_request_token(&cx.client_token)
            .cluster_name(inputs.cluster_name.as_str())
            .namespace(&inputs.namespace)
            .service_account(&inputs.service_account)
            .role_arn(inputs.role_arn.as_str())
            .set_target_role_arn(inputs.target_role_arn.as_ref().map(Arn::to_string))
            .disable_session_tags(inputs.disable_session_tags)
            .set_tags(to_tags(inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("eks", "CreatePodIdentityAssociation"))?;
        let made = answer.association().and_then(AwsAssociation::association_id);
        id(inputs, need(made, "associationId")?).map(Created::new)
    }

    async fn read(cx: &Cx, id: &PodIdentityAssociationId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(found) = describe(cx, id.cluster(), id.name()).await? else {
            return Ok(None);
        };
        Ok(Some(Live {
            inputs: PodIdentityAssociationInputs {
                cluster_name: parse(found.cluster_name(), "clusterName")?,
                namespace: need(found.namespace.clone(), "namespace")?,
                service_account: need(found.service_account.clone(), "serviceAccount")?,
                role_arn: parse(found.role_arn(), "roleArn")?,
                target_role_arn: maybe(found.target_role_arn(), "targetRoleArn")?,
                disable_session_tags: found.disable_session_tags() == Some(true),
                tags: read_tags(found.tags.clone()),
            },
            outputs: PodIdentityAssociationOutputs {
                arn: parse(found.association_arn(), "associationArn")?,
                association_id: need(found.association_id.clone(), "associationId")?,
                owner_arn: maybe(found.owner_arn(), "ownerArn")?,
                external_id: found.external_id.clone(),
            },
            pending_mark: false,
        }))
    }

    async fn update(
        cx: &Cx,
        id: &PodIdentityAssociationId,
        old: &State<Self>,
        new: &PodIdentityAssociationInputs,
    ) -> Result<()> {
        let before = &old.inputs;
        if (&before.role_arn, &before.target_role_arn, before.disable_session_tags)
            != (&new.role_arn, &new.target_role_arn, new.disable_session_tags)
        {
            // An empty target is none; one that is left out would stay.
            let target = new.target_role_arn.as_ref().map(Arn::to_string);
            let unset = before.target_role_arn.as_ref().map(|_| String::new());
            cx.eks()
                .update_pod_identity_association()
                .cluster_name(id.cluster())
                .association_id(id.name())
                .role_arn(new.role_arn.as_str())
                .set_target_role_arn(target.or(unset))
                .disable_session_tags(new.disable_session_tags)
                .send()
                .await
                .map_err(aws("eks", "UpdatePodIdentityAssociation"))?;
        }
        let arn = match &old.outputs {
            Some(outputs) => outputs.arn.to_string(),
            None => need(
                describe(cx, id.cluster(), id.name())
                    .await?
                    .and_then(|found| found.association_arn),
                "associationArn",
            )?,
        };
        update_tags(cx, &arn, before.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &PodIdentityAssociationId, _state: &State<Self>) -> Result<()> {
        cx.eks()
            .delete_pod_identity_association()
            .cluster_name(id.cluster())
            .association_id(id.name())
            .send()
            .await
            .map_err(aws("eks", "DeletePodIdentityAssociation"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &PodIdentityAssociationInputs) -> Result<Option<PodIdentityAssociationId>> {
        let answer = cx
            .eks()
            .list_pod_identity_associations()
            .cluster_name(inputs.cluster_name.as_str())
            .namespace(&inputs.namespace)
            .service_account(&inputs.service_account)
            .send()
            .await
            .map_err(aws("eks", "ListPodIdentityAssociations"))?;
        match answer.associations().first().and_then(|found| found.association_id()) {
            Some(found) => ours::<Self>(cx, id(inputs, found)?, inputs).await,
            None => Ok(None),
        }
    }
}

fn id(inputs: &PodIdentityAssociationInputs, association: &str) -> Result<PodIdentityAssociationId> {
    PodIdentityAssociationId::of(inputs.cluster_name.as_str(), association)
        .map_err(|error| Error::Bug(error.to_string()))
}

/// An association by EKS's id of it.
pub(super) async fn describe(cx: &Cx, cluster: &str, association: &str) -> Result<Option<AwsAssociation>> {
    let answer = cx
        .eks()
        .describe_pod_identity_association()
        .cluster_name(cluster)
        .association_id(association)
        .send()
        .await
        .map_err(aws("eks", "DescribePodIdentityAssociation"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.association))
}
