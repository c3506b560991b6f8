"""KMS: how often a key is rotated, and what can no longer be done with a key that is on its way out."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend as MotoKmsBackend
from moto.kms.models import kms_backends
from moto.kms.responses import KmsResponse
from moto.kms.urls import url_bases

from groundwork_aws.shape import attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROTATION = 365  # "EnableKeyRotation": the days when nothing is asked for


class KMSInvalidStateException(JsonRESTError):
    """The key's state does not let it ("Key states of AWS KMS keys")."""

    code = 400

    def __init__(self, arn: str) -> None:
        super().__init__("KMSInvalidStateException", f"{arn} is pending deletion.")


class KmsBackend(MotoKmsBackend):
    """KMS in one account and region."""

    @property
    def _url_module(self) -> Any:
        from groundwork_aws import kms

        return kms

    def resources(self) -> Iterator[tuple[str, str, Callable[[], dict[str, Any]], bool]]:
        """Keys with their tags, and their aliases, for the dump."""
        for key in list(self.keys.values()):
            yield "keys", key.id, partial(self._view, key), leaving(key)
            for alias in list(key.aliases.values()):
                yield "aliases", alias.alias_name, partial(attributes, alias), False

    def _view(self, key: Any) -> dict[str, Any]:
        return {**attributes(key), "tags": self.tagger.get_tag_dict_for_resource(key.id)}


def leaving(key: Any) -> bool:
    """Whether a key waits for its end."""
    return bool(key.key_state == "PendingDeletion")


class KMS(KmsResponse):
    """Operations that moto has not, or not as AWS."""

    def _usable(self, name: str = "KeyId") -> Any:
        ident = self._get_param(name)
        self._validate_key_id(ident)
        key = self.kms_backend.keys[self.kms_backend.any_id_to_key_id(ident)]
        if leaving(key):
            raise KMSInvalidStateException(key.arn)
        return key

    def enable_key_rotation(self) -> str:
        """Rotation has a period ("EnableKeyRotation")."""
        key = self._usable()
        key.rotation_period = self._get_param("RotationPeriodInDays") or getattr(key, "rotation_period", ROTATION)
        return str(super().enable_key_rotation())

    def get_key_rotation_status(self) -> str:
        """Tell the period, too ("GetKeyRotationStatus")."""
        status = json.loads(super().get_key_rotation_status())
        if status["KeyRotationEnabled"]:
            key = self.kms_backend.keys[self.kms_backend.get_key_id(self._get_param("KeyId"))]
            status["RotationPeriodInDays"] = getattr(key, "rotation_period", ROTATION)
        return json.dumps(status)

    def schedule_key_deletion(self) -> str:
        """Once is enough ("ScheduleKeyDeletion")."""
        self._usable()
        return str(super().schedule_key_deletion())

    def tag_resource(self) -> str:
        """Tag a key that can be used ("TagResource")."""
        self._usable()
        return str(super().tag_resource())

    def untag_resource(self) -> str:
        """Untag a key that can be used ("UntagResource")."""
        self._usable()
        return str(super().untag_resource())

    def update_key_description(self) -> str:
        """Describe a key that can be used ("UpdateKeyDescription")."""
        self._usable()
        return str(super().update_key_description())

    def create_alias(self) -> str:
        """Name a key that can be used ("CreateAlias")."""
        self._usable("TargetKeyId")
        return str(super().create_alias())


url_paths = {"{0}/$": KMS.dispatch}


def register() -> None:
    """Let moto use this KMS."""
    kms_backends.backend = KmsBackend


__all__ = ["KMS", "KmsBackend", "register", "url_bases", "url_paths"]
