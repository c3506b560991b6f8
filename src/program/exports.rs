//! What a stack tells of its platform.

use groundwork_contract::{
    Input, InputNode,
    ec2::{SubnetId, VpcEndpointId},
};

use crate::{
    addons::Addons,
    cilium::Cilium,
    cluster::Cluster,
    endpoints::Endpoints,
    ground::Ground,
    karpenter::Karpenter,
    kubeconfig::kubeconfig,
    network::{Network, Place},
    plan::Plan,
};

/// A platform, chapter by chapter.
#[derive(Debug, Clone, Copy)]
pub struct Platform<'a> {
    /// What every chapter stands on.
    pub ground: &'a Ground,
    /// The network.
    pub network: &'a Network,
    /// The endpoints.
    pub endpoints: &'a Endpoints,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Karpenter's side in AWS.
    pub karpenter: &'a Karpenter,
    /// Cilium, in part 2.
    pub cilium: Option<&'a Cilium>,
    /// EKS' addons.
    pub addons: &'a Addons,
}

impl Platform<'_> {
    /// Tells what a user, the manifests in Git and other stacks need to know.
    pub fn export(&self, plan: &Plan) {
        let Self {
            ground,
            network,
            endpoints,
            cluster,
            karpenter,
            cilium,
            addons,
        } = self;
        export_network(ground, network, endpoints);
        let pulumi = &ground.pulumi;
        let resource = &cluster.resource;
        let proxy = plan.cluster.proxy_url.as_ref();
        pulumi.export("kubeconfig", kubeconfig(ground, cluster, plan.kubeconfig, proxy));
        pulumi.export("clusterName", &cluster.name);
        pulumi.export("clusterEndpoint", &resource.endpoint);
        pulumi.export("clusterCertificateAuthority", &resource.certificate_authority);
        pulumi.export("clusterSecurityGroupId", &resource.cluster_security_group_id);
        pulumi.export("nodeSecurityGroupId", &cluster.node_group);
        pulumi.export("oidcIssuer", &resource.oidc_issuer);
        pulumi.export("oidcProviderArn", &cluster.provider.arn);
        pulumi.export("karpenterRoleArn", &karpenter.controller.role.arn);
        pulumi.export("karpenterNodeRoleArn", &karpenter.node_role.arn);
        pulumi.export("karpenterNodeInstanceProfile", &karpenter.instance_profile);
        // The names that the shown architectures have for them.
        pulumi.export("karpenter-oidc-role-arn", &karpenter.controller.role.arn);
        if let Some(cilium) = cilium {
            pulumi.export("ciliumRoleArn", &cilium.operator.role.arn);
            pulumi.export("cilium-oidc-role-arn", &cilium.operator.role.arn);
        }
        if let Some(vpc_cni) = &addons.vpc_cni {
            pulumi.export("vpcCniRoleArn", &vpc_cni.role.arn);
        }
    }
}

/// Tells of the network.
pub fn export_network(ground: &Ground, network: &Network, endpoints: &Endpoints) {
    let pulumi = &ground.pulumi;
    let ids = |places: &[Place]| -> Input<Vec<SubnetId>> {
        places
            .iter()
            .map(|place| Input::<SubnetId>::from(&place.subnet))
            .collect::<Vec<_>>()
            .into()
    };
    pulumi.export("stamp", &ground.stamp.id);
    pulumi.export("region", ground.region.as_str());
    pulumi.export("vpcId", &network.vpc_id);
    pulumi.export("publicSubnetIds", ids(&network.public));
    pulumi.export("privateSubnetIds", ids(&network.private));
    pulumi.export("controlPlaneSubnetIds", ids(&network.control_plane));
    let addresses: Vec<Input<String>> = network.nat_addresses.iter().map(Input::from).collect();
    pulumi.export("natAddresses", Input::<Vec<String>>::from(addresses));
    let endpoints = endpoints
        .ids
        .iter()
        .map(|(service, id)| (service.clone(), InputNode::from(Input::<VpcEndpointId>::from(id))));
    pulumi.export("vpcEndpointIds", InputNode::Object(endpoints.collect()));
}
