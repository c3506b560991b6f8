//! A flow log.

use aws_sdk_ec2::operation::RequestId;
use aws_sdk_ec2::types::{
    DestinationFileFormat, DestinationOptionsRequest, DestinationOptionsResponse, FlowLog as AwsFlowLog,
    FlowLogsResourceType, LogDestinationType as AwsLogDestinationType, ResourceType, TrafficType as AwsTrafficType,
};
use groundwork_contract::{
    Arn,
    ec2::{
        DestinationOptions, FileFormat, FlowLog, FlowLogId, FlowLogInputs, FlowLogOutputs, FlowLogResourceId,
        LogDestinationType, TrafficType,
    },
};

use super::{parse, read_tags, successful, update_tags};
use crate::{
    cx::Cx,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State},
};

impl Resource for FlowLog {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("vpc-flow-log");
    /// A second one with the same resource and destination is refused (`FlowLogAlreadyExists`).
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &FlowLogInputs) -> Result<Created<Self>> {
        let FlowLogInputs {
            resource_id,
            traffic_type,
            log_destination_type,
            log_destination,
            deliver_logs_permission_arn,
            max_aggregation_interval,
            log_format,
            destination_options,
            tags,
        } = inputs;
        let answer = cx
            .ec2_once()
            .create_flow_logs()
            .client_token(&cx.client_token)
            .resource_ids(resource_id.as_str())
            .resource_type(kind(resource_id))
            .traffic_type(AwsTrafficType::from(traffic_type.word()))
            .log_destination_type(AwsLogDestinationType::from(log_destination_type.word()))
            .log_destination(log_destination.as_str())
            .set_deliver_logs_permission_arn(deliver_logs_permission_arn.as_ref().map(Arn::to_string))
            .max_aggregation_interval(i32::from(*max_aggregation_interval))
            .set_log_format(log_format.clone())
            .set_destination_options(destination_options.as_ref().map(|options| {
                DestinationOptionsRequest::builder()
                    .file_format(DestinationFileFormat::from(options.file_format.word()))
                    .hive_compatible_partitions(options.hive_compatible_partitions)
                    .per_hour_partition(options.per_hour_partition)
                    .build()
            }))
            .tag_specifications(cx.tag_specification(ResourceType::VpcFlowLog, tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateFlowLogs"))?;
        successful("CreateFlowLogs", answer.unsuccessful(), answer.request_id())?;
        parse(answer.flow_log_ids().first().map(String::as_str), "flowLogIds").map(Created::new)
    }

    async fn read(cx: &Cx, id: &FlowLogId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let answer = cx
            .ec2()
            .describe_flow_logs()
            .flow_log_ids(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DescribeFlowLogs"))
            .or_gone()?;
        let Some(log) = answer.and_then(|answer| answer.flow_logs.unwrap_or_default().into_iter().next()) else {
            return Ok(None);
        };
        let (tags, pending_mark) = read_tags(log.tags.as_deref());
        let destination_type = match log.log_destination_type() {
            Some(AwsLogDestinationType::S3) => LogDestinationType::S3,
            Some(AwsLogDestinationType::KinesisDataFirehose) => LogDestinationType::KinesisDataFirehose,
            _ => LogDestinationType::CloudWatchLogs,
        };
        Ok(Some(Live {
            inputs: FlowLogInputs {
                resource_id: parse(log.resource_id(), "resourceId")?,
                traffic_type: match log.traffic_type() {
                    Some(AwsTrafficType::Accept) => TrafficType::Accept,
                    Some(AwsTrafficType::Reject) => TrafficType::Reject,
                    _ => TrafficType::All,
                },
                log_destination_type: destination_type,
                log_destination: spelled(destination(cx, &log)?, last.map(|state| &state.inputs.log_destination)),
                deliver_logs_permission_arn: log
                    .deliver_logs_permission_arn()
                    .map(|arn| parse(Some(arn), "deliverLogsPermissionArn"))
                    .transpose()?,
                max_aggregation_interval: log
                    .max_aggregation_interval()
                    .and_then(|seconds| u16::try_from(seconds).ok())
                    .unwrap_or(600),
                log_format: log.log_format.clone(),
                destination_options: log
                    .destination_options()
                    .filter(|_| destination_type == LogDestinationType::S3)
                    .map(options),
                tags,
            },
            outputs: FlowLogOutputs {
                arn: cx.aws.ec2_arn(&format!("vpc-flow-log/{id}"))?,
                flow_log_status: log.flow_log_status.clone().unwrap_or_default(),
                deliver_logs_status: log.deliver_logs_status.clone(),
                deliver_logs_error_message: log.deliver_logs_error_message.clone(),
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &FlowLogId, old: &State<Self>, new: &FlowLogInputs) -> Result<()> {
        update_tags(cx, id.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &FlowLogId, _state: &State<Self>) -> Result<()> {
        let answer = cx
            .ec2()
            .delete_flow_logs()
            .flow_log_ids(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteFlowLogs"))?;
        successful("DeleteFlowLogs", answer.unsuccessful(), answer.request_id())
    }

    fn phase(live: &Live<Self>) -> Phase {
        match live.outputs.flow_log_status.as_str() {
            "ACTIVE" => Phase::Ready,
            other => Phase::Pending(other.to_owned()),
        }
    }
}

fn kind(resource: &FlowLogResourceId) -> FlowLogsResourceType {
    match resource.as_str().split_once('-').map_or("", |(kind, _)| kind) {
        "subnet" => FlowLogsResourceType::Subnet,
        "eni" => FlowLogsResourceType::NetworkInterface,
        _ => FlowLogsResourceType::Vpc,
    }
}

fn options(options: &DestinationOptionsResponse) -> DestinationOptions {
    DestinationOptions {
        file_format: match options.file_format() {
            Some(DestinationFileFormat::Parquet) => FileFormat::Parquet,
            _ => FileFormat::PlainText,
        },
        hive_compatible_partitions: options.hive_compatible_partitions() == Some(true),
        per_hour_partition: options.per_hour_partition() == Some(true),
    }
}

/// The destination's ARN; a log group that was given by name has none in the answer.
fn destination(cx: &Cx, log: &AwsFlowLog) -> Result<Arn> {
    match (log.log_destination(), log.log_group_name()) {
        (Some(arn), _) => parse(Some(arn), "logDestination"),
        (None, Some(name)) => {
            let arn = format!(
                "arn:{}:logs:{}:{}:log-group:{name}",
                cx.aws.partition(),
                cx.aws.region,
                cx.aws.caller.account
            );
            parse(Some(&arn), "logDestination")
        }
        (None, None) => Err(Error::lacks("logDestination")),
    }
}

/// The user's spelling, where it differs in an ending alone: `:*` of a log group's ARN, `/` of a folder's.
fn spelled(live: Arn, last: Option<&Arn>) -> Arn {
    let bare = |arn: &Arn| {
        let text = arn.as_str();
        text.strip_suffix(":*").unwrap_or(text).trim_end_matches('/').to_owned()
    };
    match last {
        Some(last) if bare(last) == bare(&live) => last.clone(),
        _ => live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_of_a_destination_are_no_difference() {
        let arn = |text: &str| text.parse::<Arn>().unwrap();
        let group = arn("arn:aws:logs:eu-central-1:111122223333:log-group:flow");
        let starred = arn("arn:aws:logs:eu-central-1:111122223333:log-group:flow:*");
        assert_eq!(spelled(group.clone(), Some(&starred)), starred);
        assert_eq!(spelled(group.clone(), None), group);
        let other = arn("arn:aws:logs:eu-central-1:111122223333:log-group:other");
        assert_eq!(spelled(group.clone(), Some(&other)), group);
    }

    #[test]
    fn a_resource_has_its_type() {
        let of = |text: &str| kind(&text.parse().unwrap());
        assert_eq!(of("vpc-1"), FlowLogsResourceType::Vpc);
        assert_eq!(of("subnet-1"), FlowLogsResourceType::Subnet);
        assert_eq!(of("eni-1"), FlowLogsResourceType::NetworkInterface);
    }
}
