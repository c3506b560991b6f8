"""States on a clock: a NAT gateway is `pending` for a while, and then `available`.

Nothing runs in the background. What is to happen later is kept in order of time, and `tick`, called at the start of
every request, makes what has become due happen before anybody looks.
"""

from __future__ import annotations

import heapq
import itertools
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING

from groundwork_aws import journal

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds that AWS usually takes, rounded. They are asserted nowhere; they give `--speed` a believable rhythm.
DURATIONS = {
    "nat-gateway": 100.0,
    "nat-gateway-delete": 45.0,
    "nat-gateway-shown": 3600.0,
    "vpc-endpoint": 60.0,
    "vpc-endpoint-delete": 45.0,
    "cidr-block": 3.0,
    "cluster": 600.0,
    "cluster-delete": 180.0,
    "cluster-update": 300.0,
    "cluster-enis": 60.0,
    "nodegroup": 150.0,
    "nodegroup-delete": 120.0,
    "nodegroup-update": 120.0,
    "fargate-profile": 90.0,
    "fargate-profile-delete": 60.0,
    "addon": 30.0,
    "addon-delete": 15.0,
    "addon-update": 30.0,
    "instance": 20.0,
    "instance-terminate": 30.0,
    "log-group-reborn": 30.0,
    "hazard": 20.0,
}


class Clock:
    """Time as the local cloud sees it."""

    def __init__(self) -> None:
        self.settle: float | None = None
        self.speed: float = 1.0
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._moment: float | None = None
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward, so that a test need not wait."""
        if seconds < 0:
            raise ValueError("the clock never goes back")
        self._ahead += seconds
        self.tick()

    def duration(self, kind: str) -> float:
        """How long a transition of this kind takes: `settle` when it is given, else AWS's usual time over `speed`."""
        return self.settle if self.settle is not None else DURATIONS[kind] / self.speed

    def time_of_day(self) -> float:
        """Seconds since 1970 when what happens now was due, however late anybody looked."""
        late = 0.0 if self._moment is None else self.now() - self._moment
        return time.time() - late

    def after(self, kind: str | float, happens: Callable[[], object], of: str | None = None) -> None:
        """Let something happen once a transition of this kind, or that number of seconds, is over.

        What follows from something that was due counts from when that was due, however late anybody looked. With the id
        of what it happens to (`of`), the journal tells of the current call when that was.
        """
        seconds = self.duration(kind) if isinstance(kind, str) else kind
        if of is not None and (call := journal.begins(of)):
            happens = partial(self._noted, call, happens)
        start = self.now() if self._moment is None else self._moment
        heapq.heappush(self._agenda, (start + seconds, next(self._order), happens))

    def _noted(self, call: journal.Call, happens: Callable[[], object]) -> None:
        happens()
        call.settled = self.time_of_day()

    def tick(self) -> None:
        """Make everything happen that has become due."""
        try:
            while self._agenda and self._agenda[0][0] <= self.now():
                self._moment, _, happens = heapq.heappop(self._agenda)
                self._run(happens)
        finally:
            self._moment = None

    @staticmethod
    def _run(happens: Callable[[], object]) -> None:
        try:
            happens()
        except Exception:  # the call that happens to look must not fail for what was due
            traceback.print_exc()

    def reset(self) -> None:
        """Forget what was to happen; the settings stay."""
        self._agenda.clear()


CLOCK = Clock()
