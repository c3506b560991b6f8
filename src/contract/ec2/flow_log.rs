//! A flow log.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{FlowLogId, NetworkInterfaceId, SubnetId, VpcId, inline_rule::known};
use crate::{Arn, Example, Failure, Input, Output, Tags, text_type};

/// A log of the traffic of a VPC, a subnet or a network interface.
///
/// AWS changes nothing of it but its tags, and takes no second one with the same resource and destination: any other
/// change removes it first and makes it anew.
#[resource("groundwork:ec2:FlowLog", FlowLogId, example = example, check = check)]
pub struct FlowLog;

/// Source: EC2 API Reference, `CreateFlowLogs`; Amazon VPC User Guide, "Flow log records".
#[shape]
pub struct FlowLogInputs {
    /// The VPC, subnet or network interface.
    #[immutable]
    pub resource_id: FlowLogResourceId,
    /// Which traffic.
    #[immutable]
    #[default(TrafficType::All)]
    pub traffic_type: TrafficType,
    /// Where records go.
    #[immutable]
    #[default(LogDestinationType::CloudWatchLogs)]
    pub log_destination_type: LogDestinationType,
    /// The ARN of the log group, of the bucket with an optional folder, or of the delivery stream.
    #[immutable]
    pub log_destination: Arn,
    /// The role that writes to a log group, or to a delivery stream of another account.
    #[immutable]
    pub deliver_logs_permission_arn: Option<Arn>,
    /// How many seconds of traffic a record tells of at most: 60 or 600.
    #[immutable]
    #[default(600)]
    pub max_aggregation_interval: u16,
    /// The fields of a record, such as `${srcaddr} ${dstaddr}`. AWS takes its default format when absent.
    #[immutable]
    #[computed]
    pub log_format: Option<String>,
    /// How files in S3 are laid out.
    #[immutable]
    #[computed]
    pub destination_options: Option<DestinationOptions>,
    /// Tags.
    pub tags: Option<Tags>,
}

text_type!(
    /// The id of what a flow log watches: a VPC, a subnet or a network interface.
    FlowLogResourceId, "the id of a VPC, a subnet or a network interface", "vpc-0123456789abcdef0", |text| {
        let kinds = ["vpc", "subnet", "eni"];
        if kinds.iter().any(|kind| crate::text::ec2_id(text, kind).is_ok()) {
            Ok(text.to_owned())
        } else {
            Err("expected `vpc-`, `subnet-` or `eni-` and lower-case hexadecimal digits".to_owned())
        }
    }
);

macro_rules! watched {
    ($($id:ty),+) => {$(
        impl From<Output<$id>> for Input<FlowLogResourceId> {
            fn from(output: Output<$id>) -> Self {
                output.cast::<FlowLogResourceId>().into()
            }
        }

        impl From<&Output<$id>> for Input<FlowLogResourceId> {
            fn from(output: &Output<$id>) -> Self {
                output.cast::<FlowLogResourceId>().into()
            }
        }
    )+};
}
watched!(VpcId, SubnetId, NetworkInterfaceId);

/// Which traffic is logged.
#[shape]
pub enum TrafficType {
    /// What was let through.
    #[word("ACCEPT")]
    Accept,
    /// What was not.
    #[word("REJECT")]
    Reject,
    /// Both.
    #[word("ALL")]
    All,
}

/// Where records go.
#[shape]
pub enum LogDestinationType {
    /// A log group of `CloudWatch` Logs.
    CloudWatchLogs,
    /// A bucket of S3.
    S3,
    /// A delivery stream of Amazon Data Firehose.
    KinesisDataFirehose,
}

/// How files in S3 are laid out. Source: EC2 API Reference, `DestinationOptionsRequest`.
#[shape]
pub struct DestinationOptions {
    /// The format of a file.
    #[default(FileFormat::PlainText)]
    pub file_format: FileFormat,
    /// Whether folders are named as Hive wants them.
    #[default(false)]
    pub hive_compatible_partitions: bool,
    /// Whether there is a folder for each hour, not for each day.
    #[default(false)]
    pub per_hour_partition: bool,
}

/// The format of a file of records.
#[shape]
pub enum FileFormat {
    /// Lines of text.
    PlainText,
    /// Apache Parquet.
    Parquet,
}

/// What AWS answers.
#[shape(outputs)]
pub struct FlowLogOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// `ACTIVE`.
    pub flow_log_status: String,
    /// `SUCCESS` or `FAILED`.
    pub deliver_logs_status: Option<String>,
    /// Why records are not delivered, when they are not.
    pub deliver_logs_error_message: Option<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "resourceId": "$groundwork:ec2:Vpc",
            "trafficType": "REJECT",
            "logDestinationType": "s3",
            "logDestination": "arn:aws:s3:::example-flow-logs/rejected/",
            "maxAggregationInterval": 60,
            "tags": {"Name": "example"},
        }),
        update: json!({"tags": {"Name": "changed", "team": "platform"}}),
        ..Example::default()
    }
}

fn check(args: &FlowLogArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(seconds) = known(args.max_aggregation_interval.as_ref())
        && seconds != 60
        && seconds != 600
    {
        failures.push(Failure::at(
            "maxAggregationInterval",
            format!("is 60 or 600 seconds, not {seconds}"),
        ));
    }
    let kind = match &args.log_destination_type {
        None => Some(LogDestinationType::CloudWatchLogs),
        Some(kind) => kind.known(),
    };
    let Some(kind) = kind else { return failures };
    let (service, what) = match kind {
        LogDestinationType::CloudWatchLogs => ("logs", "a log group"),
        LogDestinationType::S3 => ("s3", "a bucket"),
        LogDestinationType::KinesisDataFirehose => ("firehose", "a delivery stream"),
    };
    if let Some(arn) = args.log_destination.known()
        && arn.service() != service
    {
        failures.push(Failure::at(
            "logDestination",
            format!(
                "must be the ARN of {what} when logDestinationType is {kind}, but {arn} is of {}",
                arn.service()
            ),
        ));
    }
    let role = args.deliver_logs_permission_arn.is_some();
    if kind == LogDestinationType::CloudWatchLogs && !role {
        failures.push(Failure::at(
            "deliverLogsPermissionArn",
            "is required when logDestinationType is cloud-watch-logs: the ARN of a role that \
             vpc-flow-logs.amazonaws.com may assume and that may write to the log group",
        ));
    }
    if kind == LogDestinationType::S3 && role {
        failures.push(Failure::at(
            "deliverLogsPermissionArn",
            "has no place when logDestinationType is s3: the bucket's policy says who may write; leave it out",
        ));
    }
    if kind != LogDestinationType::S3 && args.destination_options.is_some() {
        failures.push(Failure::at(
            "destinationOptions",
            "are for logDestinationType s3 alone; leave them out",
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Descriptor;

    fn paths(inputs: serde_json::Value) -> Vec<String> {
        let groundwork_wire::PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<FlowLog>();
        let failures = descriptor.check(&descriptor.with_defaults(map));
        failures.iter().map(|failure| failure.path.to_string()).collect()
    }

    #[test]
    fn a_destination_fits_its_type() {
        let log_group = "arn:aws:logs:eu-central-1:111122223333:log-group:flow";
        let role = "arn:aws:iam::111122223333:role/flow";
        assert_eq!(
            paths(json!({"resourceId": "vpc-1", "logDestination": log_group})),
            ["deliverLogsPermissionArn"]
        );
        assert!(
            paths(json!({"resourceId": "eni-1", "logDestination": log_group, "deliverLogsPermissionArn": role}))
                .is_empty()
        );
        assert_eq!(
            paths(json!({
                "resourceId": "subnet-1", "logDestination": log_group, "logDestinationType": "s3",
                "deliverLogsPermissionArn": role, "maxAggregationInterval": 61,
            })),
            ["deliverLogsPermissionArn", "logDestination", "maxAggregationInterval"]
        );
        assert_eq!(
            paths(json!({
                "resourceId": "tgw-1", "logDestination": "arn:aws:s3:::bucket", "logDestinationType": "s3",
            })),
            ["resourceId"]
        );
    }
}
