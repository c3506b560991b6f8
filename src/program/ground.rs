//! What every chapter stands on: the engine, the provider, the platform's name, tags and stamp.

use std::collections::BTreeMap;

use groundwork_contract::{
    AccountId, Arn, Document, Input, Output, Partition, Region, Stamp, StampArgs,
    ec2::{GetAvailabilityZones, GetAvailabilityZonesArgs},
    findings::Finding,
    iam::Trust,
    index::{GetRegion, GetRegionArgs},
    sts::{GetCallerIdentity, GetCallerIdentityArgs},
    teardown::{Audit, AuditArgs},
};

use crate::{
    plan::{IdentityPlan, Plan, REFUSED_ZONE_IDS, Registry},
    sdk::{Context, Error, InvokeOptions, IsResource, ProviderRef, Resource, ResourceOptions, Result, Severity},
    settings::Preset,
};

/// What every chapter stands on.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The engine.
    pub pulumi: Context,
    /// The preset that the plan began from.
    pub preset: Preset,
    /// The first word of resources' names.
    pub prefix: String,
    /// The name of the cluster to come.
    pub cluster: String,
    /// The region.
    pub region: Region,
    /// The account.
    pub account: Output<AccountId>,
    /// Who runs Pulumi.
    pub caller: Output<Arn>,
    /// The profile of the AWS configuration that credentials come from.
    pub profile: Option<String>,
    /// The path and the bounds of roles.
    pub roles: IdentityPlan,
    /// A registry that is reached without the internet.
    pub registry: Option<Registry>,
    /// The platform's stamp.
    pub stamp: Resource<Stamp>,
    provider: ProviderRef,
    audit: Resource<Audit>,
    tags: BTreeMap<String, String>,
}

impl Ground {
    /// Declares the provider, the stamp and the audit, and asks where we are.
    ///
    /// # Errors
    /// The provider cannot tell its region.
    pub async fn new(pulumi: &Context, plan: &Plan) -> Result<Self> {
        let provider = pulumi.provider(
            "groundwork",
            "aws",
            Input::<BTreeMap<String, String>>::from(provider_inputs(pulumi)),
            None,
        );
        let asked = InvokeOptions::new().provider(&provider);
        // The first question alone: whatever keeps the provider from answering is then told once.
        let region = pulumi.invoke_with::<GetRegion>(GetRegionArgs::new(), asked.clone());
        let Some(region) = region.value().await? else {
            return Err(Error::new(
                "the provider's region is not known yet: set groundwork:region to a plain value",
            ));
        };
        let identity = pulumi.invoke_with::<GetCallerIdentity>(GetCallerIdentityArgs::new(), asked);
        // The architectures of preset `demo` say `demo` throughout; otherwise the platform's own name.
        let prefix = if plan.preset == Preset::Demo {
            "demo".to_owned()
        } else {
            plan.name.to_string()
        };
        let stamp = pulumi.create::<Stamp>(&format!("{prefix}-stamp"), StampArgs::new(), options(&provider));
        // First in, last out: nothing of ours may remain.
        let audit = pulumi.create::<Audit>(
            &format!("{prefix}-audit"),
            AuditArgs::new(&stamp.id).cluster_name(plan.name.as_str()),
            options(&provider),
        );
        let mut tags = BTreeMap::new();
        if plan.preset == Preset::Demo {
            tags.insert("stack:name".to_owned(), "demo-eks-stack".to_owned());
            tags.insert("stack:pulumi".to_owned(), pulumi.stack().to_owned());
        }
        tags.extend(plan.tags.clone());
        Ok(Self {
            pulumi: pulumi.clone(),
            preset: plan.preset,
            prefix,
            cluster: plan.name.to_string(),
            region: region.region,
            account: identity.field("account"),
            caller: identity.field("arn"),
            profile: profile(pulumi),
            roles: plan.identity.clone(),
            registry: plan.registry.clone(),
            stamp,
            provider,
            audit,
            tags,
        })
    }

    /// The same ground for a platform beside this one.
    #[must_use]
    pub fn renamed(&self, prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            ..self.clone()
        }
    }

    /// The region's partition.
    pub fn partition(&self) -> Partition {
        Partition::of(&self.region)
    }

    /// A resource's name: the prefix and its own words.
    pub fn name(&self, words: &str) -> String {
        format!("{}-{words}", self.prefix)
    }

    /// The name of something that has one in AWS: the cluster's and its own words.
    pub fn in_cluster(&self, words: &str) -> String {
        format!("{}-{words}", self.cluster)
    }

    /// Who may assume a role, in the words of the preset.
    pub fn trust(&self, trust: Trust) -> Document {
        match self.preset {
            Preset::Demo => trust.named("AllowAssumeRole").document(),
            Preset::Standard | Preset::Private => trust.document(),
        }
    }

    /// Options of a resource without a parent: it comes after the audit, which is the last to go.
    pub fn options(&self) -> ResourceOptions {
        options(&self.provider).depends_on(&self.audit)
    }

    /// Options of a resource below another one.
    pub fn below(&self, parent: &impl IsResource) -> ResourceOptions {
        self.options().parent(parent)
    }

    /// Options of a function.
    pub fn asking(&self) -> InvokeOptions {
        InvokeOptions::new().provider(&self.provider)
    }

    /// Tags of a resource: its name, the stamp, the user's, and some of its own.
    pub fn tags<const N: usize>(&self, name: &str, own: [(&str, &str); N]) -> BTreeMap<String, Input<String>> {
        let text = |(key, value): (&str, &str)| (key.to_owned(), Input::from(value));
        let users = self.tags.iter().map(|(key, value)| text((key, value)));
        // The stamp comes last: nothing may hide whose a thing is.
        [text(("Name", name))]
            .into_iter()
            .chain(own.map(text))
            .chain(users)
            .chain(self.stamped())
            .collect()
    }

    /// The stamp alone, for what carries no name.
    pub fn stamped(&self) -> BTreeMap<String, Input<String>> {
        [(
            groundwork_contract::tags::STAMP.to_owned(),
            Input::from(self.stamp.id.cast::<String>()),
        )]
        .into()
    }

    /// Warns of something about this platform.
    pub fn warn(&self, finding: &Finding, what: &str) {
        self.pulumi.log(Severity::Warning, finding.about(what));
    }

    /// The zones of the region that every account may use and EKS accepts, in the order of their names.
    ///
    /// # Errors
    /// AWS does not tell.
    pub async fn zones(&self) -> Result<Vec<groundwork_contract::ZoneName>> {
        let refused: Vec<String> = REFUSED_ZONE_IDS.iter().map(|id| (*id).to_owned()).collect();
        let args = GetAvailabilityZonesArgs::new().exclude_zone_ids(refused);
        let zones = self.pulumi.invoke_with::<GetAvailabilityZones>(args, self.asking());
        Ok(zones.value().await?.map(|zones| zones.names).unwrap_or_default())
    }
}

/// The profile, where it is no secret.
fn profile(pulumi: &Context) -> Option<String> {
    let of = |namespace| pulumi.config(namespace).get::<String>("profile").ok().flatten();
    of("groundwork").or_else(|| of("aws"))
}

fn options(provider: &ProviderRef) -> ResourceOptions {
    ResourceOptions::new().provider(provider)
}

/// The stack's provider configuration. `aws:region` and `aws:profile` are taken where ours are not set.
fn provider_inputs(pulumi: &Context) -> BTreeMap<String, Input<String>> {
    let own = pulumi.config("groundwork");
    let aws = pulumi.config("aws");
    let mut inputs: BTreeMap<String, Input<String>> = BTreeMap::new();
    for key in ["region", "profile"] {
        if let Ok(Some(value)) = aws.get_secret::<String>(key) {
            inputs.insert(
                key.to_owned(),
                if aws.is_secret(key) { value } else { value.revealed() }.into(),
            );
        }
    }
    for key in own.keys() {
        if let Ok(Some(value)) = own.get_secret::<String>(key) {
            inputs.insert(
                key.to_owned(),
                if own.is_secret(key) { value } else { value.revealed() }.into(),
            );
        }
    }
    inputs
}
