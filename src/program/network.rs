//! The network: a VPC with three tiers of subnets in each zone, and their ways out.
//!
//! Public subnets hold NAT gateways and load balancers, private ones nodes and pods, small ones of their own the control
//! plane's network interfaces. A NAT gateway comes after the route to the internet that it needs, and everything that
//! needs a way out comes after [`Network::ways_out`], so that a destroy takes the ways out last.
//!
//! What costs: each NAT gateway some $33 a month and its public address some $4, and every GB through it $0.045.

use groundwork_contract::{
    Input, Ipv4Cidr, Ipv6Cidr, Output, ZoneName,
    ec2::{
        AvailabilityMode, DefaultSecurityGroup, DefaultSecurityGroupArgs, EgressOnlyInternetGateway,
        EgressOnlyInternetGatewayArgs, Eip, EipArgs, FlowLog, FlowLogArgs, FlowLogResourceId, InlineRuleArgs,
        InternetGateway, InternetGatewayArgs, LogDestinationType, NatGateway, NatGatewayArgs, NatGatewayId, Route,
        RouteArgs, RouteTable, RouteTableArgs, RouteTableAssociation, RouteTableAssociationArgs, RouteTableId,
        SecurityGroup, SecurityGroupArgs, Subnet, SubnetArgs, SubnetId, TrafficType, Vpc, VpcArgs, VpcId,
    },
    findings,
};

use crate::{
    ground::Ground,
    plan::{NetworkPlan, NewNetwork},
    sdk::{AnyResource, Dependency, Error, IsResource, Resource, Result},
    settings::{ExistingNetwork, FlowLogSettings, FlowLogTraffic, Nat, Preset},
};

/// A network that others build on.
#[derive(Debug, Clone)]
pub struct Network {
    /// The VPC.
    pub vpc_id: Output<VpcId>,
    /// The VPC's IPv4 range.
    pub cidr: Ipv4Cidr,
    /// Whether its subnets have IPv6 ranges as well, as far as that is the platform's choice.
    pub ipv6: bool,
    /// Public subnets.
    pub public: Vec<Place>,
    /// Private subnets.
    pub private: Vec<Place>,
    /// Control-plane subnets.
    pub control_plane: Vec<Place>,
    /// The route tables of private and control-plane subnets.
    pub route_tables: Vec<Output<RouteTableId>>,
    /// The addresses that the internet sees.
    pub nat_addresses: Vec<Output<String>>,
    /// The VPC's resource; an existing one has none here.
    pub vpc: Option<AnyResource>,
    ways_out: Vec<Dependency>,
}

/// A subnet and where it is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The subnet.
    pub subnet: Output<SubnetId>,
    /// Its zone.
    pub zone: ZoneName,
}

impl Network {
    /// Declares the network of a plan.
    ///
    /// # Errors
    /// A subnet of an existing network cannot be looked up.
    pub async fn new(ground: &Ground, plan: &NetworkPlan) -> Result<Self> {
        match plan {
            NetworkPlan::New(new) => Ok(Builder::begin(ground, new)),
            NetworkPlan::Existing(existing) => Self::existing(ground, existing).await,
        }
    }

    /// What must stand while anything in the network needs a way out.
    pub fn ways_out(&self) -> Vec<Dependency> {
        self.ways_out.clone()
    }

    async fn existing(ground: &Ground, existing: &ExistingNetwork) -> Result<Self> {
        let ExistingNetwork {
            vpc_id,
            cidr,
            public_subnet_ids,
            private_subnet_ids,
            control_plane_subnet_ids,
            route_table_ids,
        } = existing;
        let vpc = ground
            .pulumi
            .get::<Vpc>(&ground.name("vpc"), vpc_id.clone(), ground.options());
        let private = places(ground, "private-subnet", private_subnet_ids).await?;
        let control_plane = match control_plane_subnet_ids {
            Some(ids) => places(ground, "eks-cp-subnet", ids).await?,
            None => private.clone(),
        };
        Ok(Self {
            vpc_id: vpc.id.clone(),
            cidr: cidr.clone(),
            ipv6: false,
            public: places(
                ground,
                "public-subnet",
                public_subnet_ids.as_deref().unwrap_or_default(),
            )
            .await?,
            private,
            control_plane,
            route_tables: route_table_ids.iter().flatten().cloned().map(Output::known).collect(),
            nat_addresses: Vec::new(),
            vpc: None,
            ways_out: Vec::new(),
        })
    }
}

/// Looks up in which zones existing subnets are.
async fn places(ground: &Ground, words: &str, ids: &[SubnetId]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let name = ground.name(&format!("{words}-{index}"));
        let subnet = ground.pulumi.get::<Subnet>(&name, id.clone(), ground.options());
        let Some(zone) = subnet.output::<ZoneName>("availabilityZone").value().await? else {
            return Err(Error::new(format!(
                "the zone of {id} is not known: does the subnet exist?"
            )));
        };
        places.push(Place {
            subnet: subnet.id.clone(),
            zone,
        });
    }
    Ok(places)
}

/// A tier's subnet with its own route table.
struct Rooted {
    subnet: Resource<Subnet>,
    table: Resource<RouteTable>,
}

/// A new network under way.
struct Builder<'a> {
    ground: &'a Ground,
    plan: &'a NewNetwork,
    vpc: Resource<Vpc>,
    gateway: Option<Resource<InternetGateway>>,
    outgoing_ipv6: Option<Resource<EgressOnlyInternetGateway>>,
    nats: Vec<Resource<NatGateway>>,
    ways_out: Vec<Dependency>,
}

impl<'a> Builder<'a> {
    fn begin(ground: &'a Ground, plan: &'a NewNetwork) -> Network {
        let name = ground.name("vpc");
        let mut tags = ground.tags(&format!("{name}-{}", ground.region), []);
        if plan.flow_logs.is_none() && ground.preset != Preset::Demo {
            // Flow logs cost: leaving them out is a decision of the preset, and says so to the policy pack.
            tags.insert("groundwork:accepts".to_owned(), findings::NO_FLOW_LOGS.id.into());
        }
        let vpc = ground.pulumi.create::<Vpc>(
            &name,
            VpcArgs::new(plan.cidr.clone())
                .enable_dns_hostnames(true)
                .enable_dns_support(true)
                .amazon_provided_ipv6_cidr_block(plan.ipv6)
                .tags(tags),
            ground.options(),
        );
        let mut builder = Self {
            ground,
            plan,
            vpc,
            gateway: None,
            outgoing_ipv6: None,
            nats: Vec::new(),
            ways_out: Vec::new(),
        };
        builder.groups();
        builder.flow_logs();
        builder.gateways();
        builder.tiers(&ground.zones)
    }

    fn groups(&self) {
        let Self { ground, plan, vpc, .. } = self;
        if plan.empty_default_security_group {
            let name = ground.name("default-sg");
            ground.pulumi.create::<DefaultSecurityGroup>(
                &name,
                DefaultSecurityGroupArgs::new(&vpc.id).tags(ground.tags(&name, [])),
                ground.below(vpc),
            );
        }
        if ground.preset == Preset::Demo {
            self.any_any_group();
            let name = ground.name("vpc");
            if plan.flow_logs.is_none() {
                ground.warn(&findings::NO_FLOW_LOGS, &name);
            }
            if !plan.empty_default_security_group {
                ground.warn(&findings::OPEN_DEFAULT_GROUP, &name);
            }
        }
    }

    /// A group of the shown architectures that admits everything and is attached to nothing.
    fn any_any_group(&self) {
        let Self { ground, vpc, .. } = self;
        let any = || {
            let rule = || InlineRuleArgs::new("-1").description("Any");
            vec![
                Input::from(rule().cidr_ipv4(Ipv4Cidr::everywhere())),
                Input::from(rule().cidr_ipv6(Ipv6Cidr::everywhere())),
            ]
        };
        let name = ground.name("security-group");
        ground.pulumi.create::<SecurityGroup>(
            &name,
            SecurityGroupArgs::new(&vpc.id)
                .description("Allow any-any")
                .ingress(any())
                .egress(any())
                .tags(ground.tags(&ground.name(&format!("sg-{}", ground.region)), [])),
            ground.below(vpc),
        );
        ground.warn(&findings::ANY_ANY_GROUP, &name);
        ground.warn(&findings::OPEN_EGRESS, &name);
    }

    fn flow_logs(&self) {
        let Self { ground, plan, vpc, .. } = self;
        let Some(FlowLogSettings {
            destination,
            role,
            traffic,
        }) = &plan.flow_logs
        else {
            return;
        };
        let name = ground.name("flow-log");
        let mut args = FlowLogArgs::new(vpc.id.cast::<FlowLogResourceId>(), destination.clone())
            .traffic_type(match traffic {
                FlowLogTraffic::Accept => TrafficType::Accept,
                FlowLogTraffic::Reject => TrafficType::Reject,
                FlowLogTraffic::All => TrafficType::All,
            })
            .log_destination_type(match destination.service() {
                "s3" => LogDestinationType::S3,
                "firehose" => LogDestinationType::KinesisDataFirehose,
                _ => LogDestinationType::CloudWatchLogs,
            })
            .tags(ground.tags(&name, []));
        if let Some(role) = role {
            args = args.deliver_logs_permission_arn(role.clone());
        }
        ground.pulumi.create::<FlowLog>(&name, args, ground.below(vpc));
    }

    fn gateways(&mut self) {
        let Self { ground, plan, vpc, .. } = self;
        if !plan.public.is_empty() {
            let name = ground.name("igw");
            let tags = ground.tags(&format!("{name}-{}", ground.region), []);
            self.gateway = Some(ground.pulumi.create::<InternetGateway>(
                &name,
                InternetGatewayArgs::new().vpc_id(&vpc.id).tags(tags),
                ground.below(vpc),
            ));
        }
        if plan.ipv6 && plan.nat != Nat::None {
            let name = ground.name("eigw");
            self.outgoing_ipv6 = Some(ground.pulumi.create::<EgressOnlyInternetGateway>(
                &name,
                EgressOnlyInternetGatewayArgs::new(&vpc.id).tags(ground.tags(&name, [])),
                ground.below(vpc),
            ));
        }
    }

    fn tiers(mut self, zones: &[ZoneName]) -> Network {
        let mut public = Vec::new();
        let mut regional = None;
        for (index, (zone, cidr)) in zones.iter().zip(&self.plan.public).enumerate() {
            let rooted = self.public_subnet(zone, cidr, index);
            public.push(Place {
                subnet: rooted.subnet.id.clone(),
                zone: zone.clone(),
            });
        }
        if self.plan.nat == Nat::Regional {
            regional = Some(self.regional_nat());
        }
        let (mut private, mut control_plane, mut route_tables) = (Vec::new(), Vec::new(), Vec::new());
        for (index, zone) in zones.iter().enumerate() {
            let nat = regional.clone().or_else(|| match self.plan.nat {
                Nat::PerZone => self.nats.get(index).map(|nat| nat.id.clone()),
                Nat::Single => self.nats.first().map(|nat| nat.id.clone()),
                Nat::Regional | Nat::None => None,
            });
            for (tier, ranges, offset) in [
                (Tier::Private, &self.plan.private, 16),
                (Tier::ControlPlane, &self.plan.control_plane, 32),
            ] {
                let Some(cidr) = ranges.get(index) else { continue };
                let rooted = subnet(self.ground, &self.vpc, self.plan.ipv6, tier, zone, cidr, offset + index);
                self.ways_out
                    .extend(self.private_routes(tier, zone, &rooted, nat.as_ref()));
                let place = Place {
                    subnet: rooted.subnet.id.clone(),
                    zone: zone.clone(),
                };
                if tier == Tier::Private {
                    private.push(place);
                } else {
                    control_plane.push(place);
                }
                route_tables.push(rooted.table.id.clone());
            }
        }
        Network {
            vpc_id: self.vpc.id.clone(),
            cidr: self.plan.cidr.clone(),
            ipv6: self.plan.ipv6,
            public,
            private,
            control_plane,
            route_tables,
            nat_addresses: self.nats.iter().map(|nat| nat.public_ip.cast()).collect(),
            vpc: Some(self.vpc.any().clone()),
            ways_out: self.ways_out,
        }
    }

    /// A public subnet, its way to the internet, and its zone's NAT gateway where there is to be one.
    fn public_subnet(&mut self, zone: &ZoneName, cidr: &Ipv4Cidr, index: usize) -> Rooted {
        let ground = self.ground;
        let rooted = subnet(ground, &self.vpc, self.plan.ipv6, Tier::Public, zone, cidr, index);
        let Some(gateway) = &self.gateway else { return rooted };
        let route = ground.pulumi.create::<Route>(
            &ground.name(&format!("public-wan-route-{zone}")),
            RouteArgs::new(&rooted.table.id)
                .destination_cidr_block(Ipv4Cidr::everywhere())
                .gateway_id(&gateway.id),
            ground.below(&rooted.subnet),
        );
        if self.plan.ipv6 {
            ground.pulumi.create::<Route>(
                &ground.name(&format!("public-wan-route-ipv6-{zone}")),
                RouteArgs::new(&rooted.table.id)
                    .destination_ipv6_cidr_block(Ipv6Cidr::everywhere())
                    .gateway_id(&gateway.id),
                ground.below(&rooted.subnet),
            );
        }
        let here = match self.plan.nat {
            Nat::PerZone => true,
            Nat::Single => index == 0,
            Nat::Regional | Nat::None => false,
        };
        if here {
            let address = ground.pulumi.create::<Eip>(
                &ground.name(&format!("eip-{zone}")),
                EipArgs::new().tags(ground.tags(&ground.name(&format!("eip-{zone}")), [])),
                // An address may need the gateway that it is reached by.
                ground.below(&self.vpc).depends_on(gateway),
            );
            let nat = ground.pulumi.create::<NatGateway>(
                &ground.name(&format!("nat-gateway-{zone}")),
                NatGatewayArgs::new()
                    .subnet_id(&rooted.subnet.id)
                    .allocation_id(&address.allocation_id)
                    .tags(ground.tags(&ground.name(&format!("nat-{zone}")), [])),
                // The address can be held by one gateway alone, also when a user asks for a replacement.
                ground.options().depends_on(&route).delete_before_replace(true),
            );
            self.nats.push(nat);
        }
        rooted
    }

    fn regional_nat(&mut self) -> Output<NatGatewayId> {
        let ground = self.ground;
        let mut options = ground.options();
        if let Some(gateway) = &self.gateway {
            options = options.depends_on(gateway);
        }
        let name = ground.name("nat-gateway");
        let nat = ground.pulumi.create::<NatGateway>(
            &name,
            NatGatewayArgs::new()
                .availability_mode(AvailabilityMode::Regional)
                .vpc_id(&self.vpc.id)
                .tags(ground.tags(&name, [])),
            options,
        );
        let id = nat.id.clone();
        self.nats.push(nat);
        id
    }

    /// The ways out of a subnet that nobody reaches from outside.
    fn private_routes(
        &self,
        tier: Tier,
        zone: &ZoneName,
        rooted: &Rooted,
        nat: Option<&Output<NatGatewayId>>,
    ) -> Vec<Dependency> {
        let ground = self.ground;
        let mut routes = Vec::new();
        if let Some(nat) = nat {
            routes.push(
                ground.pulumi.create::<Route>(
                    &ground.name(&format!("{}-wan-route-{zone}", tier.word())),
                    RouteArgs::new(&rooted.table.id)
                        .destination_cidr_block(Ipv4Cidr::everywhere())
                        .nat_gateway_id(nat),
                    ground.below(&rooted.subnet),
                ),
            );
        }
        if let Some(gateway) = &self.outgoing_ipv6 {
            routes.push(
                ground.pulumi.create::<Route>(
                    &ground.name(&format!("{}-wan-route-ipv6-{zone}", tier.word())),
                    RouteArgs::new(&rooted.table.id)
                        .destination_ipv6_cidr_block(Ipv6Cidr::everywhere())
                        .egress_only_internet_gateway_id(&gateway.id),
                    ground.below(&rooted.subnet),
                ),
            );
        }
        routes.iter().map(Dependency::from).collect()
    }
}

/// A tier of subnets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    Public,
    Private,
    ControlPlane,
}

impl Tier {
    const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::ControlPlane => "eks-cp",
        }
    }
}

/// A subnet with a route table of its own.
fn subnet(
    ground: &Ground,
    vpc: &Resource<Vpc>,
    ipv6: bool,
    tier: Tier,
    zone: &ZoneName,
    cidr: &Ipv4Cidr,
    number: usize,
) -> Rooted {
    let name = ground.name(&format!("{}-subnet-{zone}", tier.word()));
    let mut tags = ground.tags(&name, []);
    let mut tag = |key: &str, value: &str| tags.insert(key.to_owned(), value.into());
    if ground.preset != Preset::Demo {
        // Where load balancers may stand. Source: EKS User Guide, "Network load balancing".
        match tier {
            Tier::Public => drop(tag("kubernetes.io/role/elb", "1")),
            Tier::Private => drop(tag("kubernetes.io/role/internal-elb", "1")),
            Tier::ControlPlane => {}
        }
    }
    if tier == Tier::Private {
        tag("karpenter.sh/discovery", &ground.cluster);
    }
    let mut args = SubnetArgs::new(&vpc.id, cidr.clone())
        .availability_zone(zone.clone())
        .tags(tags);
    if ipv6 {
        let range = vpc
            .ipv6_cidr_block
            .map(move |range| range.and_then(|range: Ipv6Cidr| range.subnet(64, number)));
        args = args
            .ipv6_cidr_block(range.cast::<Ipv6Cidr>())
            .assign_ipv6_address_on_creation(true);
    }
    let subnet = ground.pulumi.create::<Subnet>(&name, args, ground.below(vpc));
    let table_name = ground.name(&format!("{}-rt-{zone}", tier.word()));
    let table = ground.pulumi.create::<RouteTable>(
        &table_name,
        RouteTableArgs::new(&vpc.id).tags(ground.tags(&table_name, [])),
        ground.below(&subnet),
    );
    ground.pulumi.create::<RouteTableAssociation>(
        &ground.name(&format!("{}-rt-association-{zone}", tier.word())),
        RouteTableAssociationArgs::new(&table.id).subnet_id(&subnet.id),
        ground.below(&subnet),
    );
    Rooted { subnet, table }
}
