//! What every chapter stands on: the engine, the provider, the platform's name, tags and stamp.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract::{
    AccountId, Arn, AssumeRole, Document, Input, Output, Partition, Region, Stamp, StampArgs, ZoneName,
    ec2::VpcEndpointService,
    findings::Finding,
    iam::Trust,
    teardown::{Audit, AuditArgs},
};

use crate::{
    plan::{IdentityPlan, Plan, Registry},
    sdk::{Context, IsResource, ProviderRef, Resource, ResourceOptions, Result, Severity},
    settings::Preset,
    survey::Survey,
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
    /// The zones of a new network.
    pub zones: Vec<ZoneName>,
    /// The services of the endpoints, as the region offers them.
    pub services: Vec<VpcEndpointService>,
    /// Who administers the cluster.
    pub administrators: BTreeSet<Arn>,
    /// The profile of the AWS configuration that credentials come from.
    pub profile: Option<String>,
    /// The role that is assumed with these.
    pub assume_role: Option<AssumeRole>,
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
    /// Declares the provider, asks all that there is to ask, and only then declares the stamp and the audit.
    ///
    /// # Errors
    /// AWS does not answer, or has not what the plan needs.
    pub async fn new(pulumi: &Context, plan: &Plan) -> Result<Self> {
        let provider = pulumi.provider(
            "groundwork",
            "aws",
            Input::<BTreeMap<String, String>>::from(provider_inputs(pulumi)),
            None,
        );
        let Survey {
            region,
            account,
            zones,
            services,
            administrators,
        } = Survey::new(pulumi, &provider, plan).await?;
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
            region,
            account,
            zones,
            services,
            administrators,
            profile: profile(pulumi),
            assume_role: assume_role(pulumi),
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
}

/// The profile, where it is no secret.
fn profile(pulumi: &Context) -> Option<String> {
    let of = |namespace| pulumi.config(namespace).get::<String>("profile").ok().flatten();
    of("groundwork").or_else(|| of("aws"))
}

/// The role that the provider assumes. A malformed one is the provider's to tell.
pub(crate) fn assume_role(pulumi: &Context) -> Option<AssumeRole> {
    pulumi.config("groundwork").get_object("assumeRole").ok().flatten()
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
