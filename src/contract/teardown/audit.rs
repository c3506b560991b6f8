//! The proof that nothing of a platform is left.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use crate::{Example, StampId};

/// The proof that nothing of a platform is left: made first and deleted last, it makes nothing itself.
///
/// Its deletion looks for whatever carries the platform's stamp: in EC2, EKS, IAM, KMS and CloudWatch Logs, deleted things
/// that AWS still shows left aside; for load balancers in its VPC, and for instances and disks that Karpenter or a
/// controller of the cluster made (tag `kubernetes.io/cluster/<name>: owned`). It looks again for a few minutes, for AWS
/// forgets slowly. As long as something stands that costs money, it fails and lists what that is, what it costs a month,
/// and the command that removes it; the state keeps the audit, and the next `pulumi destroy` looks again. What costs
/// nothing, logs and what carries the tag `groundwork:keep` is told as a warning.
///
/// It exists in the state alone; its id is the stamp.
#[resource("groundwork:teardown:Audit", StampId, example = example)]
pub struct Audit;

/// What is looked for.
#[shape]
pub struct AuditInputs {
    /// The stamp that the platform's things carry.
    #[immutable]
    pub stamp: StampId,
    /// The cluster's name, for what its controllers made, for its logs, and for roles, policies and profiles: IAM has no
    /// search by tags, so that those with this name in theirs are looked at.
    pub cluster_name: Option<String>,
}

/// Its id says it all.
#[shape(outputs)]
pub struct AuditOutputs {}

fn example() -> Example {
    Example {
        inputs: json!({"stamp": "$groundwork:index:Stamp"}),
        update: json!({"clusterName": "example"}),
        ..Example::default()
    }
}
