"""STS: who is calling."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.sts.models import STSBackend as MotoSTSBackend
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from groundwork_aws.faults import FAULTS


class NotAssumable(ServiceException):
    """A role cannot be assumed by the caller."""

    code = "AccessDenied"


class STSBackend(MotoSTSBackend):
    """moto's STS, with AWS's ARN for a caller that it knows nothing about."""

    @property
    def _url_module(self) -> object:
        from moto.sts import urls

        return urls

    def get_caller_identity(self, access_key_id: str, region: str) -> tuple[str, str, str]:
        """Moto names an `sts::user`; a user's ARN belongs to IAM ("IAM identifiers")."""
        user_id, arn, account = super().get_caller_identity(access_key_id, region)
        if ":sts::" in arn and ":user/" in arn:
            return "AIDAGROUNDWORK0000000", f"arn:{get_partition(region)}:iam::{account}:user/groundwork", account
        return user_id, arn, account

    def assume_role(self, *args: Any, **kwargs: Any) -> Any:
        """A role that IAM has not told everybody of cannot be assumed yet ("Changes that I make are not always visible")."""
        role = kwargs.get("role_arn") or next((arg for arg in args if isinstance(arg, str) and ":role/" in arg), "")
        if not FAULTS.assumable(role):
            raise NotAssumable(f"User is not authorized to perform: sts:AssumeRole on resource: {role}")
        return super().assume_role(*args, **kwargs)


def register() -> None:
    """Let moto use this STS."""
    sts_backends.backend = STSBackend


def caller(access_key: str, account: str, region: str) -> str:
    """The ARN behind an access key."""
    backend = sts_backends[account][get_partition(region)]
    return str(backend.get_caller_identity(access_key, region)[1])
