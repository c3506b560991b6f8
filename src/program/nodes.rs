//! The first nodes: what Cilium, CoreDNS, Flux and Karpenter run on.
//!
//! They carry a taint until Cilium runs on them. Their metadata service answers nobody but the host itself.
//!
//! What costs: an instance of type t4g.medium $25 a month, its disks $2.

use groundwork_contract::{
    Input,
    ec2::{
        BlockDeviceMapping, BlockDeviceMappingArgs, BottlerocketSettings, EbsVolumeArgs, LaunchTemplate,
        LaunchTemplateArgs, LaunchTemplateTags, LaunchTemplateTagsArgs, SubnetId, TaggedAtLaunch,
    },
    eks::{
        NodeGroup, NodeGroupArgs, NodeLaunchTemplateArgs, NodeRepairConfigArgs, NodeUpdateConfigArgs,
        ScalingConfigArgs, TaintArgs, TaintEffect,
    },
    findings,
};

use crate::{
    cilium::{Installed, NOT_READY},
    cluster::Cluster,
    ground::Ground,
    karpenter::{Karpenter, node_role},
    network::Network,
    plan::{NodesPlan, image_of},
    sdk::{Dependency, Resource},
    settings::Preset,
};

/// Nodes that others run on.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// How many there are at least.
    pub minimum: u16,
    group: Resource<NodeGroup>,
}

impl Nodes {
    /// Declares the first nodes of a plan.
    pub fn new(
        ground: &Ground,
        network: &Network,
        cluster: &Cluster,
        karpenter: &Karpenter,
        cni: &Installed,
        plan: &NodesPlan,
    ) -> Self {
        let demo = ground.preset == Preset::Demo;
        let mut options = cluster.within(ground).depends_on(cni.applied());
        // The shown architectures give all nodes one role, whose entry must then outlive these nodes as well.
        let role = if demo {
            options = options.depends_on(karpenter.entry.clone());
            karpenter.node_role.clone()
        } else {
            node_role(ground, &ground.in_cluster("node-role"))
        };
        let name = if demo {
            "cilium-initial-nodegroup".to_owned()
        } else {
            ground.in_cluster("initial-nodegroup")
        };
        let size = |count: u16| u32::from(count);
        let subnets: Vec<Input<SubnetId>> = network.private.iter().map(|place| (&place.subnet).into()).collect();
        let taint = TaintArgs::new(NOT_READY, TaintEffect::NoExecute).value("true");
        let mut args = NodeGroupArgs::new(
            &cluster.name,
            &role.arn,
            subnets,
            ScalingConfigArgs::new(size(plan.min), size(plan.max)).desired_size(size(plan.desired)),
        )
        .ami_type(plan.image)
        .capacity_type(plan.capacity)
        .instance_types(plan.instance_types.clone())
        .taints([Input::from(taint)])
        .force_update_version(true)
        .update_config(NodeUpdateConfigArgs::new().max_unavailable(1_u32))
        .tags(ground.tags(&name, []));
        if let Some(seconds) = plan.drain_budget_seconds {
            args = args.drain_budget_seconds(seconds);
        }
        if !plan.labels.is_empty() {
            args = args.labels(plan.labels.clone());
        }
        if demo {
            // Neither a version, nor anybody who would replace them.
            ground.warn(&findings::UNPINNED_NODES, &name);
            args = args.nodegroup_name("initial-nodegroup");
        } else {
            args = args
                .version(cluster.version.clone())
                .node_repair_config(NodeRepairConfigArgs::new().enabled(true));
        }
        if demo && plan.max_pods.is_none() {
            ground.warn(&findings::METADATA_FROM_PODS, &name);
            args = args.disk_size(u32::from(plan.disk_size));
        } else {
            let template = template(ground, plan);
            args = args.launch_template(
                NodeLaunchTemplateArgs::new()
                    .id(&template.id)
                    .version(template.latest_version.cast::<u32>()),
            );
        }
        let group = ground.pulumi.create::<NodeGroup>(&name, args, options);
        Self {
            minimum: plan.min,
            group,
        }
    }

    /// What must stand while anything runs on the nodes.
    pub fn made(&self) -> Dependency {
        Dependency::from(&self.group)
    }
}

fn template(ground: &Ground, plan: &NodesPlan) -> Resource<LaunchTemplate> {
    let name = ground.in_cluster("nodes");
    let disk = |device: &str, size: u32| {
        Input::<BlockDeviceMapping>::from(BlockDeviceMappingArgs::new(
            device,
            EbsVolumeArgs::new().volume_size(size).encrypted(true),
        ))
    };
    let size = u32::from(plan.disk_size);
    let disks = if is_bottlerocket(plan) {
        // The system, which is only read, and what the node writes.
        vec![disk("/dev/xvda", 4), disk("/dev/xvdb", size)]
    } else {
        vec![disk("/dev/xvda", size)]
    };
    let tags = [
        TaggedAtLaunch::Instance,
        TaggedAtLaunch::Volume,
        TaggedAtLaunch::NetworkInterface,
    ]
    .map(|kind| Input::<LaunchTemplateTags>::from(LaunchTemplateTagsArgs::new(kind, ground.tags(&name, []))));
    let mut args = LaunchTemplateArgs::new()
        .block_device_mappings(disks)
        .tag_specifications(tags)
        .tags(ground.tags(&name, []));
    if let Some(data) = user_data(plan) {
        args = args.user_data(data);
    }
    ground.pulumi.create::<LaunchTemplate>(&name, args, ground.options())
}

fn is_bottlerocket(plan: &NodesPlan) -> bool {
    image_of(plan.image).bottlerocket
}

/// How many pods a node carries, in the image's own words; the rest EKS says by itself.
fn user_data(plan: &NodesPlan) -> Option<String> {
    let pods = plan.max_pods?;
    if is_bottlerocket(plan) {
        let settings = BottlerocketSettings {
            max_pods: Some(u32::from(pods)),
            ..BottlerocketSettings::default()
        };
        return Some(settings.to_toml());
    }
    // Source: https://awslabs.github.io/amazon-eks-ami/nodeadm/
    let config = format!(
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config:\n      maxPods: {pods}\n"
    );
    Some(format!(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"//\"\n\n--//\nContent-Type: \
         application/node.eks.aws\n\n{config}\n--//--\n"
    ))
}
