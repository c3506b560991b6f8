"""CloudWatch Logs: retention and keys of log groups."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogsBackend as MotoLogsBackend
from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse
from moto.logs.urls import url_bases

# "PutRetentionPolicy": the number of days.
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


class LogsBackend(MotoLogsBackend):
    """Logs in one account and region."""

    @property
    def _url_module(self) -> Any:
        from groundwork_aws import logs

        return logs

    def put_retention_policy(self, log_group_name: str, retention_in_days: Any) -> None:
        """Only certain numbers of days are taken."""
        if int(retention_in_days) not in RETENTIONS:
            raise InvalidParameterException(
                constraint=f"Member must satisfy enum value set: {list(RETENTIONS)}",
                parameter="retentionInDays",
                value=retention_in_days,
            )
        super().put_retention_policy(log_group_name, retention_in_days)


class Logs(LogsResponse):
    """Operations that moto has not."""

    def create_log_group(self) -> str:
        """A log group has a class ("CreateLogGroup")."""
        answer = super().create_log_group()
        group = logs_backends[self.current_account][self.region].groups[self._get_param("logGroupName")]
        group.log_group_class = self._get_param("logGroupClass") or "STANDARD"
        return str(answer)

    def describe_log_groups(self) -> str:
        """Tell the class and both ARNs ("LogGroup")."""
        answer = json.loads(super().describe_log_groups())
        groups = logs_backends[self.current_account][self.region].groups
        for shown in answer["logGroups"]:
            group = groups[shown["logGroupName"]]
            shown |= {
                "arn": f"{group.arn}:*",
                "logGroupArn": group.arn,
                "logGroupClass": getattr(group, "log_group_class", "STANDARD"),
            }
        return json.dumps(answer)

    def associate_kms_key(self) -> ActionResult:
        """Encrypt a log group with a key ("AssociateKmsKey")."""
        return self._encrypt(self._get_param("kmsKeyId"))

    def disassociate_kms_key(self) -> ActionResult:
        """Leave a log group to the service's own key ("DisassociateKmsKey")."""
        return self._encrypt(None)

    def _encrypt(self, key: str | None) -> ActionResult:
        name = self._get_param("logGroupName") or str(self._get_param("resourceIdentifier")).rpartition(":log-group:")[2]
        groups = logs_backends[self.current_account][self.region].groups
        if name not in groups:
            raise ResourceNotFoundException
        groups[name].kms_key_id = key
        return EmptyResult()


url_paths = {"{0}/$": Logs.dispatch}


def register() -> None:
    """Let moto use this CloudWatch Logs."""
    logs_backends.backend = LogsBackend


__all__ = ["Logs", "LogsBackend", "register", "url_bases", "url_paths"]
