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
    /// An endpoint without a policy.
    OPEN_ENDPOINT = "S16" Medium "endpoint open to every principal"
        because "any principal of any account can be used through it, so that data can leave by it"
        fix "give it a policy that admits this account alone (`platform:endpoints.policy: account`)"
        see ["AWS PrivateLink Guide, control access to VPC endpoints using endpoint policies"];
    /// A VPC without flow logs.
    NO_FLOW_LOGS = "S22" Low "no flow logs"
        because "what went where cannot be told afterwards"
        fix "set `platform:network.flowLogs` (it costs), or accept it by the VPC's tag `groundwork:accepts: S22`"
        see ["AWS FSBP EC2.6", "CIS AWS Foundations 3.7"];
    /// A default security group with rules.
    OPEN_DEFAULT_GROUP = "S25" Low "default security group left as it is"
        because "whatever names no group gets it, and it admits its own members and sends anywhere"
        fix "adopt and empty it (`platform:network.emptyDefaultSecurityGroup: true`)"
        see ["AWS FSBP EC2.2", "CIS AWS Foundations 5.4"];
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
