"""Faults: what goes wrong on purpose, at which call.

A fault names a service and an operation (a glob) and strikes at the nth matching call, or at every one. Most kinds act on
the connection or the answer, and the server carries them out; three leave a trace behind the call that they strike:
`not_found_after_create` hides what the call created, `role_not_assumable` keeps a new role from being assumed, and
`fail_state` lets what the call starts end in its failed state.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, get_args

from groundwork_aws.clock import CLOCK

if TYPE_CHECKING:
    from groundwork_aws.journal import Call

Kind = Literal[
    "throttle",
    "error",
    "denied",
    "reset_before",
    "reset_after",
    "delay",
    "delay_response",
    "not_found_after_create",
    "role_not_assumable",
    "fail_state",
]


@dataclass
class Fault:
    """One fault, and how often it has met its calls."""

    kind: Kind
    service: str = "*"
    operation: str = "*"
    nth: int | None = None
    count: int | None = None
    contains: str | None = None
    code: str | None = None
    message: str | None = None
    status: int | None = None
    seconds: float = 0.0
    id: int = 0
    met: int = 0
    struck: int = 0

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Fault:
        """A fault as the admin API takes it; raises ValueError for what is not one."""
        unknown = set(document) - set(cls.__dataclass_fields__) | set(document) & {"id", "met", "struck"}
        if unknown:
            raise ValueError(f"unknown members {sorted(unknown)}")
        if document.get("kind") not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}")
        return cls(**document)

    def meets(self, call: Call) -> bool:
        """Whether this call is one that the fault speaks of."""
        return (
            fnmatchcase(call.service, self.service)
            and fnmatchcase(call.operation, self.operation)
            and (self.contains is None or self.contains in repr(call.params))
        )

    def strikes(self) -> bool:
        """Count one meeting; tell whether the fault strikes at it."""
        self.met += 1
        first = self.nth or 1
        last = None if self.nth is None and self.count is None else first + (self.count or 1) - 1
        hit = self.met >= first and (last is None or self.met <= last)
        self.struck += hit
        return hit


@dataclass
class Faults:
    """The faults that are set, and the traces that struck ones have left."""

    _faults: list[Fault] = field(default_factory=list)
    _hidden: dict[str, float] = field(default_factory=dict)
    _unassumable: dict[str, float] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> Fault:
        """Set a fault."""
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault

    def all(self) -> list[dict[str, Any]]:
        """Every fault that is set, with its counts."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Take every fault away, and the traces of those that struck."""
        with self._lock:
            self._faults.clear()
            self._hidden.clear()
            self._unassumable.clear()

    def strike(self, call: Call) -> list[Fault]:
        """The faults that strike at this call."""
        with self._lock:
            return [fault for fault in self._faults if fault.meets(call) and fault.strikes()]

    def hide(self, names: set[str], seconds: float) -> None:
        """Let nobody see these ids or names for a while, as an eventually consistent API does."""
        with self._lock:
            self._hidden.update(dict.fromkeys(names, CLOCK.now() + seconds))

    def hidden(self, name: str) -> bool:
        """Whether this id or name cannot be seen yet."""
        return CLOCK.now() < self._hidden.get(name, 0.0)

    def any_hidden(self) -> set[str]:
        """All that cannot be seen yet."""
        return {name for name in list(self._hidden) if self.hidden(name)} if self._hidden else set()

    def bar(self, role: str, seconds: float) -> None:
        """Let this role (its ARN) be assumed by nobody for a while."""
        with self._lock:
            self._unassumable[role] = CLOCK.now() + seconds

    def assumable(self, role: str) -> bool:
        """Whether this role (its ARN) can be assumed yet."""
        return CLOCK.now() >= self._unassumable.get(role, 0.0)


FAULTS = Faults()
