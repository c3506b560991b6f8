"""The journal: every call to AWS, who made it, what came of it."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundwork_aws.faults import Fault

LONGEST_VALUE = 2000


@dataclass(slots=True)
class Call:
    """One call to AWS, and what became of it."""

    service: str
    operation: str
    protocol: str
    account: str
    region: str
    access_key: str
    caller: str
    params: dict[str, Any]
    n: int = 0
    time: float = field(default_factory=time.time)
    status: int | None = None
    error_code: str | None = None
    acted: bool = False
    answered: bool = False
    duration: float | None = None
    fault: str | None = None
    doom: Fault | None = None
    subject: str | None = None
    settled: float | None = None

    def entry(self) -> dict[str, Any]:
        """What the admin API shows."""
        return {
            "n": self.n,
            "time": self.time,
            "service": self.service,
            "operation": self.operation,
            "account": self.account,
            "region": self.region,
            "caller": self.caller,
            "params": _short(self.params),
            "status": self.status,
            "error_code": self.error_code,
            "acted": self.acted,
            "answered": self.answered,
            "duration": self.duration,
            "fault": self.fault,
            "subject": self.subject,
            "settled": self.settled,
        }


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_short(inner) for inner in value]
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return value[:LONGEST_VALUE] + "…"
    return value


class Journal:
    """All calls in the order in which they arrived."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._first = 1
        self._lock = threading.Lock()

    def open(self, call: Call) -> None:
        """A call has arrived."""
        with self._lock:
            call.n = self._first + len(self._calls)
            self._calls.append(call)

    def acted(self, call: Call, status: int, error_code: str | None) -> None:
        """The backend has done its work (or a fault has answered in its place); nobody has been told yet."""
        call.status, call.error_code, call.acted = status, error_code, True

    def close(self, call: Call, *, answered: bool) -> None:
        """The connection has been answered, or has been cut."""
        call.answered = answered
        call.duration = round(time.time() - call.time, 6)

    def since(self, n: int) -> list[dict[str, Any]]:
        """Every entry after number `n`."""
        with self._lock:
            return [call.entry() for call in self._calls[max(0, n - self._first + 1) :]]

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        with self._lock:
            self._first += len(self._calls)
            self._calls.clear()


JOURNAL = Journal()
CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)


def doom() -> Fault | None:
    """The fault that lets what the current call starts end badly, if one was asked for."""
    call = CURRENT.get()
    return call.doom if call else None


def begins(subject: str) -> Call | None:
    """The current call, which begins something that takes time: noted under the id that AWS gives it."""
    call = CURRENT.get()
    if call is not None:
        call.subject = subject
    return call
