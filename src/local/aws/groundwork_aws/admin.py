"""The admin API: what tests, the audit and the rest of the local cloud need to see and to provoke.

Everything lives under `/groundwork-api/` and speaks JSON. An error is `{"error": "…"}` with status 400 or 404.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from groundwork_aws import dump, registry
from groundwork_aws.clock import CLOCK
from groundwork_aws.faults import FAULTS, Fault
from groundwork_aws.journal import JOURNAL
from groundwork_aws.wire import Answer, Http

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/groundwork-api/"


def _health(_: Http) -> Any:
    return {"status": "ok"}


def _reset(_: Http) -> Any:
    registry.reset()
    return {}


def _dump(_: Http) -> Any:
    return dump.dump()


def _journal(http: Http) -> Any:
    return JOURNAL.since(int(parse_qs(http.query).get("since", ["0"])[0]))


def _clear_journal(_: Http) -> Any:
    JOURNAL.clear()
    return {}


def _faults(_: Http) -> Any:
    return FAULTS.all()


def _add_fault(http: Http) -> Any:
    return {"id": FAULTS.add(Fault.parse(_document(http))).id}


def _clear_faults(_: Http) -> Any:
    FAULTS.clear()
    return {}


def _settings(_: Http) -> Any:
    return {"settle": CLOCK.settle, "speed": CLOCK.speed}


def _set(http: Http) -> Any:
    document = _document(http)
    if unknown := set(document) - {"settle", "speed"}:
        raise ValueError(f"unknown members {sorted(unknown)}")
    if "settle" in document:
        CLOCK.settle = None if document["settle"] is None else float(document["settle"])
    if "speed" in document:
        if float(document["speed"]) <= 0:
            raise ValueError("speed must be above 0")
        CLOCK.speed = float(document["speed"])
    return _settings(http)


ROUTES: dict[tuple[str, str], Callable[[Http], Any]] = {
    ("GET", "health"): _health,
    ("POST", "reset"): _reset,
    ("GET", "dump"): _dump,
    ("GET", "journal"): _journal,
    ("DELETE", "journal"): _clear_journal,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _set,
}


def _document(http: Http) -> dict[str, Any]:
    document = json.loads(http.body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")
    return document


def answer(http: Http) -> Answer:
    """Answer a request to the admin API."""
    route = ROUTES.get((http.method, http.path[len(PREFIX) :].strip("/")))
    if route is None:
        return _json(404, {"error": f"no such thing: {http.method} {http.path}"})
    try:
        return _json(200, route(http))
    except (ValueError, TypeError) as wrong:
        return _json(400, {"error": str(wrong)})
    except LookupError as missing:
        return _json(404, {"error": str(missing)})


def _json(status: int, document: Any) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(document, default=str).encode() + b"\n")
