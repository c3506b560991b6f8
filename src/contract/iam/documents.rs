//! The platform's policy documents: files in `policies/iam`, filled in for one cluster.

use std::collections::BTreeMap;

use crate::{AccountId, Document, Partition, Region};

/// A policy document of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyDocument {
    /// What Cilium's operator needs: network interfaces and their addresses, in this account and region.
    CiliumOperator,
    /// Karpenter: starts and ends instances that carry the cluster's tags.
    KarpenterNodeLifecycle,
    /// Karpenter: passes the nodes' role, and keeps instance profiles for it.
    KarpenterIamIntegration,
    /// Karpenter: finds the cluster's API.
    KarpenterEksIntegration,
    /// Karpenter: reads the queue of interruptions.
    KarpenterInterruption,
    /// Karpenter: sees which zones traffic is shifted away from.
    KarpenterZonalShift,
    /// Karpenter: looks up what there is to choose from.
    KarpenterResourceDiscovery,
    /// Karpenter as it once was shown: 17 actions on everything.
    KarpenterDemo,
    /// What a current Karpenter needs beyond [`Self::KarpenterDemo`].
    KarpenterDemoAdditions,
}

impl PolicyDocument {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::CiliumOperator,
        Self::KarpenterNodeLifecycle,
        Self::KarpenterIamIntegration,
        Self::KarpenterEksIntegration,
        Self::KarpenterInterruption,
        Self::KarpenterZonalShift,
        Self::KarpenterResourceDiscovery,
        Self::KarpenterDemo,
        Self::KarpenterDemoAdditions,
    ];

    /// Those of a current Karpenter that may do no more than it must. One policy would be longer than AWS takes.
    /// Source: Karpenter 1.14.1, `getting-started-with-karpenter/cloudformation.yaml`.
    pub const KARPENTER: [Self; 6] = [
        Self::KarpenterNodeLifecycle,
        Self::KarpenterIamIntegration,
        Self::KarpenterEksIntegration,
        Self::KarpenterInterruption,
        Self::KarpenterZonalShift,
        Self::KarpenterResourceDiscovery,
    ];

    /// The end of its policy's name: `karpenter-node-lifecycle`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CiliumOperator => "cilium-operator",
            Self::KarpenterNodeLifecycle => "karpenter-node-lifecycle",
            Self::KarpenterIamIntegration => "karpenter-iam-integration",
            Self::KarpenterEksIntegration => "karpenter-eks-integration",
            Self::KarpenterInterruption => "karpenter-interruption",
            Self::KarpenterZonalShift => "karpenter-zonal-shift",
            Self::KarpenterResourceDiscovery => "karpenter-resource-discovery",
            Self::KarpenterDemo => "karpenter-policy",
            Self::KarpenterDemoAdditions => "karpenter-policy-additions",
        }
    }

    /// The file, with its places still open.
    const fn template(self) -> &'static str {
        macro_rules! file {
            ($name:literal) => {
                include_str!(concat!("../../../policies/iam/", $name, ".json"))
            };
        }
        match self {
            Self::CiliumOperator => file!("cilium-operator"),
            Self::KarpenterNodeLifecycle => file!("karpenter-node-lifecycle"),
            Self::KarpenterIamIntegration => file!("karpenter-iam-integration"),
            Self::KarpenterEksIntegration => file!("karpenter-eks-integration"),
            Self::KarpenterInterruption => file!("karpenter-interruption"),
            Self::KarpenterZonalShift => file!("karpenter-zonal-shift"),
            Self::KarpenterResourceDiscovery => file!("karpenter-resource-discovery"),
            Self::KarpenterDemo => file!("karpenter_oidc_role_policy"),
            Self::KarpenterDemoAdditions => file!("karpenter-demo-additions"),
        }
    }

    /// The document for one cluster.
    ///
    /// # Errors
    /// The file has a place that `cluster` does not fill, or is no JSON: a mistake of ours.
    pub fn fill(self, cluster: &PolicyPlace<'_>) -> Result<Document, UnfilledDocument> {
        let text = fill(self.template(), &cluster.values());
        if let Some(place) = open_place(&text) {
            return Err(UnfilledDocument(format!("{} asks for ${{{place}}}", self.word())));
        }
        Document::from_text(&text).map_err(|error| UnfilledDocument(format!("{}: {error}", self.word())))
    }
}

/// A document that could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a policy document of Groundwork's cannot be filled in: {0}; please report this")]
pub struct UnfilledDocument(String);

/// Where a policy holds: what fills the open places of a document.
#[derive(Debug, Clone, Copy)]
pub struct PolicyPlace<'a> {
    /// The account: `${account}`.
    pub account: &'a AccountId,
    /// The region, which also tells the partition: `${region}`, `${partition}`.
    pub region: &'a Region,
    /// The cluster's name, and its queue's: `${cluster}`.
    pub cluster: &'a str,
    /// The name of the role, with its path before it if it has one, that nodes have: `${nodeRole}`.
    pub node_role: &'a str,
}

impl PolicyPlace<'_> {
    fn values(&self) -> BTreeMap<&'static str, String> {
        let partition = Partition::of(self.region);
        BTreeMap::from([
            ("partition", partition.name().to_owned()),
            ("account", self.account.to_string()),
            ("region", self.region.to_string()),
            ("cluster", self.cluster.to_owned()),
            ("nodeRole", self.node_role.to_owned()),
            ("ec2", super::Service::Ec2.principal(partition)),
        ])
    }
}

fn fill(template: &str, values: &BTreeMap<&'static str, String>) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        // As it stands inside a text of JSON.
        let escaped = serde_json::Value::from(value.as_str()).to_string();
        text.replace(&format!("${{{name}}}"), escaped.trim_matches('"'))
    })
}

/// What is still open. AWS's own variables, such as `${aws:username}`, have a colon.
fn open_place(text: &str) -> Option<&str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .find(|place| !place.contains(':'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value as Json, json};

    use super::*;
    use crate::iam::MANAGED_POLICY_SIZE;

    const LONGEST_CLUSTER: &str =
        "a-cluster-whose-name-is-as-long-as-any-other-name-of-a-cluster-may-be-which-is-a-hundred-letters-now";

    fn filled(document: PolicyDocument, region: &str, cluster: &str) -> Document {
        let place = PolicyPlace {
            account: &"111122223333".parse().unwrap(),
            region: &region.parse().unwrap(),
            cluster,
            node_role: "platform/KarpenterNodeRole",
        };
        document.fill(&place).unwrap()
    }

    fn listed(value: Option<&Json>) -> Vec<String> {
        match value {
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            Some(Json::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        }
    }

    fn actions(document: &Document) -> Vec<String> {
        document
            .statements()
            .flat_map(|statement| listed(statement.get("Action")))
            .collect()
    }

    #[test]
    fn every_document_fits_into_a_policy_in_every_partition() {
        assert_eq!(LONGEST_CLUSTER.len(), 100);
        for document in PolicyDocument::ALL {
            for region in ["eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"] {
                let filled = filled(document, region, LONGEST_CLUSTER);
                let size = filled.size();
                assert!(size <= MANAGED_POLICY_SIZE, "{document:?} has {size} characters");
                let partition = Partition::of(&region.parse().unwrap());
                if partition != Partition::Standard {
                    assert!(!filled.to_text().contains("arn:aws:"), "{document:?} in {region}");
                }
            }
            assert!(!document.template().contains("arn:aws"), "{document:?}");
        }
    }

    #[test]
    fn nothing_dangerous_is_allowed_on_everything() {
        let dangerous = |action: &str| {
            let writes = [
                "Run",
                "Terminate",
                "Pass",
                "Create",
                "Delete",
                "Attach",
                "Modify",
                "Assign",
                "Unassign",
            ];
            let word = action.split_once(':').map_or("", |(_, word)| word);
            action.contains('*') || writes.iter().any(|write| word.starts_with(write))
        };
        let scoped = PolicyDocument::KARPENTER
            .into_iter()
            .chain([PolicyDocument::CiliumOperator]);
        let mut held = 0;
        for document in scoped {
            for statement in filled(document, "eu-central-1", "demo").statements() {
                let resources = listed(statement.get("Resource"));
                for action in listed(statement.get("Action"))
                    .iter()
                    .filter(|action| dangerous(action))
                {
                    held += 1;
                    assert!(
                        !resources.is_empty() && !resources.contains(&"*".to_owned()),
                        "{document:?}: {action}"
                    );
                }
            }
        }
        assert!(held > 15, "{held}");
    }

    #[test]
    fn instances_of_others_are_neither_ended_nor_tagged() {
        let lifecycle = filled(PolicyDocument::KarpenterNodeLifecycle, "eu-central-1", "demo");
        let owned = |statement: &Map<String, Json>| {
            let conditions = statement.get("Condition").map(Json::to_string).unwrap_or_default();
            conditions.contains("kubernetes.io/cluster/demo")
        };
        for statement in lifecycle.statements() {
            let ends = listed(statement.get("Action"))
                .iter()
                .any(|action| action == "ec2:TerminateInstances");
            let tags = listed(statement.get("Action"))
                .iter()
                .any(|action| action == "ec2:CreateTags");
            assert!(!(ends || tags) || owned(statement), "{statement:?}");
        }
    }

    #[test]
    fn the_shown_document_has_its_seventeen_actions_and_the_other_has_what_is_missing() {
        let shown = filled(PolicyDocument::KarpenterDemo, "eu-central-1", "demo");
        let shown: BTreeSet<String> = actions(&shown).into_iter().collect();
        assert_eq!(shown.len(), 17);
        let additions = actions(&filled(PolicyDocument::KarpenterDemoAdditions, "eu-central-1", "demo"));
        assert!(additions.iter().all(|action| !shown.contains(action)), "{additions:?}");
        // Together they allow whatever the scoped ones do.
        let all: BTreeSet<String> = shown.into_iter().chain(additions).collect();
        let scoped = PolicyDocument::KARPENTER;
        let needed: BTreeSet<String> = scoped
            .into_iter()
            .flat_map(|document| actions(&filled(document, "eu-central-1", "demo")))
            .collect();
        let missing: Vec<_> = needed.difference(&all).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_role_that_may_be_passed_is_the_nodes_and_to_ec2_alone() {
        let document = filled(PolicyDocument::KarpenterIamIntegration, "cn-north-1", "demo");
        let passing = document
            .statements()
            .find(|statement| statement["Action"] == "iam:PassRole")
            .unwrap();
        assert_eq!(
            passing["Resource"],
            "arn:aws-cn:iam::111122223333:role/platform/KarpenterNodeRole"
        );
        assert_eq!(
            passing["Condition"],
            json!({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com.cn"}})
        );
    }

    #[test]
    fn a_place_that_nothing_fills_is_found() {
        assert_eq!(open_place("a ${aws:username} b"), None);
        assert_eq!(open_place("a ${queue} b"), Some("queue"));
    }
}
