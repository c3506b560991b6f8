"""Hazards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork_aws.journal import Call
    from groundwork_aws.wire import Answer


def after(call: Call, answer: Answer) -> None:
    """Look at what a call has done."""
