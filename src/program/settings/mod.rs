//! Settings: what a user may say about a platform. Read and held against their form before anything is registered.

use std::collections::BTreeMap;

use groundwork_contract::{
    Arn, Failure, Ipv4Cidr, Tags, ZoneName,
    check::{check, from_text},
    descriptor::object,
    ec2::{SubnetId, VpcId},
    eks::KubernetesVersion,
    iam::IamPath,
    shape::apply_defaults,
    text_type,
};
use groundwork_contract_derive::shape;
use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use serde_json::Value as Json;

use crate::{objects::merged, sdk::Config};

mod cluster;
mod compute;
mod flux;

pub use cluster::*;
pub use compute::*;
pub use flux::*;

text_type!(
    /// A platform's name: 1 to 26 lower-case letters, digits and hyphens, beginning with a letter.
    PlatformName, "a platform's name", "demo-k8s", |text| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.len() > 26 {
            Err("it has more than 26 characters; names made from it would be too long for AWS".to_owned())
        } else if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(fits) || text.ends_with('-') {
            Err("expected lower-case letters, digits and hyphens, beginning with a letter".to_owned())
        } else {
            Ok(text.to_owned())
        }
    }
);

/// The settings of a platform: `platform:<name>` in the stack's configuration.
#[shape(settings)]
pub struct Settings {
    /// The set of defaults.
    #[default(Preset::Standard)]
    pub preset: Preset,
    /// The platform's name: the cluster's, and part of most other names. Default `main`; `demo-k8s` in part 1 of preset
    /// `demo`, `demo-k8s-cilium` in part 2.
    pub name: Option<PlatformName>,
    /// Which of the two architectures: 1 (pods on Fargate) or 2 (nodes with Cilium). Default 2.
    pub part: Option<u8>,
    /// Tags for everything that can carry tags.
    pub tags: Option<Tags>,
    /// The network.
    pub network: Option<NetworkSettings>,
    /// The VPC endpoints.
    pub endpoints: Option<EndpointSettings>,
    /// Where container images come from.
    pub images: Option<ImageSettings>,
    /// Where the platform's Git repository is.
    pub git: Option<GitSettings>,
    /// Kubernetes' version. Default `1.35`.
    pub version: Option<KubernetesVersion>,
    /// The EKS cluster.
    pub cluster: Option<ClusterSettings>,
    /// How pods get rights in AWS. Default `irsa`.
    pub identity: Option<IdentityKind>,
    /// The path of every role and policy that the platform makes, such as `/platform/`. Default `/`.
    pub role_path: Option<IamPath>,
    /// The policy that bounds every role that the platform makes.
    pub permissions_boundary: Option<Arn>,
    /// Cilium, in part 2.
    pub cilium: Option<CiliumSettings>,
    /// The first nodes, in part 2; Karpenter brings the others.
    pub nodes: Option<NodeSettings>,
    /// Fargate, in part 1.
    pub fargate: Option<FargateSettings>,
    /// EKS' addons.
    pub addons: Option<AddonSettings>,
    /// The hand-over to Flux. Default: the platform comes up without it.
    pub flux: Option<FluxSettings>,
    /// Who mints the tokens of the exported kubeconfig. Default `groundwork`.
    pub kubeconfig: Option<KubeconfigStyle>,
}

/// A set of defaults. Any single setting overrides it.
#[shape]
pub enum Preset {
    /// Safe: what is costly or dangerous must be asked for.
    Standard,
    /// The exact choices of the architectures that the platform re-implements, each doubtful one with a warning.
    Demo,
    /// No way to or from the internet.
    Private,
}

/// The network: a new VPC, or an existing one.
#[shape(settings)]
pub struct NetworkSettings {
    /// The VPC's IPv4 range, /16 to /28. Default `10.0.0.0/16`; `10.200.0.0/16` in preset `demo`.
    pub cidr: Option<Ipv4Cidr>,
    /// In how many zones, 2 to 6. Default 2.
    pub zone_count: Option<u8>,
    /// In which zones, instead of a number of them.
    pub zones: Option<Vec<ZoneName>>,
    /// The subnets' ranges, instead of planned ones.
    pub subnets: Option<SubnetSettings>,
    /// How private subnets reach the internet. Default `per-zone`; `none` in preset `private`.
    pub nat: Option<Nat>,
    /// Whether there are public subnets. Default: whether there is NAT.
    pub public: Option<bool>,
    /// Whether subnets have IPv6 ranges as well. Default false.
    pub ipv6: Option<bool>,
    /// Whether the VPC's default security group is adopted and emptied. Default true; false in preset `demo`.
    pub empty_default_security_group: Option<bool>,
    /// Where flow logs go. Default: nowhere.
    pub flow_logs: Option<FlowLogSettings>,
    /// A VPC that exists, instead of a new one.
    pub existing: Option<ExistingNetwork>,
}

/// The ranges of subnets, one for each zone.
#[shape(settings)]
pub struct SubnetSettings {
    /// Of public subnets.
    pub public: Option<Vec<Ipv4Cidr>>,
    /// Of private subnets, where nodes and pods are.
    pub private: Option<Vec<Ipv4Cidr>>,
    /// Of the subnets that hold the control plane's network interfaces.
    pub control_plane: Option<Vec<Ipv4Cidr>>,
}

/// How private subnets reach the internet.
#[shape]
pub enum Nat {
    /// A NAT gateway in each zone: a zone that fails takes no other with it.
    PerZone,
    /// One NAT gateway: cheaper, and as available as its zone.
    Single,
    /// One regional NAT gateway that AWS keeps in every zone that is in use.
    Regional,
    /// Not at all.
    None,
}

/// Where flow logs go.
#[shape(settings)]
pub struct FlowLogSettings {
    /// The ARN of an S3 bucket, a CloudWatch log group or a Firehose stream.
    pub destination: Arn,
    /// The role that writes to a log group.
    pub role: Option<Arn>,
    /// Which traffic.
    #[default(FlowLogTraffic::All)]
    pub traffic: FlowLogTraffic,
}

/// Which traffic flow logs tell of.
#[shape]
pub enum FlowLogTraffic {
    /// What was let through.
    Accept,
    /// What was not.
    Reject,
    /// All.
    All,
}

/// A VPC that exists. Nothing in it is changed but what the platform adds.
#[shape(settings)]
pub struct ExistingNetwork {
    /// The VPC.
    pub vpc_id: VpcId,
    /// Its IPv4 range, for the rules of the endpoints' security group.
    pub cidr: Ipv4Cidr,
    /// Public subnets, for load balancers.
    pub public_subnet_ids: Option<Vec<SubnetId>>,
    /// Private subnets, for nodes, pods and endpoints; in different zones.
    pub private_subnet_ids: Vec<SubnetId>,
    /// Subnets for the control plane's network interfaces: two at least, in two zones. Default: the private ones.
    pub control_plane_subnet_ids: Option<Vec<SubnetId>>,
    /// The route tables of the private subnets, for gateway endpoints.
    pub route_table_ids: Option<Vec<groundwork_contract::ec2::RouteTableId>>,
}

/// VPC endpoints: ways to AWS's services that stay off the internet.
#[shape(settings)]
pub struct EndpointSettings {
    /// Services by gateway, which are free: `s3`, `dynamodb`. Default `[s3]`; none in preset `demo`.
    pub gateway: Option<Vec<String>>,
    /// Services by interface, at a price by zone and hour: `ecr.api`, `sts`… Default none; in preset `private` what a
    /// cluster needs.
    pub interface: Option<Vec<String>>,
    /// Whom the endpoints admit. Default `account`; `open` in preset `demo`.
    pub policy: Option<EndpointPolicy>,
}

/// Whom an endpoint admits.
#[shape]
pub enum EndpointPolicy {
    /// Everybody, as AWS does by default.
    Open,
    /// Principals of this account; and everybody to read the image layers and packages that AWS publishes in S3.
    Account,
}

/// Where container images come from.
#[shape(settings)]
pub struct ImageSettings {
    /// A registry that is reached without the internet, such as `111122223333.dkr.ecr.eu-central-1.amazonaws.com`.
    pub registry: Option<String>,
    /// Below what that registry has the images of `quay.io` (Cilium's) and `ghcr.io` (Flux'), as ECR's pull-through cache
    /// has a prefix for each: `{"quay.io": "quay", "ghcr.io": "ghcr"}`. Default: all by their own names.
    pub prefixes: Option<BTreeMap<String, String>>,
}

/// Where the platform's Git repository is.
#[shape(settings)]
pub struct GitSettings {
    /// A host that is reached from the private subnets, and where the hand-over to Flux goes.
    pub host: Option<String>,
}

/// The settings of a stack.
///
/// # Errors
/// Every mistake in their form.
///
/// `$GROUNDWORK_DEFAULTS`, such as `{"platform": {"cilium": {"repository": "https://charts.example.com"}}}`, says what
/// holds where a stack's settings say nothing; an organization's own mirrors, say. What it says for the other part does
/// not concern this one.
pub fn read(config: &Config) -> Result<Settings, Vec<Failure>> {
    let mut failures = Vec::new();
    let mut map = PropertyMap::new();
    for key in config.keys() {
        match config.get::<String>(key) {
            Ok(Some(text)) => {
                map.insert(key.to_owned(), PropertyValue::String(text));
            }
            Ok(None) => {}
            Err(error) => failures.push(Failure::at(key, error.to_string())),
        }
    }
    let spec = object::<Settings>();
    let mut map = from_text(&spec, &map);
    if let Some(defaults) = config.defaults() {
        map = over_defaults(defaults, map).map_err(|error| vec![malformed(&error)])?;
    }
    failures.extend(check(&spec, &map));
    apply_defaults(&spec, &mut map);
    if failures.is_empty() {
        let json = PropertyValue::Object(map)
            .to_json()
            .map_err(|error| vec![malformed(&error)])?;
        serde_json::from_value(json).map_err(|error| vec![malformed(&error)])
    } else {
        failures.sort();
        Err(failures)
    }
}

/// The settings, laid over what holds in this environment where they say nothing.
fn over_defaults(defaults: &Json, map: PropertyMap) -> Result<PropertyMap, groundwork_wire::NotPlain> {
    let given = PropertyValue::Object(map).to_json()?;
    let mut all = merged(defaults.clone(), given.clone());
    let first = all.get("part").and_then(Json::as_f64).is_some_and(|part| part < 2.0);
    let others: &[&str] = if first {
        &["/cilium", "/nodes"]
    } else {
        &["/fargate", "/addons/vpcCni", "/addons/kubeProxy"]
    };
    for other in others.iter().filter(|other| given.pointer(other).is_none()) {
        if let Some((parent, key)) = other.rsplit_once('/')
            && let Some(parent) = all.pointer_mut(parent).and_then(Json::as_object_mut)
        {
            parent.remove(key);
        }
    }
    match PropertyValue::from(all) {
        PropertyValue::Object(map) => Ok(map),
        _ => Ok(PropertyMap::new()),
    }
}

fn malformed(error: &impl std::fmt::Display) -> Failure {
    Failure::new(PropertyPath::root(), error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn laid_over(given: Json) -> Json {
        let defaults = json!({"cilium": {"repository": "https://charts.example.com"}, "addons": {"kubeProxy": {}}});
        let PropertyValue::Object(given) = PropertyValue::from(given) else {
            panic!("settings are an object");
        };
        let all = over_defaults(&defaults, given).unwrap();
        PropertyValue::Object(all).to_json().unwrap()
    }

    #[test]
    fn defaults_of_an_environment_hold_for_the_part_that_knows_them() {
        let mirror = json!({"repository": "https://charts.example.com"});
        assert_eq!(laid_over(json!({})), json!({"cilium": mirror, "addons": {}}));
        let first = laid_over(json!({"part": 1}));
        assert_eq!(first.pointer("/cilium"), None);
        assert_eq!(first.pointer("/addons/kubeProxy"), Some(&json!({})));
    }

    #[test]
    fn what_a_stack_says_itself_of_the_other_part_is_told() {
        let told = laid_over(json!({"part": 1, "cilium": {"version": "1.19.0"}}));
        assert_eq!(told.pointer("/cilium/version"), Some(&json!("1.19.0")));
    }
}
