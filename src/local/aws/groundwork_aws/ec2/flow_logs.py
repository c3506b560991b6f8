"""Flow logs."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import random_flow_log_id
from moto.logs.models import logs_backends

from groundwork_aws.ec2.interfaces import ENI
from groundwork_aws.ec2.nat_gateways import NAT_GATEWAY
from groundwork_aws.ec2.nouns import Noun, Operations, View, define, refuse, tags_of
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.ec2.vpcs import VPC

DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} "
    "${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)
WATCHED = {"VPC": VPC, "Subnet": SUBNET, "NetworkInterface": ENI, "RegionalNatGateway": NAT_GATEWAY}


class FlowLog(TaggedEC2Resource):
    """A flow log of one resource."""

    def __init__(self, backend: Any, resource_id: str, shape: View) -> None:
        self.ec2_backend = backend
        self.id = random_flow_log_id()
        self.resource_id = resource_id
        self.shape = shape
        self.created = utcnow()


def view(log: FlowLog) -> View:
    """A flow log as DescribeFlowLogs shows it."""
    return {
        "FlowLogId": log.id,
        "FlowLogStatus": "ACTIVE",
        "DeliverLogsStatus": "SUCCESS",
        "CreationTime": log.created,
        "ResourceId": log.resource_id,
        **log.shape,
        "Tags": tags_of(log),
    }


FLOW_LOG = define(
    Noun(
        type="vpc-flow-log",
        prefix="fl",
        id="FlowLogId",
        not_found="InvalidFlowLogId.NotFound",
        malformed="InvalidFlowLogId.Malformed",
        says="The flow log ID '{}' does not exist",
        all=lambda backend: list(backend.flow_logs.values()),
        view=view,
        filters={
            "deliver-log-status": "DeliverLogsStatus",
            "flow-log-id": "FlowLogId",
            "log-destination-type": "LogDestinationType",
            "log-group-name": "LogGroupName",
            "resource-id": "ResourceId",
            "traffic-type": "TrafficType",
        },
    )
)


class FlowLogs(Operations):
    """Operations on flow logs."""

    def create_flow_logs(self) -> ActionResult:
        token = self.params.get("ClientToken")
        made, unsuccessful = self.once(self._make_logs)
        return ActionResult({"ClientToken": token, "FlowLogIds": [log.id for log in made], "Unsuccessful": unsuccessful})

    def _make_logs(self) -> tuple[list[FlowLog], list[View]]:
        idents, kind = self.need("ResourceIds", "ResourceType")
        tags = self.tags_for("vpc-flow-log")
        refuse(kind not in WATCHED, "InvalidParameter", f"Invalid ResourceType {kind}")
        shape = self._log_shape()
        made: list[FlowLog] = []
        unsuccessful: list[View] = []
        for ident in idents:
            WATCHED[kind].find(self.ec2_backend, ident)
            if error := self._log_refusal(ident, shape):
                unsuccessful.append({"ResourceId": ident, "Error": {"Code": error[0], "Message": error[1]}})
                continue
            log = FlowLog(self.ec2_backend, ident, shape)
            log.add_tags(tags)
            self.ec2_backend.flow_logs[log.id] = log
            made.append(log)
        return made, unsuccessful

    def _log_shape(self) -> View:
        kind = self.params.get("LogDestinationType") or "cloud-watch-logs"
        group, destination = self.params.get("LogGroupName"), self.params.get("LogDestination")
        refuse(
            not group and not destination,
            "InvalidParameter",
            "LogDestination can't be empty if LogGroupName is not provided.",
        )
        refuse(
            group and destination,
            "InvalidParameter",
            "Please only provide LogGroupName or only provide LogDestination.",
        )
        refuse(
            group and kind != "cloud-watch-logs",
            "InvalidParameter",
            "LogDestination type must be cloud-watch-logs if LogGroupName is provided.",
        )
        role = self.params.get("DeliverLogsPermissionArn")
        if kind == "cloud-watch-logs":
            refuse(
                not role,
                "InvalidParameter",
                "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
            )
            if destination:
                refuse(":log-group:" not in destination, "InvalidParameter", f"Invalid LogDestination {destination}")
                group = destination.split(":log-group:")[1].removesuffix(":*")
            else:
                destination = f"arn:{self.partition}:logs:{self.region}:{self.current_account}:log-group:{group}"
        elif destination:
            service = ":s3:" if kind == "s3" else ":firehose:"
            refuse(service not in destination, "InvalidParameter", f"Invalid LogDestination {destination}")
        interval = self.params.get("MaxAggregationInterval") or 600
        refuse(interval not in (60, 600), "InvalidParameter", "Invalid Flow Log Max Aggregation Interval")
        shape: View = {
            "DeliverLogsPermissionArn": role,
            "LogDestinationType": kind,
            "LogDestination": destination,
            "LogGroupName": group,
            "LogFormat": self.params.get("LogFormat") or DEFAULT_FORMAT,
            "MaxAggregationInterval": interval,
            "TrafficType": self.params.get("TrafficType") or "ALL",
        }
        if options := self.params.get("DestinationOptions"):
            shape["DestinationOptions"] = options
        return shape

    def _log_refusal(self, ident: str, shape: View) -> tuple[str, str] | None:
        groups = logs_backends[self.current_account][self.region].groups
        group = shape["LogGroupName"]
        if group and group not in groups:
            return "400", f"LogDestination: {group} does not exist."
        for log in self.ec2_backend.flow_logs.values():
            if (log.resource_id, log.shape["LogDestination"]) == (ident, shape["LogDestination"]):
                return (
                    "FlowLogAlreadyExists",
                    "There is an existing Flow Log with the same configuration and log destination.",
                )
        return None

    def describe_flow_logs(self) -> ActionResult:
        return self.describe(FLOW_LOG, "FlowLogs", "FlowLogIds", "Filter")

    def delete_flow_logs(self) -> ActionResult:
        unsuccessful = []
        for ident in self.need("FlowLogIds")[0]:
            FLOW_LOG.check(ident)
            if self.ec2_backend.flow_logs.pop(ident, None) is None:
                error = {"Code": "InvalidFlowLogId.NotFound", "Message": f"The flow log ID '{ident}' does not exist"}
                unsuccessful.append({"ResourceId": ident, "Error": error})
        return ActionResult({"Unsuccessful": unsuccessful})
