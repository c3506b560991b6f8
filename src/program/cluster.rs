//! The cluster: its logs, its role, its security groups, the control plane, and who is let in.
//!
//! It comes after the ways out and the endpoints, so that a destroy takes those last: nodes and controllers need them to
//! the end. What runs in the cluster comes after the access of whoever makes it, which therefore goes last as well.
//!
//! What costs: the control plane $73 a month, and its logs $0.50 a GB.

use groundwork_contract::{
    Arn, Input, Ipv4Cidr, Ipv6Cidr, Output,
    ec2::{
        Direction, SecurityGroup, SecurityGroupArgs, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleArgs,
        SubnetId,
    },
    eks::{
        self, AccessConfigArgs, AccessEntry, AccessEntryArgs, AccessEntryType, AccessPolicyArgs, AccessScope,
        AuthenticationMode, ClusterArgs, ClusterName, EncryptionConfigArgs, KubernetesVersion, ResourcesVpcConfigArgs,
        SupportType, UpgradePolicyArgs,
    },
    findings,
    iam::{OpenIdConnectProvider, OpenIdConnectProviderArgs, STS_AUDIENCE, Service, Trust},
    kms::{Alias, AliasArgs, Key, KeyArgs},
    kubernetes::{ApiEndpoint, Connection, ConnectionArgs},
    logs::{LogGroup, LogGroupArgs},
};

use crate::{
    endpoints::{Endpoints, protocol},
    ground::Ground,
    network::Network,
    plan::ClusterPlan,
    roles::Granted,
    sdk::{Dependency, Resource, ResourceOptions, Severity},
    settings::{EncryptionSettings, Preset},
};

/// A cluster that others build on.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: Output<ClusterName>,
    /// Kubernetes' version, which nodes follow.
    pub version: KubernetesVersion,
    /// The cluster.
    pub resource: Resource<eks::Cluster>,
    /// The identity provider that its service accounts are known by.
    pub provider: Resource<OpenIdConnectProvider>,
    /// How its API is reached.
    pub connection: Input<Connection>,
    /// The security group of Karpenter's nodes.
    pub node_group: Output<SecurityGroupId>,
    admitted: Vec<Dependency>,
}

impl Cluster {
    /// Declares the cluster of a plan.
    pub fn new(ground: &Ground, network: &Network, endpoints: &Endpoints, plan: &ClusterPlan) -> Self {
        warn(ground, plan);
        let role = role(ground);
        let groups = Groups::new(ground, network);
        let logs = logs(ground, plan);
        let before: Vec<Dependency> = network
            .ways_out()
            .into_iter()
            .chain(endpoints.made())
            .chain(groups.made.clone())
            .chain([Dependency::from(&logs)])
            .collect();
        let cluster = ground.pulumi.create::<eks::Cluster>(
            &format!("eks-{}", ground.cluster),
            args(ground, network, plan, &role, &groups),
            ground.options_after(&before),
        );
        groups.let_each_other_in(ground, &cluster);
        let admitted = ground
            .administrators
            .iter()
            .map(|administrator| Dependency::from(&admit(ground, &cluster, administrator)))
            .collect();
        let provider = ground.pulumi.create::<OpenIdConnectProvider>(
            &ground.in_cluster("oidc-provider"),
            OpenIdConnectProviderArgs::new(&cluster.oidc_issuer)
                .client_id_list([STS_AUDIENCE])
                .tags(ground.tags(&ground.in_cluster("oidc-provider"), [])),
            ground.below(&cluster),
        );
        let endpoint: Output<ApiEndpoint> = cluster.endpoint.cast();
        let mut connection =
            ConnectionArgs::new(&endpoint, &cluster.certificate_authority, cluster.id.cast::<String>());
        if let Some(proxy) = &plan.proxy_url {
            connection = connection.proxy_url(proxy.clone());
        }
        Self {
            name: cluster.id.clone(),
            version: plan.version.clone(),
            resource: cluster,
            provider,
            connection: connection.into(),
            node_group: groups.nodes.id.clone(),
            admitted,
        }
    }

    /// Options of what is in the cluster: it comes after the access of whoever makes it.
    pub fn within(&self, ground: &Ground) -> ResourceOptions {
        ground
            .below(&self.resource)
            .depends_on_all(self.admitted.iter().cloned())
    }
}

fn warn(ground: &Ground, plan: &ClusterPlan) {
    let name = format!("eks-{}", ground.cluster);
    let public = plan.public_access.as_ref();
    if public.is_some_and(|cidrs| cidrs.iter().any(Ipv4Cidr::is_wide)) {
        ground.warn(&findings::PUBLIC_API, &name);
    }
    if public.is_none() && plan.proxy_url.is_none() {
        ground.pulumi.log(
            Severity::Info,
            "the Kubernetes API is private: Pulumi must run within the VPC or a network that reaches it; else name who \
             calls it (platform:cluster.endpoint.publicAccessCidrs) or a proxy (platform:cluster.proxyUrl)",
        );
    }
    if plan.retention_days < 30 {
        ground.warn(&findings::SHORT_LOGS, &name);
    }
    if plan.authentication_mode != AuthenticationMode::Api {
        ground.warn(&findings::CONFIG_MAP_ACCESS, &name);
    }
    if let Some((until, left)) = plan.support_ends {
        let when = match left {
            ..0 => format!("ended on {until}"),
            0 => format!("ends today, on {until}"),
            1 => format!("ends tomorrow, on {until}"),
            _ => format!("ends in {left} days, on {until}"),
        };
        let what = format!("{name}: standard support of Kubernetes {} {when}", plan.version);
        ground.warn(&findings::ENDING_SUPPORT, &what);
    }
    if plan.creator_is_admin {
        ground.warn(&findings::HIDDEN_ADMIN, &name);
    }
    if ground.preset == Preset::Demo {
        if plan.encryption.is_none() {
            ground.warn(&findings::NO_SECRETS_KEY, &name);
        }
        if plan.support_type.is_none() {
            ground.warn(&findings::SILENT_EXTENDED_SUPPORT, &name);
        }
        ground.warn(&findings::NO_NETWORK_POLICY, &name);
        if ground.roles.permissions_boundary.is_none() {
            ground.warn(&findings::UNBOUNDED_ROLES, "the roles of the platform");
        }
    }
}

fn role(ground: &Ground) -> Granted {
    let mut policies = vec![ground.managed_policy("AmazonEKSClusterPolicy")];
    if ground.preset == Preset::Demo {
        // For security groups of pods, which only the VPC CNI knows.
        policies.push(ground.managed_policy("AmazonEKSVPCResourceController"));
    }
    ground.role(
        &ground.in_cluster("eks-role"),
        "The control plane",
        ground.trust(Trust::service(Service::Eks.principal(ground.partition()))),
        policies,
    )
}

fn logs(ground: &Ground, plan: &ClusterPlan) -> Resource<LogGroup> {
    let name = ground.name("eks-loggroup");
    let mut args = LogGroupArgs::new()
        .name(format!("/aws/eks/{}/cluster", ground.cluster).as_str())
        .retention_in_days(plan.retention_days)
        .retain(plan.retain_logs)
        .tags(ground.tags(&name, []));
    if let Some(seconds) = plan.quiet_seconds {
        args = args.quiet_seconds(seconds);
    }
    if let Some(key) = &plan.log_key {
        args = args.kms_key_id(key.clone());
    }
    ground.pulumi.create::<LogGroup>(&name, args, ground.options())
}

fn args(ground: &Ground, network: &Network, plan: &ClusterPlan, role: &Granted, groups: &Groups) -> ClusterArgs {
    let subnets: Vec<Input<SubnetId>> = network
        .control_plane
        .iter()
        .map(|place| (&place.subnet).into())
        .collect();
    let mut vpc = ResourcesVpcConfigArgs::new(subnets)
        .endpoint_private_access(plan.private_access)
        .endpoint_public_access(plan.public_access.is_some());
    if let Some(group) = &groups.control_plane {
        let group: Vec<Input<SecurityGroupId>> = vec![(&group.id).into()];
        vpc = vpc.security_group_ids(group);
    }
    if let Some(cidrs) = &plan.public_access {
        let cidrs: Vec<Input<eks::AccessCidr>> = cidrs.iter().map(|cidr| cidr.to_string().as_str().into()).collect();
        vpc = vpc.public_access_cidrs(cidrs);
    }
    let mut args = ClusterArgs::new(ground.cluster.as_str(), &role.arn, vpc)
        .version(plan.version.clone())
        .allow_public_anywhere(plan.public_access.iter().flatten().any(Ipv4Cidr::is_wide))
        .enabled_cluster_log_types(plan.log_types.clone())
        .access_config(
            AccessConfigArgs::new()
                .authentication_mode(plan.authentication_mode)
                .bootstrap_cluster_creator_admin_permissions(plan.creator_is_admin),
        )
        // EKS' own choice where nothing is said.
        .upgrade_policy(UpgradePolicyArgs::new().support_type(plan.support_type.unwrap_or(SupportType::Extended)))
        .bootstrap_self_managed_addons(false)
        .deletion_protection(plan.deletion_protection)
        .tags(ground.tags(&ground.cluster, []));
    if let Some(encryption) = &plan.encryption {
        args = args.encryption_config(EncryptionConfigArgs::new(key(ground, encryption)));
    }
    args
}

/// The key of Kubernetes' data: a given one, or a new one.
fn key(ground: &Ground, encryption: &EncryptionSettings) -> Input<Arn> {
    if let Some(arn) = &encryption.key_arn {
        return arn.clone().into();
    }
    let name = ground.in_cluster("secrets-key");
    let key = ground.pulumi.create::<Key>(
        &name,
        KeyArgs::new()
            .description(format!("Kubernetes' data of {}", ground.cluster))
            .tags(ground.tags(&name, [])),
        ground.options(),
    );
    ground.pulumi.create::<Alias>(
        &format!("{name}-alias"),
        AliasArgs::new(format!("alias/{name}").as_str(), &key.id),
        ground.below(&key),
    );
    (&key.arn).into()
}

/// Lets a principal administer the cluster.
fn admit(ground: &Ground, cluster: &Resource<eks::Cluster>, principal: &Arn) -> Resource<AccessEntry> {
    let policy = format!(
        "arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        ground.partition()
    );
    let name = principal.resource().replace('/', "-");
    ground.pulumi.create::<AccessEntry>(
        &ground.in_cluster(&format!("access-{name}")),
        AccessEntryArgs::new(&cluster.id, principal.clone())
            .policies([Input::from(
                AccessPolicyArgs::new(policy.as_str()).access_scope(AccessScope::CLUSTER),
            )])
            .tags(ground.tags(&ground.in_cluster(&format!("access-{name}")), [])),
        ground.below(cluster),
    )
}

impl Cluster {
    /// Lets nodes of a role join.
    pub fn admit_nodes(&self, ground: &Ground, words: &str, role: &Granted) -> Resource<AccessEntry> {
        let name = ground.in_cluster(words);
        ground.pulumi.create::<AccessEntry>(
            &name,
            AccessEntryArgs::new(&self.name, &role.arn)
                .r#type(AccessEntryType::Ec2Linux)
                .tags(ground.tags(&name, [])),
            self.within(ground),
        )
    }
}

/// The security groups around the cluster, beside the one that EKS makes.
struct Groups {
    /// Of Karpenter's nodes, which finds it by its tag.
    nodes: Resource<SecurityGroup>,
    /// Of the control plane's interfaces, in the shown architectures.
    control_plane: Option<Resource<SecurityGroup>>,
    made: Vec<Dependency>,
}

impl Groups {
    fn new(ground: &Ground, network: &Network) -> Self {
        let demo = ground.preset == Preset::Demo;
        let cluster = &ground.cluster;
        let create = |name: &str, description: &str, own: &[(&str, &str)]| {
            let mut tags = ground.tags(name, []);
            tags.extend(own.iter().map(|(key, value)| ((*key).to_owned(), Input::from(*value))));
            ground.pulumi.create::<SecurityGroup>(
                name,
                SecurityGroupArgs::new(&network.vpc_id)
                    .description(description)
                    .tags(tags),
                network
                    .vpc
                    .as_ref()
                    .map_or_else(|| ground.options(), |vpc| ground.below(vpc)),
            )
        };
        let discovery = ("karpenter.sh/discovery", cluster.as_str());
        if !demo {
            let nodes = create(
                &ground.in_cluster("node-sg"),
                "Nodes that Karpenter makes",
                &[discovery],
            );
            // Images, Git and AWS are outside.
            let egress = || SecurityGroupRuleArgs::new(&nodes.id, Direction::Egress, protocol("-1"));
            let mut ways = vec![("node-egress", egress().cidr_ipv4(Ipv4Cidr::everywhere()))];
            if network.ipv6 {
                ways.push(("node-egress-ipv6", egress().cidr_ipv6(Ipv6Cidr::everywhere())));
            }
            let accepted = [("groundwork:accepts", findings::OPEN_EGRESS.id)];
            let mut made = vec![Dependency::from(&nodes)];
            for (words, args) in ways {
                made.push((&rule(ground, &ground.in_cluster(words), &nodes, args, &accepted)).into());
            }
            return Self {
                nodes,
                control_plane: None,
                made,
            };
        }
        let nodes = create(
            &format!("custom-node-attach-{cluster}"),
            &format!("{cluster} custom node security group"),
            &[discovery],
        );
        let control_plane = create(
            &format!("custom-cluster-attach-{cluster}"),
            &format!("{cluster} custom security group"),
            &[],
        );
        let mut made = vec![Dependency::from(&nodes), Dependency::from(&control_plane)];
        for (word, group) in [("eks-node", &nodes), ("eks-cp", &control_plane)] {
            let (inbound, outbound) = (
                format!("inbound-{word}-{cluster}"),
                format!("outbound-{word}-{cluster}"),
            );
            let ingress = SecurityGroupRuleArgs::new(&group.id, Direction::Ingress, protocol("tcp"))
                .from_port(443)
                .to_port(443)
                .cidr_ipv4(Ipv4Cidr::everywhere());
            let egress = SecurityGroupRuleArgs::new(&group.id, Direction::Egress, protocol("-1"))
                .cidr_ipv4(Ipv4Cidr::everywhere());
            made.push((&rule(ground, &inbound, group, ingress, &[])).into());
            made.push((&rule(ground, &outbound, group, egress, &[])).into());
            ground.warn(&findings::WIDE_SOURCE, &inbound);
            ground.warn(&findings::OPEN_EGRESS, &outbound);
        }
        Self {
            nodes,
            control_plane: Some(control_plane),
            made,
        }
    }

    /// Control plane, managed nodes and pods on Fargate have the group that EKS makes, Karpenter's nodes have ours: without
    /// these rules neither would reach the other's kubelet, DNS or pods.
    fn let_each_other_in(&self, ground: &Ground, cluster: &Resource<eks::Cluster>) {
        let eks_group: Output<SecurityGroupId> = cluster
            .cluster_security_group_id
            .cast::<Option<SecurityGroupId>>()
            .required("the cluster's security group");
        let any =
            |group: &Output<SecurityGroupId>| SecurityGroupRuleArgs::new(group, Direction::Ingress, protocol("-1"));
        for (words, args) in [
            ("node-from-node", any(&self.nodes.id).self_(true)),
            (
                "node-from-cluster",
                any(&self.nodes.id).referenced_security_group_id(&eks_group),
            ),
            (
                "cluster-from-node",
                any(&eks_group).referenced_security_group_id(&self.nodes.id),
            ),
        ] {
            rule(ground, &ground.in_cluster(words), cluster, args, &[]);
        }
    }
}

fn rule(
    ground: &Ground,
    name: &str,
    parent: &impl crate::sdk::IsResource,
    args: SecurityGroupRuleArgs,
    own: &[(&str, &str)],
) -> Resource<SecurityGroupRule> {
    let mut tags = ground.stamped();
    tags.extend(own.iter().map(|(key, value)| ((*key).to_owned(), Input::from(*value))));
    ground
        .pulumi
        .create::<SecurityGroupRule>(name, args.tags(tags), ground.below(parent.any()))
}
