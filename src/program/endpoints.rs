//! The endpoints: ways to AWS's services that stay off the internet.
//!
//! A gateway endpoint is a free route. An interface endpoint is a network interface in each zone at some $7 a month, and
//! stands only in the zones where AWS offers the service. All admit this account alone, unless the settings say otherwise.

use std::collections::BTreeSet;

use groundwork_contract::{
    AccountId, Document, Input, Ipv4Cidr, Output, Partition, Region, ZoneName,
    ec2::{
        Direction, GetVpcEndpointServices, GetVpcEndpointServicesArgs, GetVpcEndpointServicesResult, Protocol,
        RouteTableId, SecurityGroup, SecurityGroupArgs, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleArgs,
        SubnetId, VpcEndpoint, VpcEndpointArgs, VpcEndpointId, VpcEndpointService, VpcEndpointType,
    },
    findings,
};

use crate::{
    ground::Ground,
    network::Network,
    plan::EndpointsPlan,
    sdk::{Context, Dependency, Error, InvokeOptions, Resource, ResourceOptions, Result, Severity},
    settings::{EndpointPolicy, Preset},
};

/// Whom an endpoint admits, as a document for AWS.
const ACCOUNT_POLICY: &str = include_str!("../../policies/iam/endpoint-account.json");
/// The same for S3, where AWS publishes image layers and packages.
const ACCOUNT_POLICY_S3: &str = include_str!("../../policies/iam/endpoint-account-s3.json");

/// Endpoints that others come after.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// The endpoints' ids, by service: `s3`, `ecr.api`…
    pub ids: Vec<(String, Output<VpcEndpointId>)>,
    made: Vec<Dependency>,
}

impl Endpoints {
    /// Declares the endpoints of a plan.
    ///
    /// # Errors
    /// A service is not offered in any zone of the network.
    pub fn new(ground: &Ground, network: &Network, plan: &EndpointsPlan) -> Result<Self> {
        let mut endpoints = Self::default();
        let places = plan
            .interface
            .iter()
            .map(|service| Ok((service, subnets_of(ground, network, service)?)))
            .collect::<Result<Vec<_>>>()?;
        for service in &plan.gateway {
            let endpoint = gateway(ground, network, plan, service);
            endpoints.keep(service, &endpoint);
        }
        if places.is_empty() {
            return Ok(endpoints);
        }
        let group = group(ground, network);
        for (service, subnets) in places {
            let endpoint = interface(ground, network, plan, &group, service, &subnets);
            endpoints.keep(service, &endpoint);
            warn(ground, network, service);
        }
        Ok(endpoints)
    }

    /// What must stand while anything in the network uses a service of AWS.
    pub fn made(&self) -> Vec<Dependency> {
        self.made.clone()
    }

    fn keep(&mut self, service: &str, endpoint: &Resource<VpcEndpoint>) {
        self.ids.push((service.to_owned(), endpoint.id.clone()));
        self.made.push(endpoint.into());
    }
}

/// Asks how the region offers the services of a plan, if it has any.
pub(crate) fn ask(
    pulumi: &Context,
    options: InvokeOptions,
    region: &Region,
    plan: &EndpointsPlan,
) -> Option<Output<GetVpcEndpointServicesResult>> {
    let names: BTreeSet<String> = plan
        .gateway
        .iter()
        .chain(&plan.interface)
        .map(|service| full_name(region, service))
        .collect();
    let args = GetVpcEndpointServicesArgs::new().service_names(names.clone());
    (!names.is_empty()).then(|| pulumi.invoke_with::<GetVpcEndpointServices>(args, options))
}

/// Those of these zones in which interface endpoints of a service are offered.
pub(crate) fn zones_of(
    region: &Region,
    services: &[VpcEndpointService],
    service: &str,
    zones: &[ZoneName],
) -> Result<BTreeSet<ZoneName>> {
    let name = full_name(region, service);
    let offered: BTreeSet<ZoneName> = services
        .iter()
        .filter(|offer| offer.service_name == name && offer.service_type.iter().any(|kind| kind == "Interface"))
        .flat_map(|offer| &offer.availability_zones)
        .filter(|zone| zones.contains(zone))
        .cloned()
        .collect();
    if offered.is_empty() {
        return Err(Error::new(format!(
            "platform:endpoints.interface: {service} is not offered in any zone of the network; leave it out"
        )));
    }
    Ok(offered)
}

/// `com.amazonaws.eu-central-1.s3`.
fn full_name(region: &Region, service: &str) -> String {
    format!("{}.{region}.{service}", Partition::of(region).reverse_dns_prefix())
}

fn resource_name(ground: &Ground, service: &str) -> String {
    let words = format!("{}-vpc-endpoint", service.replace('.', "-"));
    // The shown architectures name endpoints by their service alone.
    if ground.preset == Preset::Demo {
        words
    } else {
        ground.name(&words)
    }
}

fn options(ground: &Ground, network: &Network) -> ResourceOptions {
    network
        .vpc
        .as_ref()
        .map_or_else(|| ground.options(), |vpc| ground.below(vpc))
}

fn policy(ground: &Ground, plan: &EndpointsPlan, service: &str) -> Option<Output<Document>> {
    let template = match plan.policy {
        EndpointPolicy::Open => return None,
        EndpointPolicy::Account if service == "s3" => ACCOUNT_POLICY_S3,
        EndpointPolicy::Account => ACCOUNT_POLICY,
    };
    let (partition, region) = (ground.partition(), ground.region.clone());
    Some(ground.account.try_map(move |account: AccountId| {
        let text = template
            .replace("${account}", account.as_str())
            .replace("${partition}", partition.name())
            .replace("${region}", region.as_str());
        Document::from_text(&text)
    }))
}

fn gateway(ground: &Ground, network: &Network, plan: &EndpointsPlan, service: &str) -> Resource<VpcEndpoint> {
    let name = resource_name(ground, &format!("{service}-gateway"));
    let tables: Vec<Input<RouteTableId>> = network.route_tables.iter().map(Input::from).collect();
    let mut args = VpcEndpointArgs::new(&network.vpc_id, full_name(&ground.region, service))
        .vpc_endpoint_type(VpcEndpointType::Gateway)
        .route_table_ids(tables)
        .tags(ground.tags(&name, []));
    if let Some(policy) = policy(ground, plan, service) {
        args = args.policy(policy);
    }
    ground
        .pulumi
        .create::<VpcEndpoint>(&name, args, options(ground, network))
}

fn interface(
    ground: &Ground,
    network: &Network,
    plan: &EndpointsPlan,
    group: &Group,
    service: &str,
    subnets: &[Output<SubnetId>],
) -> Resource<VpcEndpoint> {
    let name = resource_name(ground, service);
    let subnets: Vec<Input<SubnetId>> = subnets.iter().map(Input::from).collect();
    let groups: Vec<Input<SecurityGroupId>> = vec![(&group.group.id).into()];
    let mut args = VpcEndpointArgs::new(&network.vpc_id, full_name(&ground.region, service))
        .vpc_endpoint_type(VpcEndpointType::Interface)
        .subnet_ids(subnets)
        .security_group_ids(groups)
        // S3's own names stay with its gateway, or with the internet.
        .private_dns_enabled(service != "s3")
        .tags(ground.tags(&name, []));
    if let Some(policy) = policy(ground, plan, service) {
        args = args.policy(policy);
    }
    let options = options(ground, network).depends_on_all(group.rules.iter().map(Dependency::from));
    ground.pulumi.create::<VpcEndpoint>(&name, args, options)
}

/// The private subnets in whose zones a service is offered.
fn subnets_of(ground: &Ground, network: &Network, service: &str) -> Result<Vec<Output<SubnetId>>> {
    let all: Vec<ZoneName> = network.private.iter().map(|place| place.zone.clone()).collect();
    let zones = zones_of(&ground.region, &ground.services, service, &all)?;
    let (here, not_here): (Vec<_>, Vec<_>) = network.private.iter().partition(|place| zones.contains(&place.zone));
    for place in not_here {
        ground.pulumi.log(
            Severity::Warning,
            format!(
                "{service} is not offered in {}: its endpoint stands in the other zones alone",
                place.zone
            ),
        );
    }
    // One subnet in each zone: AWS takes no second.
    let mut taken: Vec<&ZoneName> = Vec::new();
    Ok(here
        .into_iter()
        .filter(|place| {
            let first = !taken.contains(&&place.zone);
            taken.push(&place.zone);
            first
        })
        .map(|place| place.subnet.clone())
        .collect())
}

/// The security group that interface endpoints share.
struct Group {
    group: Resource<SecurityGroup>,
    rules: Vec<Resource<SecurityGroupRule>>,
}

fn group(ground: &Ground, network: &Network) -> Group {
    let demo = ground.preset == Preset::Demo;
    let name = if demo {
        "aws-vpc-endpoints-sg".to_owned()
    } else {
        ground.name("vpc-endpoints-sg")
    };
    let group = ground.pulumi.create::<SecurityGroup>(
        &name,
        SecurityGroupArgs::new(&network.vpc_id)
            .description("Shared security groups for AWS services VPC endpoints")
            .tags(ground.tags(&name, [])),
        options(ground, network),
    );
    let source = if demo {
        Ipv4Cidr::everywhere()
    } else {
        network.cidr.clone()
    };
    let rule = |words: &str, args: SecurityGroupRuleArgs| {
        let name = if demo { words.to_owned() } else { ground.name(words) };
        ground
            .pulumi
            .create::<SecurityGroupRule>(&name, args.tags(ground.stamped()), ground.below(&group))
    };
    let mut rules = vec![rule(
        "inbound-vpc-endpoint-cidrs",
        SecurityGroupRuleArgs::new(&group.id, Direction::Ingress, protocol("tcp"))
            .from_port(443)
            .to_port(443)
            .cidr_ipv4(source),
    )];
    if demo {
        rules.push(rule(
            "outbound-vpc-endpoint-cidrs",
            SecurityGroupRuleArgs::new(&group.id, Direction::Egress, protocol("-1")).cidr_ipv4(Ipv4Cidr::everywhere()),
        ));
        ground.warn(&findings::WIDE_SOURCE, "inbound-vpc-endpoint-cidrs");
        ground.warn(&findings::OPEN_EGRESS, "outbound-vpc-endpoint-cidrs");
        ground.warn(&findings::OPEN_ENDPOINT, "the VPC endpoints");
        ground.warn(&findings::ENDPOINTS_BESIDE_NAT, "the interface endpoints");
    }
    Group { group, rules }
}

/// A protocol, as rules name it.
pub(crate) fn protocol(name: &'static str) -> Input<Protocol> {
    name.into()
}

fn warn(ground: &Ground, network: &Network, service: &str) {
    if network.nat_addresses.is_empty() {
        return;
    }
    let name = resource_name(ground, service);
    match service {
        "s3" => ground.warn(&findings::PAID_S3, &name),
        "email-smtp" | "cloudformation" => ground.warn(&findings::NEEDLESS_ENDPOINT, &name),
        _ => {}
    }
}
