//! Roles: how services, nodes and pods get their rights.

use groundwork_contract::{
    AccountId, Arn, Document, Input, Output,
    iam::{
        Policy, PolicyArgs, PolicyDocument, PolicyName, PolicyPlace, Role, RoleArgs, RoleName, RolePolicyAttachment,
        RolePolicyAttachmentArgs,
    },
};

use crate::{
    ground::Ground,
    sdk::{Resource, ResourceOptions},
};

/// A role together with what it may do.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The role's name.
    pub name: Output<RoleName>,
    /// Its ARN. Whoever uses it comes after the role's policies, and is gone before they are taken off.
    pub arn: Output<Arn>,
}

impl Ground {
    /// A managed policy of AWS's.
    pub fn managed_policy(&self, name: &str) -> Input<Arn> {
        Input::from(format!("arn:{}:iam::aws:policy/{name}", self.partition()).as_str())
    }

    /// A role of a name with policies.
    pub fn role(
        &self,
        name: &str,
        description: &str,
        trust: impl Into<Input<Document>>,
        policies: impl IntoIterator<Item = Input<Arn>>,
    ) -> Granted {
        let mut args = RoleArgs::new(trust)
            .name(name)
            .description(description)
            .tags(self.tags(name, []));
        if let Some(path) = &self.roles.path {
            args = args.path(path.clone());
        }
        if let Some(boundary) = &self.roles.permissions_boundary {
            args = args.permissions_boundary(boundary.clone());
        }
        let role = self.pulumi.create::<Role>(name, args, self.options());
        let attached = policies.into_iter().enumerate().map(|(index, policy)| {
            self.pulumi.create::<RolePolicyAttachment>(
                &format!("{name}-policy-{index}"),
                RolePolicyAttachmentArgs::new(&role.id, policy),
                self.below(&role),
            )
        });
        let urns: Vec<Output<String>> = attached.map(|attachment| attachment.urn).collect();
        Granted {
            name: role.id.clone(),
            arn: role.arn.zip(&Output::all(urns)).map(|(arn, _): (Arn, Vec<String>)| arn),
        }
    }

    /// A policy of the platform's own, for this cluster.
    pub fn policy(&self, document: PolicyDocument, node_role: &Output<RoleName>) -> Input<Arn> {
        let name = format!("{}-{}", self.cluster, document.word());
        let (region, cluster) = (self.region.clone(), self.cluster.clone());
        let path = self
            .roles
            .path
            .as_ref()
            .map_or_else(String::new, |path| path.as_str().trim_start_matches('/').to_owned());
        let filled = self
            .account
            .zip(node_role)
            .try_map(move |(account, node_role): (AccountId, RoleName)| {
                document.fill(&PolicyPlace {
                    account: &account,
                    region: &region,
                    cluster: &cluster,
                    node_role: &format!("{path}{node_role}"),
                })
            });
        let mut args = PolicyArgs::new(filled)
            .name(Input::<PolicyName>::from(name.as_str()))
            .tags(self.tags(&name, []));
        if let Some(path) = &self.roles.path {
            args = args.path(path.clone());
        }
        let policy: Resource<Policy> = self.pulumi.create::<Policy>(&name, args, self.options());
        (&policy.id).into()
    }

    /// Options of what an IAM role of this platform is used by.
    pub fn options_after(&self, dependencies: &[crate::sdk::Dependency]) -> ResourceOptions {
        self.options().depends_on_all(dependencies.iter().cloned())
    }
}
