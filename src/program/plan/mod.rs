//! The plan: settings and preset made definite, with every mistake found before anything is registered. Pure.

use std::net::Ipv4Addr;

use groundwork_contract::{Arn, Failure, Ipv4Cidr, Partition, Region, Tags, ZoneName, iam::IamPath};
use groundwork_wire::PropertyPath;
use jiff::civil::Date;

use crate::{
    settings::{
        EndpointPolicy, EndpointSettings, ExistingNetwork, FlowLogSettings, KubeconfigStyle, Nat, NetworkSettings,
        PlatformName, Preset, Settings, SubnetSettings,
    },
    versions::Versions,
};

mod cluster;
mod compute;
mod flux;
mod images;

pub use cluster::ClusterPlan;
pub use compute::{AddonPlan, CiliumPlan, ComputePlan, FargatePlan, Image, NodesPlan, PODS_WITH_PREFIXES, image_of};
pub use flux::{DEFAULT_BRANCH, FluxPlan, Source};
pub use images::{CILIUM, FLUX, Registry};

/// The interface endpoints without which a cluster does not live off the internet.
const PRIVATE_ENDPOINTS: [&str; 7] = ["ec2", "ecr.api", "ecr.dkr", "eks", "sqs", "ssm", "sts"];

/// The one by which the agent of Pod Identity gets credentials. Source: EKS User Guide, "Deploy private clusters".
const POD_IDENTITY_ENDPOINT: &str = "eks-auth";

/// The endpoints of the architectures that preset `demo` shows.
const DEMO_ENDPOINTS: [&str; 8] = [
    "ecr.api",
    "ecr.dkr",
    "ec2",
    "sts",
    "logs",
    "s3",
    "email-smtp",
    "cloudformation",
];

/// Git hosts that no private network reaches.
const PUBLIC_GIT: [&str; 6] = [
    "bitbucket.org",
    "codeberg.org",
    "dev.azure.com",
    "ghe.com",
    "github.com",
    "gitlab.com",
];

/// The namespace of the Job that hands over to Flux, in its safe form.
pub const BOOTSTRAP_NAMESPACE: &str = "flux-bootstrap";

/// A platform, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The preset that it began from.
    pub preset: Preset,
    /// The platform's name.
    pub name: PlatformName,
    /// Which architecture preset `demo` shows: 1 or 2.
    pub part: u8,
    /// The user's tags.
    pub tags: Tags,
    /// The network.
    pub network: NetworkPlan,
    /// The endpoints.
    pub endpoints: EndpointsPlan,
    /// A registry that is reached without the internet.
    pub registry: Option<Registry>,
    /// The cluster.
    pub cluster: ClusterPlan,
    /// The roles.
    pub identity: IdentityPlan,
    /// What pods run on.
    pub compute: ComputePlan,
    /// CoreDNS.
    pub coredns: AddonPlan,
    /// The hand-over to Flux, if there is to be one.
    pub flux: Option<FluxPlan>,
    /// Who mints the tokens of the kubeconfig.
    pub kubeconfig: KubeconfigStyle,
}

/// The roles, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPlan {
    /// The path of their names.
    pub path: Option<IamPath>,
    /// What bounds them.
    pub permissions_boundary: Option<Arn>,
    /// Whether pods get their rights by Pod Identity.
    pub pod_identity: bool,
}

/// The network, decided.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkPlan {
    /// A new VPC.
    New(NewNetwork),
    /// One that exists.
    Existing(ExistingNetwork),
}

/// A new VPC, decided but for the zones.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNetwork {
    /// The VPC's range.
    pub cidr: Ipv4Cidr,
    /// Which zones, or how many.
    pub zones: Zones,
    /// Ranges of public subnets, one a zone; none without that tier.
    pub public: Vec<Ipv4Cidr>,
    /// Ranges of private subnets, one a zone.
    pub private: Vec<Ipv4Cidr>,
    /// Ranges of control-plane subnets, one a zone.
    pub control_plane: Vec<Ipv4Cidr>,
    /// How private subnets reach the internet.
    pub nat: Nat,
    /// Whether there is IPv6.
    pub ipv6: bool,
    /// Whether the default security group is emptied.
    pub empty_default_security_group: bool,
    /// Where flow logs go.
    pub flow_logs: Option<FlowLogSettings>,
}

/// Which zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zones {
    /// The first so many of the region.
    Count(usize),
    /// These.
    Named(Vec<ZoneName>),
}

impl Zones {
    /// How many.
    pub fn count(&self) -> usize {
        match self {
            Self::Count(count) => *count,
            Self::Named(names) => names.len(),
        }
    }
}

/// The endpoints, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointsPlan {
    /// Services by gateway.
    pub gateway: Vec<String>,
    /// Services by interface.
    pub interface: Vec<String>,
    /// Whom they admit.
    pub policy: EndpointPolicy,
}

/// Makes settings definite.
///
/// # Errors
/// Every mistake, each at its path below the namespace `platform`.
pub fn plan(settings: Settings, region: Option<&Region>, today: Date) -> Result<Plan, Vec<Failure>> {
    let Settings {
        preset,
        name,
        part,
        tags,
        network,
        endpoints,
        images,
        git,
        version,
        cluster,
        identity,
        role_path,
        permissions_boundary,
        cilium,
        nodes,
        fargate,
        addons,
        flux,
        kubeconfig,
    } = settings;
    let mut failures = Vec::new();
    let known =
        Versions::of_this_release().map_err(|error| vec![Failure::new(PropertyPath::root(), error.to_string())])?;
    let part = part.unwrap_or(2);
    if !(1..=2).contains(&part) {
        failures.push(Failure::at("part", format!("is 1 (Fargate) or 2 (Cilium), not {part}")));
    }
    let default_name = match (preset, part) {
        (Preset::Demo, 1) => "demo-k8s",
        (Preset::Demo, _) => "demo-k8s-cilium",
        (Preset::Standard | Preset::Private, _) => "main",
    };
    let network = plan_network(preset, network.unwrap_or_else(no_network), region, &mut failures);
    let registry = images::plan_images(images, &mut failures);
    let git_host = git.and_then(|git| git.host);
    if let NetworkPlan::New(new) = &network
        && new.nat == Nat::None
    {
        let hand_over = flux.as_ref().and_then(flux::host_of);
        failures.extend(check_offline(preset, registry.as_ref(), git_host.as_deref(), hand_over));
    }
    let cluster = cluster::plan_cluster(preset, version, cluster, (&known.kubernetes, today), &mut failures);
    let name = match name.map_or_else(|| default_name.parse(), Ok) {
        Ok(name) => name,
        Err(error) => {
            failures.push(Failure::at("name", error.to_string()));
            return Err(failures);
        }
    };
    let around = flux::Around {
        preset,
        name: &name,
        kubernetes: &cluster.version,
        registry: registry.as_ref(),
        git_host: git_host.as_deref(),
        known: &known.flux,
    };
    let flux = flux.and_then(|flux| flux::plan_flux(flux, &around, &mut failures));
    let said = compute::Said {
        name: &name,
        identity,
        cilium,
        nodes,
        fargate,
        addons,
        bootstrap: flux.as_ref().is_some_and(|flux| flux.as_shown(preset).is_none()),
    };
    let (compute, coredns, pod_identity) = compute::plan_compute(preset, part, said, &known.cilium, &mut failures);
    let endpoints = plan_endpoints(
        (preset, pod_identity),
        endpoints.unwrap_or_else(no_endpoints),
        &network,
        &mut failures,
    );
    if failures.is_empty() {
        Ok(Plan {
            preset,
            name,
            part,
            tags: tags.unwrap_or_default(),
            network,
            endpoints,
            registry,
            cluster,
            identity: IdentityPlan {
                path: role_path,
                permissions_boundary,
                pod_identity,
            },
            compute,
            coredns,
            flux,
            kubeconfig: kubeconfig.unwrap_or(KubeconfigStyle::Groundwork),
        })
    } else {
        failures.sort();
        Err(failures)
    }
}

/// The one of these domains that a host is of.
fn among(host: &str, domains: &[&'static str]) -> Option<&'static str> {
    let is_of = |domain: &&&'static str| host == **domain || host.ends_with(&format!(".{domain}"));
    domains.iter().find(is_of).copied()
}

/// Without a way out, images and Git must be on the inside: `hand_over` is where Flux' own settings say that Git is.
fn check_offline(
    preset: Preset,
    registry: Option<&Registry>,
    host: Option<&str>,
    hand_over: Option<(&'static str, &str)>,
) -> Vec<Failure> {
    let at = |parent: &str, key: &str, reason: String| Failure::new(PropertyPath::root().key(parent).key(key), reason);
    let why = match preset {
        Preset::Private => "preset `private` has no way to the internet",
        Preset::Standard | Preset::Demo => "`network.nat: none` leaves no way to the internet",
    };
    let mut failures = Vec::new();
    match registry {
        None => failures.push(at(
            "images",
            "registry",
            format!(
                "is required: {why}; name a registry that is reached without it, such as an ECR pull-through cache"
            ),
        )),
        Some(registry) => failures.extend(registry.public().map(|public| {
            at(
                "images",
                "registry",
                format!("{public} cannot be reached: {why}; mirror its images to ECR and name that"),
            )
        })),
    }
    if host.is_none() {
        failures.push(at(
            "git",
            "host",
            format!("is required: {why}; name a Git host that is reached without it"),
        ));
    }
    let named = host.map(|host| ("git", "host", host));
    let named = named
        .into_iter()
        .chain(hand_over.map(|(key, host)| ("flux", key, host)));
    failures.extend(named.filter_map(|(parent, key, host)| {
        let public = among(host, &PUBLIC_GIT)?;
        Some(at(
            parent,
            key,
            format!("{public} cannot be reached: {why}; name one inside the network"),
        ))
    }));
    failures
}

const fn no_network() -> NetworkSettings {
    NetworkSettings {
        cidr: None,
        zone_count: None,
        zones: None,
        subnets: None,
        nat: None,
        public: None,
        ipv6: None,
        empty_default_security_group: None,
        flow_logs: None,
        existing: None,
    }
}

const fn no_endpoints() -> EndpointSettings {
    EndpointSettings {
        gateway: None,
        interface: None,
        policy: None,
    }
}

fn network_path(key: &str) -> PropertyPath {
    PropertyPath::root().key("network").key(key)
}

fn plan_network(
    preset: Preset,
    settings: NetworkSettings,
    region: Option<&Region>,
    failures: &mut Vec<Failure>,
) -> NetworkPlan {
    let NetworkSettings {
        cidr,
        zone_count,
        zones,
        subnets,
        nat,
        public,
        ipv6,
        empty_default_security_group,
        flow_logs,
        existing,
    } = settings;
    if let Some(existing) = existing {
        let given = [
            ("cidr", cidr.is_some()),
            ("zoneCount", zone_count.is_some()),
            ("zones", zones.is_some()),
            ("subnets", subnets.is_some()),
            ("nat", nat.is_some()),
            ("public", public.is_some()),
            ("ipv6", ipv6.is_some()),
            ("emptyDefaultSecurityGroup", empty_default_security_group.is_some()),
        ];
        failures.extend(given.into_iter().filter(|(_, given)| *given).map(|(key, _)| {
            Failure::new(
                network_path(key),
                "is for a new VPC; with `network.existing` leave it out",
            )
        }));
        let (key, control_plane) = match &existing.control_plane_subnet_ids {
            Some(ids) => ("controlPlaneSubnetIds", ids),
            None => ("privateSubnetIds", &existing.private_subnet_ids),
        };
        if existing.private_subnet_ids.is_empty() || control_plane.len() < 2 {
            failures.push(Failure::new(
                network_path("existing").key(key),
                format!(
                    "names {} subnets, but EKS puts a control plane into two at least, in two zones; name another one",
                    control_plane.len()
                ),
            ));
        }
        return NetworkPlan::Existing(existing);
    }
    let zones = plan_zones(zone_count, zones, region, failures);
    let nat = nat.unwrap_or(if preset == Preset::Private {
        Nat::None
    } else {
        Nat::PerZone
    });
    let public = public.unwrap_or(nat != Nat::None);
    if !public && nat != Nat::None {
        failures.push(Failure::new(
            network_path("public"),
            format!("is false, but nat is {nat}, and a NAT gateway stands in public subnets; set nat: none, or leave public out"),
        ));
    }
    let default_address = if preset == Preset::Demo {
        Ipv4Addr::new(10, 200, 0, 0)
    } else {
        Ipv4Addr::new(10, 0, 0, 0)
    };
    let cidr = cidr.unwrap_or_else(|| Ipv4Cidr::of(default_address, 16));
    if !(16..=28).contains(&cidr.prefix()) {
        failures.push(Failure::new(
            network_path("cidr"),
            format!("a VPC's range is /16 to /28, not /{}", cidr.prefix()),
        ));
    }
    let tiers = plan_subnets(&cidr, zones.count(), public, subnets, failures);
    if let Some(flow_logs) = &flow_logs {
        failures.extend(check_flow_logs(flow_logs, region));
    }
    NetworkPlan::New(NewNetwork {
        cidr,
        zones,
        public: tiers.public,
        private: tiers.private,
        control_plane: tiers.control_plane,
        nat,
        ipv6: ipv6.unwrap_or(false),
        empty_default_security_group: empty_default_security_group.unwrap_or(preset != Preset::Demo),
        flow_logs,
    })
}

fn plan_zones(
    count: Option<u8>,
    names: Option<Vec<ZoneName>>,
    region: Option<&Region>,
    failures: &mut Vec<Failure>,
) -> Zones {
    let (zones, key) = match (count, names) {
        (Some(_), Some(names)) => {
            failures.push(Failure::new(
                network_path("zoneCount"),
                "`zones` names them already; give one of the two",
            ));
            (Zones::Named(names), "zones")
        }
        (None, Some(names)) => (Zones::Named(names), "zones"),
        (Some(count), None) => (Zones::Count(count.into()), "zoneCount"),
        (None, None) => (Zones::Count(2), "zoneCount"),
    };
    if !(2..=6).contains(&zones.count()) {
        failures.push(Failure::new(
            network_path(key),
            format!(
                "a platform has 2 to 6 zones, not {}: EKS puts a control plane into two at least",
                zones.count()
            ),
        ));
    }
    if let Zones::Named(names) = &zones {
        for (index, name) in names.iter().enumerate() {
            let path = network_path("zones").index(index);
            if let Some(region) = region.filter(|region| !name.as_str().starts_with(region.as_str())) {
                failures.push(Failure::new(
                    path,
                    format!("{name} is no zone of {region}, where the platform is"),
                ));
            } else if names.iter().take(index).any(|other| other == name) {
                failures.push(Failure::new(path, format!("{name} is named twice")));
            }
        }
    }
    zones
}

struct Tiers {
    public: Vec<Ipv4Cidr>,
    private: Vec<Ipv4Cidr>,
    control_plane: Vec<Ipv4Cidr>,
}

/// Sixteenths of the VPC for public and private subnets, and of the next sixteenth a sixteenth each for the control plane.
fn plan_subnets(
    vpc: &Ipv4Cidr,
    zones: usize,
    public: bool,
    given: Option<SubnetSettings>,
    failures: &mut Vec<Failure>,
) -> Tiers {
    let SubnetSettings {
        public: given_public,
        private: given_private,
        control_plane: given_control_plane,
    } = given.unwrap_or(SubnetSettings {
        public: None,
        private: None,
        control_plane: None,
    });
    if !public && given_public.is_some() {
        failures.push(Failure::new(
            network_path("subnets").key("public"),
            "is given, but the network has no public subnets; set `network.public: true`, or leave it out",
        ));
    }
    let blocks = vpc.subnets(vpc.prefix() + 4);
    let small = vpc.subnets(vpc.prefix() + 8);
    let all_given = given_private.is_some() && given_control_plane.is_some() && (!public || given_public.is_some());
    // AWS's smallest subnet is a /28.
    if !all_given && vpc.prefix() > 20 && (16..=28).contains(&vpc.prefix()) {
        failures.push(Failure::new(
            network_path("cidr"),
            format!(
                "{vpc} is too small to plan subnets in: at least /20 is needed; take a larger range, or give \
                 `network.subnets` by hand"
            ),
        ));
    }
    let take = |from: usize| blocks.iter().skip(from).take(zones).cloned().collect::<Vec<_>>();
    let tiers = Tiers {
        public: if public {
            given_public.unwrap_or_else(|| take(0))
        } else {
            Vec::new()
        },
        private: given_private.unwrap_or_else(|| take(zones)),
        control_plane: given_control_plane
            .unwrap_or_else(|| small.iter().skip(2 * zones * 16).take(zones).cloned().collect()),
    };
    if failures.iter().all(|failure| failure.path != network_path("cidr")) {
        check_subnets(vpc, zones, &tiers, public, failures);
    }
    tiers
}

fn check_subnets(vpc: &Ipv4Cidr, zones: usize, tiers: &Tiers, public: bool, failures: &mut Vec<Failure>) {
    let Tiers {
        public: public_ranges,
        private,
        control_plane,
    } = tiers;
    let named = [
        ("public", public_ranges),
        ("private", private),
        ("controlPlane", control_plane),
    ];
    let mut seen: Vec<(PropertyPath, &Ipv4Cidr)> = Vec::new();
    for (tier, ranges) in named {
        let path = network_path("subnets").key(tier);
        if (tier != "public" || public) && ranges.len() != zones && (2..=6).contains(&zones) {
            failures.push(Failure::new(
                path.clone(),
                format!("has {} ranges for {zones} zones; give one for each zone", ranges.len()),
            ));
        }
        for (index, range) in ranges.iter().enumerate() {
            let path = path.index(index);
            if !vpc.contains(range) {
                failures.push(Failure::new(
                    path.clone(),
                    format!("{range} is not within the VPC's {vpc}"),
                ));
            }
            if !(16..=28).contains(&range.prefix()) {
                failures.push(Failure::new(
                    path.clone(),
                    format!("a subnet is /16 to /28, not /{}", range.prefix()),
                ));
            }
            if let Some((other, overlapping)) = seen.iter().find(|(_, other)| other.overlaps(range)) {
                failures.push(Failure::new(
                    path.clone(),
                    format!("{range} overlaps {overlapping} of {other}"),
                ));
            }
            seen.push((path, range));
        }
    }
}

fn check_flow_logs(flow_logs: &FlowLogSettings, region: Option<&Region>) -> Vec<Failure> {
    let FlowLogSettings {
        destination,
        role,
        traffic: _,
    } = flow_logs;
    let path = network_path("flowLogs");
    let mut failures = Vec::new();
    if !["s3", "logs", "firehose"].contains(&destination.service()) {
        failures.push(Failure::new(
            path.key("destination"),
            format!("{destination} is neither an S3 bucket, a CloudWatch log group nor a Firehose stream"),
        ));
    }
    if destination.service() == "logs" && role.is_none() {
        failures.push(Failure::new(
            path.key("role"),
            "is required: the role that writes to the log group",
        ));
    }
    if let Some(partition) = region.map(Partition::of) {
        for (key, arn) in [("destination", Some(destination)), ("role", role.as_ref())] {
            if let Some(arn) = arn.filter(|arn| arn.partition() != partition.name()) {
                failures.push(Failure::new(
                    path.key(key),
                    format!(
                        "{arn} is of partition {}, but the platform is in {partition}",
                        arn.partition()
                    ),
                ));
            }
        }
    }
    failures
}

fn plan_endpoints(
    (preset, pod_identity): (Preset, bool),
    settings: EndpointSettings,
    network: &NetworkPlan,
    failures: &mut Vec<Failure>,
) -> EndpointsPlan {
    let EndpointSettings {
        gateway,
        interface,
        policy,
    } = settings;
    let path = PropertyPath::root().key("endpoints");
    let owned = |services: &[&str]| services.iter().map(|service| (*service).to_owned()).collect::<Vec<_>>();
    let existing_without_tables =
        matches!(network, NetworkPlan::Existing(existing) if existing.route_table_ids.is_none());
    let asked = gateway.is_some();
    let gateway = gateway.unwrap_or_else(|| match preset {
        Preset::Demo => Vec::new(),
        Preset::Standard | Preset::Private if existing_without_tables => Vec::new(),
        Preset::Standard | Preset::Private => owned(&["s3"]),
    });
    let interface = interface.unwrap_or_else(|| match preset {
        Preset::Demo => owned(&DEMO_ENDPOINTS),
        Preset::Private if pod_identity => owned(&[&PRIVATE_ENDPOINTS[..], &[POD_IDENTITY_ENDPOINT]].concat()),
        Preset::Private => owned(&PRIVATE_ENDPOINTS),
        Preset::Standard => Vec::new(),
    });
    if asked && existing_without_tables && !gateway.is_empty() {
        failures.push(Failure::new(
            path.key("gateway"),
            "needs `network.existing.routeTableIds`: a gateway endpoint is a route",
        ));
    }
    for (index, service) in gateway.iter().enumerate() {
        if !["s3", "dynamodb"].contains(&service.as_str()) {
            failures.push(Failure::new(
                path.key("gateway").index(index),
                format!("{service:?} has no gateway endpoint; s3 and dynamodb have one, others go under `interface`"),
            ));
        }
    }
    for (key, services) in [("gateway", &gateway), ("interface", &interface)] {
        for (index, service) in services.iter().enumerate() {
            if services.iter().take(index).any(|other| other == service) {
                failures.push(Failure::new(
                    path.key(key).index(index),
                    format!("{service:?} is named twice"),
                ));
            }
        }
    }
    let default_policy = if preset == Preset::Demo {
        EndpointPolicy::Open
    } else {
        EndpointPolicy::Account
    };
    EndpointsPlan {
        gateway,
        interface,
        policy: policy.unwrap_or(default_policy),
    }
}
