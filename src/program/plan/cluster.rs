//! The cluster's part of the plan.

use std::collections::BTreeSet;

use groundwork_contract::{
    Arn, Failure, Ipv4Cidr,
    eks::{AuthenticationMode, ClusterLogType, KubernetesVersion, SupportType},
    kubernetes::ProxyUrl,
};
use groundwork_wire::PropertyPath;
use jiff::civil::Date;

use crate::{
    settings::{AccessSettings, ApiEndpointSettings, ClusterSettings, EncryptionSettings, LoggingSettings, Preset},
    versions::Kubernetes,
};

/// How long CloudWatch can be told to keep logs, in days. Source: CloudWatch Logs API Reference, `PutRetentionPolicy`.
const RETENTIONS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// The cluster, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterPlan {
    /// Kubernetes' version.
    pub version: KubernetesVersion,
    /// The last day of its standard support and how many days are left, once they are few.
    pub support_ends: Option<(Date, i32)>,
    /// What a version costs beyond that, in dollars a month.
    pub extended_dollars_per_month: u32,
    /// What comes after standard support; EKS' own default where nothing is said.
    pub support_type: Option<SupportType>,
    /// Whether EKS refuses to delete it.
    pub deletion_protection: bool,
    /// Whether the API is reached from outside the VPC, and from where.
    pub public_access: Option<BTreeSet<Ipv4Cidr>>,
    /// Whether it is reached within the VPC.
    pub private_access: bool,
    /// A proxy to the API.
    pub proxy_url: Option<ProxyUrl>,
    /// The logs that are written.
    pub log_types: BTreeSet<ClusterLogType>,
    /// How many days they are kept.
    pub retention_days: u16,
    /// The key of the logs.
    pub log_key: Option<Arn>,
    /// Whether the logs outlive the platform.
    pub retain_logs: bool,
    /// For how many seconds the log group must stay gone.
    pub quiet_seconds: Option<u16>,
    /// The key of Kubernetes' data.
    pub encryption: Option<EncryptionSettings>,
    /// Who decides who is let in.
    pub authentication_mode: AuthenticationMode,
    /// Who administers it.
    pub admins: BTreeSet<Arn>,
    /// Whether whoever makes it administers it, by an access entry.
    pub deployer: bool,
    /// Who that is, where the session does not tell.
    pub deployer_arn: Option<Arn>,
    /// Whether whoever makes it administers it without being named.
    pub creator_is_admin: bool,
}

fn path(keys: &[&str]) -> PropertyPath {
    keys.iter()
        .fold(PropertyPath::root().key("cluster"), |path, key| path.key(key))
}

pub(super) fn plan_cluster(
    preset: Preset,
    version: Option<KubernetesVersion>,
    settings: Option<ClusterSettings>,
    (known, today): (&Kubernetes, Date),
    failures: &mut Vec<Failure>,
) -> ClusterPlan {
    let ClusterSettings {
        endpoint,
        logging,
        encryption,
        access,
        support_type,
        deletion_protection,
        proxy_url,
    } = settings.unwrap_or(ClusterSettings {
        endpoint: None,
        logging: None,
        encryption: None,
        access: None,
        support_type: None,
        deletion_protection: None,
        proxy_url: None,
    });
    let version = version.unwrap_or_else(|| known.default.clone());
    failures.extend(check_version(&version, known));
    let endpoint = plan_endpoint(preset, endpoint, failures);
    let logs = plan_logs(preset, logging, failures);
    let access = plan_access(preset, access, failures);
    ClusterPlan {
        support_ends: known.ending(&version, today),
        extended_dollars_per_month: known.extended_dollars_per_month,
        version,
        support_type: support_type.or_else(|| (preset != Preset::Demo).then_some(SupportType::Standard)),
        deletion_protection: deletion_protection.unwrap_or(false),
        public_access: endpoint.0,
        private_access: endpoint.1,
        proxy_url,
        log_types: logs.types,
        retention_days: logs.days,
        log_key: logs.key,
        retain_logs: logs.retain,
        quiet_seconds: logs.quiet_seconds,
        encryption,
        authentication_mode: access.mode,
        admins: access.admins,
        deployer: access.deployer,
        deployer_arn: access.deployer_arn,
        creator_is_admin: access.creator_is_admin,
    }
}

/// A version that nobody supports any more. EKS is asked about the others: it knows newer ones, and which a cluster runs.
fn check_version(version: &KubernetesVersion, known: &Kubernetes) -> Option<Failure> {
    let supported: Vec<&KubernetesVersion> = known.standard.iter().map(|supported| &supported.version).collect();
    let oldest = supported
        .iter()
        .copied()
        .chain(&known.extended)
        .map(KubernetesVersion::minor)
        .min()
        .unwrap_or_default();
    let listed = || supported.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    (version.minor() < oldest).then(|| {
        Failure::at(
            "version",
            format!("EKS has no Kubernetes {version}; it has {}", listed()),
        )
    })
}

fn plan_endpoint(
    preset: Preset,
    settings: Option<ApiEndpointSettings>,
    failures: &mut Vec<Failure>,
) -> (Option<BTreeSet<Ipv4Cidr>>, bool) {
    let ApiEndpointSettings {
        public_access,
        public_access_cidrs,
        private_access,
        allow_public_anywhere,
    } = settings.unwrap_or(ApiEndpointSettings {
        public_access: None,
        public_access_cidrs: None,
        private_access: None,
        allow_public_anywhere: None,
    });
    let demo = preset == Preset::Demo;
    let given = public_access_cidrs.is_some();
    let cidrs = public_access_cidrs.unwrap_or_else(|| {
        if demo && public_access != Some(false) {
            BTreeSet::from([Ipv4Cidr::everywhere()])
        } else {
            BTreeSet::new()
        }
    });
    let public = public_access.unwrap_or(!cidrs.is_empty());
    let private = private_access.unwrap_or(true);
    if !public && !private {
        failures.push(Failure::new(
            path(&["endpoint", "privateAccess"]),
            "is false, and there is no public access either: nobody would reach the API, not even the nodes; leave one \
             of them on",
        ));
    }
    if public && cidrs.is_empty() {
        failures.push(Failure::new(
            path(&["endpoint", "publicAccessCidrs"]),
            "names nobody, although `publicAccess` is true; name the addresses that may call the API, such as your \
             office's 203.0.113.7/32",
        ));
    }
    if !public && given && !cidrs.is_empty() {
        failures.push(Failure::new(
            path(&["endpoint", "publicAccessCidrs"]),
            "names addresses, although `publicAccess` is false; leave one of the two out",
        ));
    }
    if let Some(wide) = cidrs.iter().find(|cidr| cidr.is_wide())
        && !allow_public_anywhere.unwrap_or(demo && !given)
    {
        failures.push(Failure::new(
            path(&["endpoint", "publicAccessCidrs"]),
            format!(
                "has {wide}, more than anybody's own network: a few of these are every address; name the addresses that \
                 need it, or insist with `allowPublicAnywhere: true`"
            ),
        ));
    }
    (public.then_some(cidrs), private)
}

struct Logs {
    types: BTreeSet<ClusterLogType>,
    days: u16,
    key: Option<Arn>,
    retain: bool,
    quiet_seconds: Option<u16>,
}

fn plan_logs(preset: Preset, settings: Option<LoggingSettings>, failures: &mut Vec<Failure>) -> Logs {
    let LoggingSettings {
        types,
        retention_days,
        kms_key_arn,
        retain,
        quiet_seconds,
    } = settings.unwrap_or(LoggingSettings {
        types: None,
        retention_days: None,
        kms_key_arn: None,
        retain: None,
        quiet_seconds: None,
    });
    let days = retention_days.unwrap_or(if preset == Preset::Demo { 1 } else { 90 });
    if !RETENTIONS.contains(&days) {
        let nearest = RETENTIONS.iter().find(|known| **known >= days).unwrap_or(&3653);
        failures.push(Failure::new(
            path(&["logging", "retentionDays"]),
            format!("CloudWatch keeps logs for certain numbers of days, and {days} is none; the next is {nearest}"),
        ));
    }
    Logs {
        types: types.unwrap_or_else(|| {
            [
                ClusterLogType::Api,
                ClusterLogType::Audit,
                ClusterLogType::Authenticator,
                ClusterLogType::ControllerManager,
                ClusterLogType::Scheduler,
            ]
            .into()
        }),
        days,
        key: kms_key_arn,
        retain: retain.unwrap_or(false),
        quiet_seconds,
    }
}

struct Access {
    mode: AuthenticationMode,
    admins: BTreeSet<Arn>,
    deployer: bool,
    deployer_arn: Option<Arn>,
    creator_is_admin: bool,
}

fn plan_access(preset: Preset, settings: Option<AccessSettings>, failures: &mut Vec<Failure>) -> Access {
    let AccessSettings {
        admins,
        deployer,
        deployer_arn,
        authentication_mode,
    } = settings.unwrap_or(AccessSettings {
        admins: None,
        deployer: None,
        deployer_arn: None,
        authentication_mode: None,
    });
    let admins = admins.unwrap_or_default();
    let mode = authentication_mode.unwrap_or(if preset == Preset::Demo {
        AuthenticationMode::ApiAndConfigMap
    } else {
        AuthenticationMode::Api
    });
    let wanted = deployer.unwrap_or(true);
    let creator_is_admin = wanted && preset == Preset::Demo;
    if mode == AuthenticationMode::ConfigMap {
        failures.push(Failure::new(
            path(&["access", "authenticationMode"]),
            "is CONFIG_MAP, which has no access entries, and these are how administrators and nodes are let in; take `API` \
             or `API_AND_CONFIG_MAP`",
        ));
    }
    if !wanted && admins.is_empty() {
        failures.push(Failure::new(
            path(&["access", "deployer"]),
            "is false and `admins` names nobody: no administrator would be left; name one",
        ));
    }
    for (index, admin) in admins.iter().enumerate() {
        if admin.service() != "iam" {
            failures.push(Failure::new(
                path(&["access", "admins"]).index(index),
                format!("{admin} is neither a role nor a user of IAM; a session's role is arn:aws:iam::<account>:role/<name>"),
            ));
        }
    }
    Access {
        mode,
        admins,
        deployer: wanted && !creator_is_admin,
        deployer_arn,
        creator_is_admin,
    }
}
