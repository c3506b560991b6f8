//! Trust: who may assume a role.

use serde_json::{Map, Value as Json, json};

use crate::{Arn, Document, Output, Partition};

/// The audience of the tokens that EKS gives to service accounts for AWS.
pub const STS_AUDIENCE: &str = "sts.amazonaws.com";

/// A service of AWS that assumes roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// EC2, for what runs on an instance.
    Ec2,
    /// EKS, for a control plane.
    Eks,
    /// Fargate, for what runs a pod.
    EksFargatePods,
    /// EKS Pod Identity, for what runs in a pod.
    EksPods,
}

impl Service {
    /// Its name as a principal. EKS has the same in every partition; EC2's ends as the names of China and of isolated
    /// regions do. Source: EKS User Guide, "Amazon EKS node IAM role"; AWS China, "Service principals".
    #[must_use]
    pub fn principal(self, partition: Partition) -> String {
        match self {
            Self::Ec2 => match partition {
                Partition::China | Partition::Isolated(..) => format!("ec2.{}", partition.dns_suffix()),
                Partition::Standard | Partition::GovCloud | Partition::EuropeanSovereign => {
                    "ec2.amazonaws.com".to_owned()
                }
            },
            Self::Eks => "eks.amazonaws.com".to_owned(),
            Self::EksFargatePods => "eks-fargate-pods.amazonaws.com".to_owned(),
            Self::EksPods => "pods.eks.amazonaws.com".to_owned(),
        }
    }
}

/// Whether a token must have been made for AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// It must: its `aud` is `sts.amazonaws.com`.
    Sts,
    /// It need not: a token that was made for somebody else is taken as well. Weaker, and only for showing how it was.
    Any,
}

/// Who may assume a role: a trust policy in the making.
///
/// ```
/// use groundwork_contract::{Partition, iam::{Service, Trust}};
///
/// let document = Trust::service(Service::Ec2.principal(Partition::China)).document();
/// assert!(document.to_text().contains("ec2.amazonaws.com.cn"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Trust {
    statements: Vec<Json>,
}

impl Trust {
    /// A service may, by its principal such as `eks.amazonaws.com`; see [`Service::principal`].
    #[must_use]
    pub fn service(principal: impl Into<String>) -> Self {
        Self::of(json!({
            "Effect": "Allow",
            "Principal": {"Service": principal.into()},
            "Action": "sts:AssumeRole",
        }))
    }

    /// The pods may that EKS Pod Identity associates the role with.
    /// Source: EKS User Guide, "EKS Pod Identity role".
    #[must_use]
    pub fn pod_identity() -> Self {
        Self::of(json!({
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }))
    }

    /// The pods of one service account may, and no others ("IAM roles for service accounts"): the token is of this issuer
    /// and of this account, and was made for AWS.
    ///
    /// `issuer` is the cluster's, with or without `https://`.
    #[must_use]
    pub fn irsa(issuer: &str, provider: &Arn, namespace: &str, service_account: &str, audience: Audience) -> Self {
        let issuer = issuer.strip_prefix("https://").unwrap_or(issuer);
        let mut equals = Map::new();
        if audience == Audience::Sts {
            equals.insert(format!("{issuer}:aud"), STS_AUDIENCE.into());
        }
        let subject = format!("system:serviceaccount:{namespace}:{service_account}");
        equals.insert(format!("{issuer}:sub"), subject.into());
        Self::of(json!({
            "Effect": "Allow",
            "Principal": {"Federated": provider.as_str()},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": equals},
        }))
    }

    /// As [`Self::irsa`], of a cluster that is yet to be made.
    #[must_use]
    pub fn irsa_of(
        issuer: &Output<String>,
        provider: &Output<Arn>,
        namespace: &str,
        service_account: &str,
        audience: Audience,
    ) -> Output<Document> {
        let (namespace, account) = (namespace.to_owned(), service_account.to_owned());
        issuer
            .zip(provider)
            .map(move |(issuer, provider)| Self::irsa(&issuer, &provider, &namespace, &account, audience).document())
    }

    /// Others may as well.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self
    }

    /// The same with a name for its statement, such as `AllowAssumeRole`: the last one has it.
    #[must_use]
    pub fn named(mut self, sid: &str) -> Self {
        if let Some(Json::Object(statement)) = self.statements.last_mut() {
            statement.insert("Sid".to_owned(), sid.into());
        }
        self
    }

    /// The policy document.
    #[must_use]
    pub fn document(self) -> Document {
        let mut document = Map::new();
        document.insert("Version".to_owned(), "2012-10-17".into());
        document.insert("Statement".to_owned(), self.statements.into());
        document.into()
    }

    fn of(statement: Json) -> Self {
        Self {
            statements: vec![statement],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Arn {
        "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/A"
            .parse()
            .unwrap()
    }

    #[test]
    fn a_service_account_is_trusted_with_its_subject_and_its_audience() {
        let issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/A";
        let document = Trust::irsa(issuer, &provider(), "karpenter", "karpenter", Audience::Sts).document();
        let conditions = &document.as_json()["Statement"][0]["Condition"];
        assert_eq!(
            *conditions,
            json!({"StringEquals": {
                "oidc.eks.eu-central-1.amazonaws.com/id/A:aud": "sts.amazonaws.com",
                "oidc.eks.eu-central-1.amazonaws.com/id/A:sub": "system:serviceaccount:karpenter:karpenter",
            }})
        );
        let without = Trust::irsa(issuer, &provider(), "karpenter", "karpenter", Audience::Any).document();
        assert!(!without.to_text().contains(":aud"));
        assert!(without.to_text().contains(":sub"));
    }

    #[test]
    fn principals_are_those_of_the_partition() {
        for (partition, ec2) in [
            (Partition::Standard, "ec2.amazonaws.com"),
            (Partition::GovCloud, "ec2.amazonaws.com"),
            (Partition::China, "ec2.amazonaws.com.cn"),
        ] {
            assert_eq!(Service::Ec2.principal(partition), ec2);
            assert_eq!(Service::Eks.principal(partition), "eks.amazonaws.com");
            assert_eq!(
                Service::EksFargatePods.principal(partition),
                "eks-fargate-pods.amazonaws.com"
            );
        }
        assert_eq!(Service::EksPods.principal(Partition::China), "pods.eks.amazonaws.com");
    }

    #[test]
    fn several_are_trusted_by_one_document() {
        let both = Trust::service("eks.amazonaws.com")
            .named("AllowAssumeRole")
            .or(Trust::pod_identity())
            .document();
        let sids: Vec<_> = both.statements().map(|statement| statement.get("Sid")).collect();
        assert_eq!(sids, [Some(&json!("AllowAssumeRole")), None]);
        assert!(both.to_text().contains("sts:TagSession"));
    }

    #[test]
    fn the_trust_of_a_cluster_that_is_not_there_yet_is_not_known_yet() {
        let trust = |issuer: &Output<String>| {
            let trust = Trust::irsa_of(issuer, &Output::known(provider()), "a", "b", Audience::Sts);
            futures::executor::block_on(trust.value()).unwrap()
        };
        let document = trust(&Output::known("https://example.com/id/A".to_owned())).unwrap();
        assert!(document.to_text().contains("example.com/id/A:sub"));
        assert!(trust(&Output::unknown()).is_none());
    }
}
