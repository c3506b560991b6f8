//! An addon.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_eks::types::{
    Addon as AwsAddon, AddonHealth, AddonInfo, AddonIssueCode, AddonNamespaceConfigRequest,
    AddonPodIdentityAssociations, Compatibility, ResolveConflicts as AwsResolve,
};
use groundwork_contract::{
    Arn, Document, Input,
    eks::{Addon, AddonArgs, AddonId, AddonInputs, AddonOutputs, AddonPodIdentity, ResolveConflicts},
};
use serde_json::{Map, Value as Json};

use super::{
    configuration::violations,
    describe as describe_cluster,
    get_addon_versions::schema,
    health::{issue, with_issues},
    pod_identity_association, read_tags, to_tags, update_tags,
    updates::{self, Of},
};
use crate::{
    cx::Cx,
    ec2::{maybe, need, parse},
    engine::ours,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

/// What EKS calls an addon whose last update has failed, whatever it shows of what that was to change.
const UPDATE_FAILED: &str = "UPDATE_FAILED";

impl Resource for Addon {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    /// Its pods may wait for the first node.
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_mins(30),
        update: Duration::from_mins(30),
        delete: Duration::from_mins(30),
    };
    const RHYTHM: Rhythm = Rhythm::MINUTES;
    /// A cluster has each addon once.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &AddonInputs) -> Result<Created<Self>> {
        let namespace = inputs.namespace.as_ref();
        cx.eks()
            .create_addon()
            .client_request_token(&cx.client_token)
            .cluster_name(inputs.cluster_name.as_str())
            .addon_name(&inputs.addon_name)
            // Without one, EKS takes its default for the cluster's version.
            .set_addon_version(inputs.addon_version.clone())
            .set_configuration_values(inputs.configuration_values.as_ref().map(Document::to_text))
            .resolve_conflicts(resolve(inputs.resolve_conflicts_on_create))
            .set_service_account_role_arn(inputs.service_account_role_arn.as_ref().map(Arn::to_string))
            .set_pod_identity_associations(identities(inputs.pod_identity_associations.as_ref())?)
            .set_namespace_config(namespace.map(|name| AddonNamespaceConfigRequest::builder().namespace(name).build()))
            .set_tags(to_tags(inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("eks", "CreateAddon"))?;
        id(inputs).map(Created::new)
    }

    async fn read(cx: &Cx, id: &AddonId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(addon) = describe(cx, id).await? else {
            return Ok(None);
        };
        Ok(Some(Live {
            inputs: inputs(cx, &addon, last.map(|last| &last.inputs)).await?,
            outputs: AddonOutputs {
                arn: parse(addon.addon_arn(), "addonArn")?,
                status: updates::status(cx, id.cluster(), Of::Addon(id.name()), status(&addon)).await?,
                issues: issues(&addon),
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &AddonId, _old: &State<Self>, new: &AddonInputs) -> Result<()> {
        let Some(addon) = describe(cx, id).await? else {
            let message = format!("{id} does not exist");
            return Err(Error::refused(
                "eks",
                "DescribeAddon",
                "ResourceNotFoundException",
                &message,
                None,
            ));
        };
        if matches!(status(&addon), "CREATING" | "UPDATING") {
            return Ok(());
        }
        let now = inputs(cx, &addon, Some(new)).await?;
        // A version that is named again is asked for again.
        let again = status(&addon) == UPDATE_FAILED;
        let version = new.addon_version.clone();
        let version = if again {
            version.or_else(|| now.addon_version.clone())
        } else {
            version.filter(|wanted| Some(wanted) != now.addon_version.as_ref())
        };
        if again || differs(&now, new) {
            let reset = now.configuration_values.as_ref().map(|_| "{}".to_owned());
            let answer = cx
                .eks()
                .update_addon()
                .client_request_token(cx.update_token())
                .cluster_name(id.cluster())
                .addon_name(id.name())
                .set_addon_version(version)
                .set_configuration_values(new.configuration_values.as_ref().map(Document::to_text).or(reset))
                .resolve_conflicts(resolve(new.resolve_conflicts_on_update))
                .set_service_account_role_arn(new.service_account_role_arn.as_ref().map(Arn::to_string))
                // An empty list takes all away; none at all would leave them.
                .set_pod_identity_associations(
                    identities(new.pod_identity_associations.as_ref())?
                        .or_else(|| now.pod_identity_associations.as_ref().map(|_| Vec::new())),
                )
                .send()
                .await
                .map_err(aws("eks", "UpdateAddon"))?;
            updates::begin(cx, answer.update());
        }
        let arn = need(addon.addon_arn(), "addonArn")?;
        update_tags(cx, arn, now.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &AddonId, state: &State<Self>) -> Result<()> {
        cx.eks()
            .delete_addon()
            .cluster_name(id.cluster())
            .addon_name(id.name())
            .preserve(state.inputs.preserve)
            .send()
            .await
            .map_err(aws("eks", "DeleteAddon"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        let AddonOutputs { status, issues, .. } = &live.outputs;
        match status.as_str() {
            // The addon goes on as it was; the update is `unfinished`.
            "ACTIVE" | UPDATE_FAILED => Phase::Ready,
            "CREATE_FAILED" | "DELETE_FAILED" => Phase::Failed(with_issues(status, issues)),
            // DEGRADED as well: its pods may only wait for a node.
            other => Phase::Pending(with_issues(other, issues)),
        }
    }

    fn unfinished(live: &Live<Self>) -> Option<&'static str> {
        (live.outputs.status == UPDATE_FAILED).then_some("addonVersion")
    }

    async fn find(cx: &Cx, inputs: &AddonInputs) -> Result<Option<AddonId>> {
        ours::<Self>(cx, id(inputs)?, inputs).await
    }

    async fn foresee(cx: &Cx, args: &AddonArgs) -> Result<Vec<Finding>> {
        let Some(name) = args.addon_name.known() else {
            return Ok(Vec::new());
        };
        let kubernetes = match args.cluster_name.known() {
            Some(cluster) => describe_cluster(cx, cluster.as_str())
                .await?
                .and_then(|cluster| cluster.version),
            None => None,
        };
        let offered_here = offered(cx, &name, kubernetes.as_deref()).await?;
        let whereto = kubernetes
            .as_ref()
            .map_or_else(String::new, |version| format!(" for Kubernetes {version}"));
        let pinned = args.addon_version.as_ref().map(Input::known);
        let version = match &pinned {
            Some(pinned) => pinned.as_deref(),
            None => offered_here
                .iter()
                .find(|(_, default)| *default)
                .or_else(|| offered_here.first())
                .map(|(version, _)| version.as_str()),
        };
        let fits = |offered: &[(String, bool)]| match version {
            Some(version) => offered.iter().any(|(other, _)| other == version),
            None => !offered.is_empty(),
        };
        let mut findings = Vec::new();
        if !fits(&offered_here) {
            let (property, message) = if offered_here.is_empty() {
                let message = format!(
                    "EKS has no addon {name}{whereto} in {}; `aws eks describe-addon-versions` lists those that it has",
                    cx.aws.region
                );
                ("addonName", message)
            } else {
                let versions: Vec<&str> = offered_here.iter().map(|(version, _)| version.as_str()).collect();
                let message = format!(
                    "EKS has no {} of {name}{whereto}; it has {}",
                    version.unwrap_or_default(),
                    versions.join(", ")
                );
                ("addonVersion", message)
            };
            // The same `up` may take the cluster to the version that it is for, before it comes to the addon.
            let elsewhere = kubernetes.is_some() && fits(&offered(cx, &name, None).await?);
            findings.push(Finding {
                property: Some(property),
                message: if elsewhere {
                    format!("{message}. It is for another version of Kubernetes, which the cluster has to be taken to as well")
                } else {
                    message
                },
                fatal: !elsewhere,
            });
            if !elsewhere {
                return Ok(findings);
            }
        }
        let Some(version) = version else { return Ok(findings) };
        let values = args.configuration_values.as_ref().and_then(Input::known);
        let Some(values) = values else { return Ok(findings) };
        let Some(schema) = schema(cx, &name, version)
            .await?
            .and_then(|text| serde_json::from_str(&text).ok())
        else {
            return Ok(findings);
        };
        let found = violations(&schema, &values.as_json());
        findings.extend(found.into_iter().map(|reason| Finding {
            property: Some("configurationValues"),
            message: format!("{reason} ({name} {version})"),
            // Which version it will be is not known before the cluster is.
            fatal: pinned.is_some() || kubernetes.is_some(),
        }));
        Ok(findings)
    }
}

fn id(inputs: &AddonInputs) -> Result<AddonId> {
    AddonId::of(inputs.cluster_name.as_str(), &inputs.addon_name).map_err(|error| Error::Invalid(error.to_string()))
}

fn resolve(resolve: ResolveConflicts) -> AwsResolve {
    AwsResolve::from(resolve.word())
}

fn identities(given: Option<&BTreeSet<AddonPodIdentity>>) -> Result<Option<Vec<AddonPodIdentityAssociations>>> {
    let one = |identity: &AddonPodIdentity| {
        AddonPodIdentityAssociations::builder()
            .service_account(&identity.service_account)
            .role_arn(identity.role_arn.as_str())
            .build()
            .map_err(|error| Error::Bug(error.to_string()))
    };
    given.map(|given| given.iter().map(one).collect()).transpose()
}

async fn describe(cx: &Cx, id: &AddonId) -> Result<Option<AwsAddon>> {
    let answer = cx
        .eks()
        .describe_addon()
        .cluster_name(id.cluster())
        .addon_name(id.name())
        .send()
        .await
        .map_err(aws("eks", "DescribeAddon"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.addon))
}

fn status(addon: &AwsAddon) -> &str {
    addon.status().map_or("", |status| status.as_str())
}

fn issues(addon: &AwsAddon) -> Vec<String> {
    let issues = addon.health().map(AddonHealth::issues).unwrap_or_default();
    issues
        .iter()
        .map(|found| {
            issue(
                found.code().map(AddonIssueCode::as_str),
                found.message(),
                found.resource_ids(),
            )
        })
        .collect()
}

/// The inputs as a user would have written them; what EKS does not give back is as it was.
async fn inputs(cx: &Cx, addon: &AwsAddon, last: Option<&AddonInputs>) -> Result<AddonInputs> {
    let mut identities = BTreeSet::new();
    for arn in addon.pod_identity_associations() {
        // arn:aws:eks:<region>:<account>:podidentityassociation/<cluster>/<id>
        let association = arn.rsplit('/').next().unwrap_or_default();
        let cluster = addon.cluster_name().unwrap_or_default();
        if let Some(found) = pod_identity_association::describe(cx, cluster, association).await? {
            identities.insert(AddonPodIdentity {
                service_account: need(found.service_account.clone(), "serviceAccount")?,
                role_arn: parse(found.role_arn(), "roleArn")?,
            });
        }
    }
    Ok(AddonInputs {
        cluster_name: parse(addon.cluster_name(), "clusterName")?,
        addon_name: need(addon.addon_name.clone(), "addonName")?,
        addon_version: addon.addon_version.clone(),
        configuration_values: addon.configuration_values().and_then(configuration),
        resolve_conflicts_on_create: last.map_or(ResolveConflicts::Overwrite, |last| last.resolve_conflicts_on_create),
        resolve_conflicts_on_update: last.map_or(ResolveConflicts::Overwrite, |last| last.resolve_conflicts_on_update),
        service_account_role_arn: maybe(addon.service_account_role_arn(), "serviceAccountRoleArn")?,
        pod_identity_associations: (!identities.is_empty()).then_some(identities),
        namespace: addon.namespace_config().and_then(|config| config.namespace.clone()),
        preserve: last.is_some_and(|last| last.preserve),
        tags: read_tags(addon.tags.clone()),
    })
}

/// A configuration as EKS gives it back: the text that it was given. None is as good as an empty one; what another tool gave
/// as YAML differs from all that can be asked for.
fn configuration(text: &str) -> Option<Document> {
    let map = match serde_json::from_str(text) {
        Ok(Json::Object(map)) => map,
        _ if text.trim().is_empty() => Map::new(),
        _ => [("(not JSON)".to_owned(), Json::from(text))].into_iter().collect(),
    };
    (!map.is_empty()).then(|| map.into())
}

/// Whether EKS has to change more than tags.
fn differs(now: &AddonInputs, new: &AddonInputs) -> bool {
    let configured = match (&now.configuration_values, &new.configuration_values) {
        (None, None) => true,
        (Some(now), Some(new)) => now.means(new),
        (None, Some(new)) => new.as_json().as_object().is_some_and(Map::is_empty),
        (Some(_), None) => false,
    };
    let of = |identities: &Option<BTreeSet<AddonPodIdentity>>| identities.clone().unwrap_or_default();
    !configured
        || new.addon_version.is_some() && new.addon_version != now.addon_version
        || new.service_account_role_arn != now.service_account_role_arn
        || of(&new.pod_identity_associations) != of(&now.pod_identity_associations)
}

/// The versions of an addon, and whether each is a default; none of one that EKS does not know.
async fn offered(cx: &Cx, name: &str, kubernetes: Option<&str>) -> Result<Vec<(String, bool)>> {
    let mut pages = cx
        .eks()
        .describe_addon_versions()
        .addon_name(name)
        .set_kubernetes_version(kubernetes.map(str::to_owned))
        .into_paginator()
        .send();
    let mut offered = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page.map_err(aws("eks", "DescribeAddonVersions")) {
            Err(error) if matches!(error.kind(), Kind::Missing | Kind::Invalid) => break,
            page => page?,
        };
        let versions = page
            .addons()
            .iter()
            .filter(|found| found.addon_name() == Some(name))
            .flat_map(AddonInfo::addon_versions);
        for version in versions {
            let default = version.compatibilities().iter().any(Compatibility::default_version);
            offered.push((version.addon_version().unwrap_or_default().to_owned(), default));
        }
    }
    Ok(offered)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_configuration_is_none() {
        assert_eq!(configuration("{}"), None);
        assert_eq!(configuration(" "), None);
        let yaml = configuration("replicaCount: 2").unwrap();
        assert_eq!(yaml.as_json(), json!({"(not JSON)": "replicaCount: 2"}));
    }
}
