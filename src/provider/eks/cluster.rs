//! A cluster.

use std::time::Duration;

use aws_sdk_eks::types::CreateAccessConfigRequest;
use groundwork_contract::eks::{Cluster, ClusterArgs, ClusterInputs, ClusterName};

use super::{
    cluster_ahead, cluster_form as form,
    cluster_steps::{next, refuse},
    describe, leftovers,
    step::{Step, take},
    to_tags, update_tags,
    updates::{self, Of},
};
use crate::{
    cx::Cx,
    error::{Error, Kind, Result, aws},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

/// A cluster whose logs cannot be turned off can be deleted all the same.
const LOGS_STAY_ON: &str = "its logs could not be turned off before its deletion, so its log group may come back";

impl Resource for Cluster {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    // A creation takes some ten minutes, an update of the version as long for each minor version.
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_mins(45),
        update: Duration::from_hours(3),
        delete: Duration::from_mins(45),
    };
    const RHYTHM: Rhythm = Rhythm::MINUTES;
    // One that never came up has the name as well.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &ClusterInputs) -> Result<Created<Self>> {
        let access = &inputs.access_config;
        cx.eks()
            .create_cluster()
            .client_request_token(&cx.client_token)
            .name(inputs.name.as_str())
            .set_version(inputs.version.as_ref().map(ToString::to_string))
            .role_arn(inputs.role_arn.as_str())
            .resources_vpc_config(form::vpc_config(&inputs.resources_vpc_config))
            .set_kubernetes_network_config(inputs.kubernetes_network_config.as_ref().map(form::network_config))
            .set_logging(
                inputs
                    .enabled_cluster_log_types
                    .as_ref()
                    .map(|types| form::logging(types, true)),
            )
            .set_encryption_config(
                inputs
                    .encryption_config
                    .as_ref()
                    .map(|config| vec![form::encryption(config)]),
            )
            .access_config(
                CreateAccessConfigRequest::builder()
                    .authentication_mode(access.authentication_mode.word().into())
                    .bootstrap_cluster_creator_admin_permissions(access.bootstrap_cluster_creator_admin_permissions)
                    .build(),
            )
            .bootstrap_self_managed_addons(inputs.bootstrap_self_managed_addons)
            .upgrade_policy(form::upgrade_policy(&inputs.upgrade_policy))
            .zonal_shift_config(form::zonal_shift(&inputs.zonal_shift_config))
            .deletion_protection(inputs.deletion_protection)
            .set_compute_config(inputs.compute_config.as_ref().map(form::compute))
            .set_storage_config(inputs.storage_config.as_ref().map(form::storage))
            .set_remote_network_config(inputs.remote_network_config.as_ref().map(form::remote_network))
            .set_outpost_config(inputs.outpost_config.as_ref().map(form::outpost).transpose()?)
            .set_control_plane_scaling_config(inputs.control_plane_scaling_config.as_ref().map(form::scaling))
            .set_kube_api_server_config(inputs.kube_api_server_config.as_ref().map(form::api_server))
            .set_kube_scheduler_config(inputs.kube_scheduler_config.as_ref().map(form::scheduler))
            .set_kube_controller_manager_config(
                inputs
                    .kube_controller_manager_config
                    .as_ref()
                    .map(form::controller_manager),
            )
            .set_tags(to_tags(inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("eks", "CreateCluster"))?;
        Ok(Created::new(inputs.name.clone()))
    }

    async fn read(cx: &Cx, id: &ClusterName, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(cluster) = describe(cx, id.as_str()).await? else {
            return Ok(None);
        };
        let mut outputs = form::outputs(&cluster)?;
        outputs.status = updates::status(cx, id.as_str(), Of::Cluster, &outputs.status).await?;
        Ok(Some(Live {
            inputs: form::inputs(&cluster, last.map(|last| &last.inputs))?,
            outputs,
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &ClusterName, old: &State<Self>, new: &ClusterInputs) -> Result<()> {
        let Some(live) = Self::read(cx, id, Some(old)).await? else {
            return Ok(());
        };
        refuse(&live.inputs, new)?;
        let arn = live.outputs.arn.as_str();
        update_tags(cx, arn, live.inputs.tags.as_ref(), new.tags.as_ref()).await?;
        // EKS makes one change at a time: this is asked for again once the one that is under way has ended.
        match next(&live.inputs, new).filter(|_| Self::phase(&live) == Phase::Ready) {
            Some(step) => take(cx, id, &step).await,
            None => Ok(()),
        }
    }

    async fn delete(cx: &Cx, id: &ClusterName, _state: &State<Self>) -> Result<()> {
        let live = match Self::read(cx, id, None).await {
            // Nothing but the update of its logs, below, was begun.
            Err(Error::GivenUp(why)) => {
                cx.warn(format!("{LOGS_STAY_ON}: {why}"));
                Self::read(cx, id, None).await?
            }
            live => live?,
        };
        let Some(live) = live else { return Ok(()) };
        if live.inputs.deletion_protection {
            return Err(Error::Invalid(
                "deletionProtection is on; set it to false, run `pulumi up`, and then destroy: nothing was deleted"
                    .to_owned(),
            ));
        }
        match live.outputs.status.as_str() {
            "DELETING" => return Ok(()),
            "CREATING" | "UPDATING" | "PENDING" => {
                return Err(Error::Pending(format!(
                    "waiting for it to end {}",
                    live.outputs.status.to_lowercase()
                )));
            }
            _ => {}
        }
        // A control plane flushes its logs at its end, and makes the log group anew for them.
        if let Some(types) = live.inputs.enabled_cluster_log_types.filter(|types| !types.is_empty())
            && live.outputs.status == "ACTIVE"
            && cx.begun.count() == 0
        {
            match take(
                cx,
                id,
                &Step::Logging {
                    on: None,
                    off: Some(types),
                },
            )
            .await
            {
                Ok(()) => return Err(Error::Pending("turning its logs off".to_owned())),
                Err(error) if matches!(error.kind(), Kind::Throttled | Kind::Unclear | Kind::Busy) => {
                    return Err(error);
                }
                Err(error) => cx.warn(format!("{LOGS_STAY_ON}: {error}")),
            }
        }
        cx.eks()
            .delete_cluster()
            .name(id.as_str())
            .send()
            .await
            .map_err(aws("eks", "DeleteCluster"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        let outputs = &live.outputs;
        match outputs.status.as_str() {
            "ACTIVE" => Phase::Ready,
            "FAILED" => {
                let issues: Vec<String> = outputs
                    .health
                    .iter()
                    .map(|issue| format!("{}: {}", issue.code, issue.message))
                    .collect();
                Phase::Failed(if issues.is_empty() {
                    "EKS could not make it and gives no reason".to_owned()
                } else {
                    issues.join("; ")
                })
            }
            other => Phase::Pending(other.to_lowercase()),
        }
    }

    async fn find(cx: &Cx, inputs: &ClusterInputs) -> Result<Option<ClusterName>> {
        crate::engine::ours::<Self>(cx, inputs.name.clone(), inputs).await
    }

    async fn leftovers(cx: &Cx, id: &ClusterName, state: &State<Self>) -> Result<Vec<String>> {
        leftovers::sweep(cx, id, state).await
    }

    async fn obstacles(cx: &Cx, id: &ClusterName) -> Result<Vec<String>> {
        let groups = cx
            .eks()
            .list_nodegroups()
            .cluster_name(id.as_str())
            .send()
            .await
            .map_err(aws("eks", "ListNodegroups"))?;
        let profiles = cx
            .eks()
            .list_fargate_profiles()
            .cluster_name(id.as_str())
            .send()
            .await
            .map_err(aws("eks", "ListFargateProfiles"))?;
        let groups = groups.nodegroups().iter().map(|name| format!("node group {name}"));
        let profiles = profiles
            .fargate_profile_names()
            .iter()
            .map(|name| format!("Fargate profile {name}"));
        Ok(groups.chain(profiles).collect())
    }

    async fn foresee(cx: &Cx, inputs: &ClusterArgs) -> Result<Vec<Finding>> {
        cluster_ahead::foresee(cx, inputs).await
    }
}
