//! Findings: what is unsafe, costly or needless about a platform, why, and what to do instead.
//!
//! One table; the program's warnings and the policy pack speak from it.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth changing.
    Medium,
    /// Not to be run in earnest.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// One thing that can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Its id: `S…` for security, `C…` for cost.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Why it matters.
    pub reason: &'static str,
    /// What to do instead.
    pub fix: &'static str,
    /// Where to read on.
    pub references: &'static [&'static str],
}

impl Finding {
    /// One line about one thing.
    pub fn about(&self, what: &str) -> String {
        format!("[{}, {}] {what}: {}; {}", self.id, self.severity, self.reason, self.fix)
    }
}

macro_rules! findings {
    ($($(#[$docs:meta])* $name:ident = $id:literal $severity:ident $title:literal
        because $reason:literal
        fix $fix:literal
        see [$($reference:literal),* $(,)?];)+) => {
        $($(#[$docs])* pub const $name: Finding = Finding {
            id: $id,
            severity: Severity::$severity,
            title: $title,
            reason: $reason,
            fix: $fix,
            references: &[$($reference),*],
        };)+

        /// Every finding, in the order of the table.
        pub const ALL: &[Finding] = &[$($name),+];
    };
}

findings! {
    /// A Kubernetes API that everybody may call.
    PUBLIC_API = "S1" High "Kubernetes API open to every address"
        because "a stolen credential or a flaw of the API server can be used from anywhere"
        fix "name who may call it (`platform:cluster.endpoint.publicAccessCidrs`), or switch public access off"
        see ["CIS Amazon EKS 5.4.1", "CIS Amazon EKS 5.4.2", "AWS FSBP EKS.1"];
    /// A Git token in the plain environment of a Job.
    TOKEN_IN_JOB = "S2" High "Git token in a Job's environment"
        because "whoever may read Jobs or Pods of its namespace reads the token, and so does who reads etcd or the audit log"
        fix "let the Job take it from a Secret that goes with it (any preset but `demo`)"
        see ["CIS Amazon EKS 4.4.1", "Kubernetes, Good practices for Kubernetes Secrets"];
    /// Rights over the whole cluster that outlive their use.
    LASTING_CLUSTER_ADMIN = "S3" High "cluster-admin that is never taken back"
        because "any pod that may use the service account rules the cluster, long after the bootstrap is done"
        fix "let the rights go with the Job that needs them (any preset but `demo`)"
        see ["CIS Amazon EKS 4.1.1", "Kubernetes, RBAC Good Practices"];
    /// A controller's policy that names no resource.
    UNSCOPED_CONTROLLER = "S4" High "controller's policy for every resource"
        because "it may start an instance with any role, and end any instance of the account"
        fix "scope it to what carries the cluster's tags (any preset but `demo`)"
        see ["AWS FSBP IAM.21", "Karpenter, CloudFormation reference"];
    /// A role whose trust does not name the audience.
    NO_AUDIENCE = "S5" High "role for a service account without an audience"
        because "a token that the cluster issued for another audience is accepted as well"
        fix "ask for `sub` and `aud` (any preset but `demo`)"
        see ["EKS User Guide, IAM roles for service accounts"];
    /// A security group that lets everything in from everywhere.
    ANY_ANY_GROUP = "S6" High "security group open to everyone"
        because "it admits every protocol from every address: whatever it is attached to is an open host"
        fix "name protocol, port and source; without need, leave the group out"
        see ["CIS AWS Foundations 5.2", "AWS FSBP EC2.18", "AWS FSBP EC2.19"];
    /// A security group rule with a source wider than needed.
    WIDE_SOURCE = "S7" Medium "ingress from every address"
        because "every address may connect, though only the VPC needs to"
        fix "use the VPC's range or a security group as the source"
        see ["AWS FSBP EC2.18", "CIS AWS Foundations 5.2"];
    /// A group that lets everything out.
    OPEN_EGRESS = "S8" Medium "egress to every address"
        because "whatever runs behind it can send data anywhere"
        fix "leave egress out where nothing opens connections (an endpoint's group), or name the destinations"
        see ["NSA/CISA Kubernetes Hardening Guide, network separation"];
    /// Rights to network interfaces on every node.
    CNI_ON_NODES = "S9" Medium "network-interface rights on the node role"
        because "every pod that reaches the instance's metadata gets them, beside the one that needs them"
        fix "leave them to the role of the service account alone (any preset but `demo`)"
        see ["EKS Best Practices Guide, Identity and Access Management"];
    /// Nodes whose metadata pods can reach.
    METADATA_FROM_PODS = "S10" Medium "instance metadata within reach of pods"
        because "a pod can take the node's credentials: the default launch template of a node group has hop limit 2"
        fix "ask for IMDSv2 with hop limit 1 (any preset but `demo`)"
        see ["AWS FSBP EC2.8", "CIS Amazon EKS 5.1", "EKS Best Practices Guide, restrict access to the instance profile"];
    /// A Git token of a person with rights to all of their repositories.
    BROAD_TOKEN = "S11" Medium "personal Git token"
        because "a classic token reaches every repository of its owner, and the deploy key lives as long as their access"
        fix "use a fine-grained token for the one repository, and renew it"
        see ["GitHub Docs, Managing your personal access tokens"];
    /// A repository that everybody may read.
    PUBLIC_REPOSITORY = "S12" Medium "public Git repository"
        because "it tells everybody about the account, the endpoint and all that runs"
        fix "keep it private (`platform:flux.private: true`)"
        see ["Flux, flux bootstrap github"];
    /// Audit logs that are gone the next day.
    SHORT_LOGS = "S13" Medium "control-plane logs kept for a day"
        because "what happened cannot be told afterwards, and the log group has no key of its own"
        fix "keep them for months (`platform:cluster.logging.retentionDays: 90`)"
        see ["AWS FSBP CloudWatch.16", "CIS Amazon EKS 2.1.1"];
    /// Admission by a ConfigMap inside the cluster.
    CONFIG_MAP_ACCESS = "S14" Medium "cluster access by ConfigMap"
        because "whoever may edit one ConfigMap of kube-system makes anybody an administrator, or locks all out"
        fix "admit by access entries alone (`platform:cluster.access.authenticationMode: API`)"
        see ["EKS User Guide, access entries", "EKS Best Practices Guide, Cluster Access Management"];
    /// An administrator whom nothing names.
    HIDDEN_ADMIN = "S15" Medium "the cluster's creator is administrator for good"
        because "the right is shown nowhere and outlives the reason for it"
        fix "name the administrators (`platform:cluster.access.admins`)"
        see ["EKS User Guide, bootstrapClusterCreatorAdminPermissions"];
    /// An endpoint without a policy.
    OPEN_ENDPOINT = "S16" Medium "endpoint open to every principal"
        because "any principal of any account can be used through it, so that data can leave by it"
        fix "give it a policy that admits this account alone (`platform:endpoints.policy: account`)"
        see ["AWS PrivateLink Guide, control access to VPC endpoints using endpoint policies"];
    /// Flows of the network that whoever gets to the page reads.
    OPEN_HUBBLE = "S17" Medium "Hubble without authentication"
        because "whoever reaches its relay or its user interface sees who talks to whom, and asks nobody's leave"
        fix "keep both ClusterIP, as they are, and go there by `kubectl port-forward`; or leave them out (`platform:cilium.hubble: false`)"
        see ["Cilium, Hubble: service map and Hubble UI", "NSA/CISA Kubernetes Hardening Guide, network separation"];
    /// Pods that reach each other without a limit.
    NO_NETWORK_POLICY = "S18" Medium "no network policy"
        because "every pod reaches every other one, and the instance's metadata where that is within reach: one that is taken over \
                 reaches them all"
        fix "bring policies from Git: none in by default in each namespace, and what is needed beside it"
        see ["CIS Amazon EKS 4.3.2", "EKS Best Practices Guide, network security"];
    /// The CNI's broad managed policies.
    BROAD_CNI_POLICY = "S19" Medium "managed policies for Cilium's operator"
        because "they let it delete any network interface of the account, and more than it needs besides"
        fix "give it the scoped policy (any preset but `demo`)"
        see ["Cilium, AWS ENI: required privileges"];
    /// Images by a name that can come to mean something else.
    IMAGE_BY_TAG = "S20" Low "image by tag alone"
        because "a tag can be moved: what runs tomorrow need not be what was looked at today"
        fix "name it with its digest (`platform:flux.image: ghcr.io/fluxcd/flux-cli:…@sha256:…`)"
        see ["NSA/CISA Kubernetes Hardening Guide, image scanning"];
    /// Secrets under AWS's key alone.
    NO_SECRETS_KEY = "S21" Low "no key of one's own for Kubernetes' data"
        because "EKS encrypts with a key that AWS owns: it can be neither watched nor revoked"
        fix "give it a key (`platform:cluster.encryption: {}`), which costs some $1 a month"
        see ["AWS FSBP EKS.3", "CIS Amazon EKS 5.3.1"];
    /// A VPC without flow logs.
    NO_FLOW_LOGS = "S22" Low "no flow logs"
        because "what went where cannot be told afterwards"
        fix "set `platform:network.flowLogs` (it costs), or accept it by the VPC's tag `groundwork:accepts: S22`"
        see ["AWS FSBP EC2.6", "CIS AWS Foundations 3.7"];
    /// No word on what comes after standard support.
    SILENT_EXTENDED_SUPPORT = "S23" Low "extended support by default, deletion unprotected"
        because "EKS goes on into extended support, which costs $365 a month more, and a slip deletes the cluster"
        fix "set `platform:cluster.supportType: STANDARD`, and `platform:cluster.deletionProtection: true` where it counts"
        see ["Amazon EKS pricing", "EKS API Reference, CreateCluster"];
    /// Shells on nodes that nobody writes down.
    UNLOGGED_SESSIONS = "S24" Low "sessions on nodes are not logged"
        because "AmazonSSMManagedInstanceCore lets its users open a shell on a node, and nothing records it"
        fix "log sessions in the account's Session Manager preferences; the policy is what keeps SSH off the nodes"
        see ["AWS Systems Manager User Guide, logging session activity"];
    /// A default security group with rules.
    OPEN_DEFAULT_GROUP = "S25" Low "default security group left as it is"
        because "whatever names no group gets it, and it admits its own members and sends anywhere"
        fix "adopt and empty it (`platform:network.emptyDefaultSecurityGroup: true`)"
        see ["AWS FSBP EC2.2", "CIS AWS Foundations 5.4"];
    /// A kubeconfig in the clear.
    PLAIN_KUBECONFIG = "S26" Low "kubeconfig shown in the clear"
        because "endpoint and CA of the cluster can be read from the state and from the console"
        fix "export it as a secret, as the platform does in every preset"
        see ["Pulumi, Secrets"];
    /// Nodes on whatever image is the latest.
    UNPINNED_NODES = "S27" Low "nodes replaced on no schedule"
        because "without a rhythm of replacement they run old kernels"
        fix "let Karpenter expire nodes (`expireAfter`), and pin the image's version where it counts"
        see ["Karpenter, NodePools: expireAfter"];
    /// Roles that nothing bounds.
    UNBOUNDED_ROLES = "S28" Low "roles without a permissions boundary"
        because "accounts with rules for roles refuse them, and nothing caps what a changed policy may do"
        fix "set `platform:permissionsBoundary` and `platform:rolePath` where the account has them"
        see ["IAM User Guide, Permissions boundaries for IAM entities"];
    /// An interface endpoint for S3 where the gateway is free.
    PAID_S3 = "C1" Low "S3 through an interface endpoint"
        because "it costs some $15 a month in two zones, and without private DNS nothing uses it"
        fix "use the gateway endpoint, which is free (`platform:endpoints.gateway: [s3]`)"
        see ["Amazon S3 User Guide, AWS PrivateLink for Amazon S3"];
    /// Endpoints that nothing here uses.
    NEEDLESS_ENDPOINT = "C2" Low "endpoint that nothing uses"
        because "no part of the platform calls this service, and each zone of it costs some $7 a month"
        fix "leave it out of `platform:endpoints.interface`"
        see ["AWS PrivateLink pricing"];
    /// Interface endpoints beside NAT gateways.
    ENDPOINTS_BESIDE_NAT = "C3" Low "interface endpoints although there is NAT"
        because "they pay off only above some 400 GB a month each; below that NAT is cheaper"
        fix "leave `platform:endpoints.interface` empty while there is NAT"
        see ["AWS PrivateLink pricing", "Amazon VPC pricing, NAT gateways"];
    /// A version of Kubernetes whose standard support is nearly over.
    ENDING_SUPPORT = "C4" Medium "standard support of Kubernetes' version nearly over"
        because "after it EKS asks $365 a month more (`supportType: EXTENDED`), or moves the cluster on by itself (`STANDARD`)"
        fix "name a newer one (`platform:version`): the platform moves on one minor version at a time, nodes included"
        see ["Amazon EKS User Guide, understand the Kubernetes version lifecycle", "Amazon EKS pricing"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_texts_are_whole() {
        let mut ids: Vec<_> = ALL.iter().map(|finding| finding.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        for finding in ALL {
            assert!(!finding.reason.is_empty() && !finding.fix.is_empty() && !finding.references.is_empty());
        }
    }
}
