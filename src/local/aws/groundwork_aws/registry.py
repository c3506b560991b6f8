"""What makes moto ours: subclasses registered, and the application that serves them."""

from __future__ import annotations

import functools
from functools import cache
from typing import TYPE_CHECKING

import moto.core.responses
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from groundwork_aws import dump, ec2, eks, hazards, iam, kms, logs, ssm, sts
from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2.nouns import noun_of
from groundwork_aws.faults import FAULTS
from groundwork_aws.journal import JOURNAL

if TYPE_CHECKING:
    from groundwork_aws.journal import Call

NOT_FOUND = {"iam": ("NoSuchEntity", 404)}


def register() -> None:
    """Register every subclass."""
    # moto lists the methods of a response class (EC2's has over 700) again for every request.
    moto.core.responses.method_names_from_class = functools.cache(moto.core.responses.method_names_from_class)
    dump.register()
    for service in (ec2, eks, iam, kms, logs, ssm, sts):
        service.register()


@cache
def application() -> DomainDispatcherApplication:
    """Moto's application, with our subclasses in it."""
    return DomainDispatcherApplication(create_backend_app)


def reset() -> None:
    """Forget everything that anybody has created, asked for or done."""
    CLOCK.reset()
    FAULTS.clear()
    hazards.reset()
    JOURNAL.clear()
    dump.reset()  # first: a backend that is reset may bring another one to life
    BackendDict.reset()
    reset_model_data()


def not_found(call: Call, name: str) -> tuple[str, str, int]:
    """The error for something that cannot be seen yet."""
    if call.service == "ec2" and (noun := noun_of(name)):
        return noun.not_found, noun.says.format(name), 400
    code, status = NOT_FOUND.get(call.service, ("ResourceNotFoundException", 404))
    return code, f"The resource {name} cannot be found.", status
