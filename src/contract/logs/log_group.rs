//! A log group.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use crate::{Arn, Example, Failure, Input, Tags, text_type};

/// A log group: where a service's logs go, and how long they stay.
///
/// EKS writes to a cluster's group even after the cluster has gone, and makes a new one for it, which then keeps its logs
/// for ever and stands in the way of the next. So a group with the name of a cluster's is watched once it has been deleted,
/// and deleted again should it come back.
#[resource("groundwork:logs:LogGroup", LogGroupName, example = example, check = check)]
pub struct LogGroup;

/// Source: `CloudWatch` Logs API Reference, `CreateLogGroup`, `PutRetentionPolicy`, `AssociateKmsKey`.
#[shape]
pub struct LogGroupInputs {
    /// Its name, unique in account and region. Made up when absent.
    #[immutable]
    #[autonamed]
    pub name: Option<LogGroupName>,
    /// How many days logs stay: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
    /// 2922, 3288 or 3653. For ever when absent.
    pub retention_in_days: Option<u16>,
    /// The ARN of the key that encrypts them; a key of AWS's own does when absent.
    pub kms_key_id: Option<Arn>,
    /// What can be done with them, and what they cost.
    #[immutable]
    #[default(LogGroupClass::Standard)]
    pub log_group_class: LogGroupClass,
    /// Whether the group stays, with all that is in it, when it is deleted here.
    #[default(false)]
    pub retain: bool,
    /// How many seconds it must stay gone once it has been deleted: 0 to 300. When absent, 90 for the group of a cluster
    /// (`/aws/eks/<cluster>/cluster`), which EKS may make anew, and none for any other.
    pub quiet_seconds: Option<u16>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What can be done with logs. Source: `CloudWatch` Logs User Guide, "Log classes".
#[shape]
pub enum LogGroupClass {
    /// Everything.
    #[word("STANDARD")]
    Standard,
    /// Queries alone, at half the price of taking logs in.
    #[word("INFREQUENT_ACCESS")]
    InfrequentAccess,
    /// Passed on to S3 or Firehose, and kept for a day.
    #[word("DELIVERY")]
    Delivery,
}

text_type!(
    /// A log group's name: 1 to 512 letters, digits and any of `_-/.#`.
    LogGroupName, "the name of a log group", "/aws/eks/example/cluster", |text| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-/.#".contains(&b);
        if text.is_empty() || text.len() > 512 || !text.bytes().all(plain) {
            Err("expected 1 to 512 letters, digits and any of _-/.#".to_owned())
        } else {
            Ok(text.to_owned())
        }
    }
);

impl LogGroupName {
    /// The group that EKS writes a cluster's control plane logs to.
    ///
    /// # Errors
    /// The cluster's name has characters that no name of a group has.
    pub fn of_cluster(cluster: &str) -> Result<Self, crate::text::Malformed> {
        format!("/aws/eks/{cluster}/cluster").parse()
    }

    /// Whether EKS writes a cluster's logs here.
    pub fn is_of_cluster(&self) -> bool {
        let cluster = self
            .as_str()
            .strip_prefix("/aws/eks/")
            .and_then(|rest| rest.strip_suffix("/cluster"));
        cluster.is_some_and(|cluster| !cluster.is_empty() && !cluster.contains('/'))
    }
}

/// What AWS answers.
#[shape(outputs)]
pub struct LogGroupOutputs {
    /// The ARN, without the `:*` that stands for its streams.
    #[stable]
    pub arn: Arn,
}

/// The days that logs may stay. Source: `CloudWatch` Logs API Reference, `PutRetentionPolicy`.
const RETENTIONS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// How long EKS is given to write its last logs, in seconds. It has been seen to take up to a minute.
const EKS_FLUSH: u16 = 90;

impl LogGroupInputs {
    /// How many seconds the group must stay gone once it has been deleted.
    #[must_use]
    pub fn quiet(&self) -> u16 {
        let of_cluster = self.name.as_ref().is_some_and(LogGroupName::is_of_cluster);
        self.quiet_seconds.unwrap_or(if of_cluster { EKS_FLUSH } else { 0 })
    }
}

fn example() -> Example {
    Example {
        inputs: json!({
            "name": "/platform/example",
            "retentionInDays": 90,
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "retentionInDays": 1,
            "quietSeconds": 1,
            "kmsKeyId": "$groundwork:kms:Key.arn",
            "tags": {"Name": "changed", "team": "platform", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

fn check(args: &LogGroupArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(days) = args.retention_in_days.as_ref().and_then(Input::known)
        && !RETENTIONS.contains(&days)
    {
        let near = RETENTIONS
            .iter()
            .min_by_key(|allowed| allowed.abs_diff(days))
            .unwrap_or(&1);
        let reason = if days == 0 {
            "cannot be 0; leave it out to keep logs for ever".to_owned()
        } else {
            format!("cannot be {days} days; AWS takes certain numbers alone, such as {near}")
        };
        failures.push(Failure::at("retentionInDays", reason));
    }
    if let Some(seconds) = args.quiet_seconds.as_ref().and_then(Input::known)
        && seconds > 300
    {
        failures.push(Failure::at("quietSeconds", format!("is 0 to 300, not {seconds}")));
    }
    if let Some(name) = args.name.as_ref().and_then(Input::known)
        && name.as_str().starts_with("aws/")
    {
        failures.push(Failure::at(
            "name",
            "AWS keeps names that begin with `aws/` for itself; choose another",
        ));
    }
    let class = args.log_group_class.as_ref().and_then(Input::known);
    if class == Some(LogGroupClass::Delivery) && args.retention_in_days.is_some() {
        failures.push(Failure::at(
            "retentionInDays",
            "has no place where logGroupClass is DELIVERY, which keeps logs for a day; leave it out",
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use groundwork_wire::PropertyValue;

    use super::*;
    use crate::descriptor::Descriptor;

    fn inputs(json: &serde_json::Value) -> LogGroupInputs {
        serde_json::from_value(json.clone()).unwrap()
    }

    #[test]
    fn only_what_eks_may_make_anew_is_watched() {
        assert_eq!(inputs(&json!({"name": "/aws/eks/a/cluster"})).quiet(), 90);
        assert_eq!(
            inputs(&json!({"name": "/aws/eks/a/cluster", "quietSeconds": 2})).quiet(),
            2
        );
        assert_eq!(inputs(&json!({"name": "/aws/eks/a/b/cluster"})).quiet(), 0);
        assert_eq!(inputs(&json!({"name": "flow"})).quiet(), 0);
        assert_eq!(inputs(&json!({})).quiet(), 0);
    }

    #[test]
    fn mistakes_of_a_log_group_are_told_before_it_is_made() {
        let paths = |json: serde_json::Value| -> Vec<String> {
            let inputs = PropertyValue::from(json);
            let failures = Descriptor::of::<LogGroup>().check(inputs.as_object().unwrap());
            failures.iter().map(|failure| failure.path.to_string()).collect()
        };
        assert!(paths(json!({"name": "a", "retentionInDays": 90})).is_empty());
        assert_eq!(
            paths(json!({"name": "a b", "retentionInDays": 91, "quietSeconds": 301})),
            ["name", "quietSeconds", "retentionInDays"]
        );
        assert_eq!(
            paths(json!({"name": "a", "retentionInDays": 1, "logGroupClass": "DELIVERY"})),
            ["retentionInDays"]
        );
    }
}
