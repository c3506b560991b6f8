//! What is asked before anything is made: whether there can be such a platform here, and who administers it.
//!
//! All questions that do not need each other's answers are asked side by side.

use std::collections::BTreeSet;

use groundwork_contract::{
    AccountId, Arn, Output, Region, ZoneName,
    ec2::{GetAvailabilityZones, GetAvailabilityZonesArgs, VpcEndpointService},
    eks::{
        ClusterName, GetCluster, GetClusterArgs, GetClusterVersions, GetClusterVersionsArgs, GetClusterVersionsResult,
        KubernetesVersion, REFUSED_ZONE_IDS, SupportType, VersionStatus,
    },
    iam::{GetRole, GetRoleArgs, RoleName},
    index::{GetRegion, GetRegionArgs},
    sts::{GetCallerIdentity, GetCallerIdentityArgs},
};

use crate::{
    endpoints,
    plan::{ClusterPlan, NetworkPlan, Plan, Zones},
    principal::{Principal, principal_of},
    sdk::{Context, Error, InvokeOptions, ProviderRef, Result},
    settings::PlatformName,
};

/// What AWS answered.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The region.
    pub region: Region,
    /// The account.
    pub account: Output<AccountId>,
    /// The zones of a new network.
    pub zones: Vec<ZoneName>,
    /// The services of the endpoints, as the region offers them.
    pub services: Vec<VpcEndpointService>,
    /// Who administers the cluster, everybody once.
    pub administrators: BTreeSet<Arn>,
}

impl Survey {
    /// Asks.
    ///
    /// # Errors
    /// AWS does not answer, or has not what the plan needs.
    pub async fn new(pulumi: &Context, provider: &ProviderRef, plan: &Plan) -> Result<Self> {
        let asked = || InvokeOptions::new().provider(provider);
        // The first question alone: whatever keeps the provider from answering is then told once.
        let region = pulumi.invoke_with::<GetRegion>(GetRegionArgs::new(), asked());
        let Some(region) = region.value().await? else {
            return Err(Error::new(
                "the provider's region is not known yet: set groundwork:region to a plain value",
            ));
        };
        let region = region.region;
        let identity = pulumi.invoke_with::<GetCallerIdentity>(GetCallerIdentityArgs::new(), asked());
        let versions = pulumi.invoke_with::<GetClusterVersions>(GetClusterVersionsArgs::new(), asked());
        let refused: Vec<String> = REFUSED_ZONE_IDS.iter().map(|id| (*id).to_owned()).collect();
        let zones = match &plan.network {
            NetworkPlan::New(new) => {
                let args = GetAvailabilityZonesArgs::new().exclude_zone_ids(refused);
                Some((&new.zones, pulumi.invoke_with::<GetAvailabilityZones>(args, asked())))
            }
            NetworkPlan::Existing(_) => None,
        };
        let services = endpoints::ask(pulumi, asked(), &region, &plan.endpoints);

        let asking = Asking {
            pulumi,
            provider,
            region: &region,
        };
        let caller = identity.value().await?.map(|identity| identity.arn);
        let administrators = asking.administrators(&plan.cluster, caller.as_ref()).await?;
        if let Some(versions) = versions.value().await? {
            asking.check_version(&plan.name, &plan.cluster, &versions).await?;
        }
        let zones = match zones {
            Some((wanted, usable)) => {
                let usable = usable.value().await?.map(|zones| zones.names).unwrap_or_default();
                chosen(&region, wanted, usable)?
            }
            None => Vec::new(),
        };
        let services = match services {
            Some(services) => services
                .value()
                .await?
                .map(|answer| answer.services)
                .unwrap_or_default(),
            None => Vec::new(),
        };
        if let NetworkPlan::New(_) = &plan.network {
            for service in &plan.endpoints.interface {
                endpoints::zones_of(&region, &services, service, &zones)?;
            }
        }
        Ok(Self {
            account: identity.field("account"),
            region,
            zones,
            services,
            administrators,
        })
    }
}

/// The zones of a plan, as the region has them: those that every account may use and EKS accepts, by name.
fn chosen(region: &Region, wanted: &Zones, usable: Vec<ZoneName>) -> Result<Vec<ZoneName>> {
    let listed = || usable.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match wanted {
        Zones::Count(count) if usable.len() < *count => Err(Error::new(format!(
            "platform:network.zoneCount: {count} zones are asked for, but {region} has {} that EKS accepts ({}); ask for \
             fewer",
            usable.len(),
            listed()
        ))),
        Zones::Count(count) => Ok(usable.into_iter().take(*count).collect()),
        Zones::Named(names) => match names.iter().find(|name| !usable.contains(name)) {
            None => Ok(names.clone()),
            Some(name) => Err(Error::new(format!(
                "platform:network.zones: {name} is no zone of {region} that EKS accepts; there are {}",
                listed()
            ))),
        },
    }
}

/// Questions that follow from answers.
struct Asking<'a> {
    pulumi: &'a Context,
    provider: &'a ProviderRef,
    region: &'a Region,
}

impl Asking<'_> {
    fn options(&self) -> InvokeOptions {
        InvokeOptions::new().provider(self.provider)
    }

    /// Who administers the cluster. Whoever makes it must be one of them, or could put nothing into it.
    async fn administrators(&self, plan: &ClusterPlan, caller: Option<&Arn>) -> Result<BTreeSet<Arn>> {
        let mut administrators = plan.admins.clone();
        if plan.creator_is_admin {
            return Ok(administrators);
        }
        let deployer = match (&plan.deployer_arn, caller) {
            (Some(arn), _) => arn.clone(),
            (None, Some(caller)) => self.principal(caller).await?,
            (None, None) if plan.deployer => return Err(Error::new("who runs Pulumi is not known yet")),
            (None, None) => return Ok(administrators),
        };
        if !plan.deployer && !administrators.contains(&deployer) {
            return Err(Error::new(format!(
                "platform:cluster.access.admins: {deployer}, who runs Pulumi, is none of them, and `deployer` is false: the \
                 cluster would not let it put anything in; name it, or leave `deployer` out"
            )));
        }
        administrators.insert(deployer);
        Ok(administrators)
    }

    async fn principal(&self, caller: &Arn) -> Result<Arn> {
        const PATH: &str = "platform:cluster.access.deployerArn";
        match principal_of(caller).map_err(|why| Error::new(format!("{PATH}: {why}")))? {
            Principal::Known(arn) => Ok(arn),
            Principal::Role(name) => match self.role(&name).await {
                Some(arn) => Ok(arn),
                None => Err(Error::new(format!(
                    "{PATH}: EKS knows the role of {caller} by its whole ARN, which a session does not tell and IAM \
                     (iam:GetRole) did not; set it to what `aws iam get-role --role-name {name} --query Role.Arn` says"
                ))),
            },
        }
    }

    /// The ARN of a role, if IAM tells it; why not is told by the function.
    async fn role(&self, name: &RoleName) -> Option<Arn> {
        let answer = self
            .pulumi
            .invoke_with::<GetRole>(GetRoleArgs::new(name.clone()), self.options());
        Some(answer.value().await.ok()??.arn)
    }

    /// EKS knows versions that this release does not.
    async fn check_version(
        &self,
        name: &PlatformName,
        plan: &ClusterPlan,
        answer: &GetClusterVersionsResult,
    ) -> Result {
        let wanted = &plan.version;
        let standard = || {
            let standard = answer
                .versions
                .iter()
                .filter(|version| version.status == VersionStatus::Standard);
            standard
                .map(|version| version.version.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Some(version) = answer.versions.iter().find(|version| version.version == *wanted) else {
            return Err(Error::new(format!(
                "platform:version: EKS has no Kubernetes {wanted} in {}; it has {} in standard support",
                self.region,
                standard()
            )));
        };
        if version.status == VersionStatus::Standard || plan.support_type == Some(SupportType::Extended) {
            return Ok(());
        }
        // One that the cluster runs came there by itself, which the provider tells.
        if self.running(name).await.as_ref() == Some(wanted) {
            return Ok(());
        }
        Err(Error::new(format!(
            "platform:version: {wanted} has left standard support, which costs ${} a month more; take one of {}, or \
             consent with `cluster.supportType: EXTENDED`",
            plan.extended_dollars_per_month,
            standard()
        )))
    }

    /// The version of the cluster that is there, if one is.
    async fn running(&self, name: &PlatformName) -> Option<KubernetesVersion> {
        let name: ClusterName = name.as_str().parse().ok()?;
        let answer = self
            .pulumi
            .invoke_with::<GetCluster>(GetClusterArgs::new(name), self.options());
        Some(answer.value().await.ok()??.version)
    }
}
