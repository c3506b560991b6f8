"""The admin API: what tests, the audit and the rest of the local cloud need to see and to provoke.

Everything lives under `/groundwork-api/` and speaks JSON. An error is `{"error": "…"}` with status 400, 404 or 500.

    GET    health                                   {"status": "ok"}
    POST   reset                                    everything is forgotten; settings stay
    GET    dump                                     {"service/account/region/kind/id": {…attributes, "gone": true?}}
    GET    journal?since=N                          entries with a number above N
    DELETE journal                                  entries are forgotten, numbers go on
    GET    faults                                   those that are set, with what they have met and struck
    POST   faults     {kind, service?, operation?, nth?, count?, contains?, code?, message?, status?, seconds?}   {"id": 1}
    DELETE faults                                   all of them, and their traces
    GET    settings | POST {settle?, speed?, external_control_plane?}
    POST   clock      {advance: seconds}            the clock is put forward
    GET    hazards | POST {name, seconds?} | DELETE ?name=
    GET    nodes                                    running instances, as a node controller needs them
    GET    clusters                                 clusters, as their control planes need them
    POST   clusters/NAME/endpoint                   {endpoint, certificateAuthority, oidcIssuer}: CREATING ends
    POST   clusters/NAME/nodegroups/NG/ready        {issues?}: the nodes are Ready, or never will be
    POST   clusters/NAME/addons/ADDON/health        {status?: ACTIVE | DEGRADED | CREATE_FAILED, issues?}
    POST   clusters/NAME/interfaces                 {instance, cni: cilium | vpc-cni, clusterName?}: a CNI adds an interface
    POST   clusters/NAME/balancers/NS/SERVICE       a Service of type LoadBalancer has one: {"hostname": "…"}
    DELETE clusters/NAME/balancers/NS/SERVICE       the Service is no more
    POST   clusters/NAME/fargate/PROFILE            where a new Fargate node is: {id, zone, privateIpAddress, privateDnsName}
    DELETE clusters/NAME/fargate/ID                 that node has ended
    POST   identity                                 {url, headers}: who is behind a presigned request, {arn, account}

What is below `clusters/` takes `?account=` and `?region=` where several clusters have the name.
"""

from __future__ import annotations

import json
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from groundwork_aws import dump, hazards, presigned, registry
from groundwork_aws.clock import CLOCK
from groundwork_aws.eks import outside
from groundwork_aws.faults import FAULTS, Fault
from groundwork_aws.journal import JOURNAL
from groundwork_aws.settings import SETTINGS
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
    return {
        "settle": CLOCK.settle,
        "speed": CLOCK.speed,
        "external_control_plane": SETTINGS.external_control_plane,
    }


def _set(http: Http) -> Any:
    document = _document(http)
    if unknown := set(document) - {"settle", "speed", "external_control_plane"}:
        raise ValueError(f"unknown members {sorted(unknown)}")
    if "settle" in document:
        CLOCK.settle = None if document["settle"] is None else float(document["settle"])
    if "speed" in document:
        if float(document["speed"]) <= 0:
            raise ValueError("speed must be above 0")
        CLOCK.speed = float(document["speed"])
    if "external_control_plane" in document:
        SETTINGS.external_control_plane = bool(document["external_control_plane"])
    return _settings(http)


def _advance(http: Http) -> Any:
    document = _document(http)
    if set(document) != {"advance"}:
        raise ValueError('the body must be {"advance": seconds}')
    CLOCK.advance(float(document["advance"]))
    return {}


def _hazards(_: Http) -> Any:
    return hazards.show()


def _add_hazard(http: Http) -> Any:
    document = _document(http)
    hazards.switch_on(str(document.pop("name", "")), document)
    return hazards.show()


def _clear_hazards(http: Http) -> Any:
    hazards.switch_off(parse_qs(http.query).get("name", [None])[0])
    return hazards.show()


def _nodes(_: Http) -> Any:
    return outside.show_nodes()


def _clusters(_: Http) -> Any:
    return outside.show_clusters()


def _cluster(http: Http, name: str) -> Any:
    query = parse_qs(http.query)
    return outside.find(name, query.get("account", [None])[0], query.get("region", [None])[0])


def _endpoint(http: Http, name: str) -> Any:
    cluster = _cluster(http, name)
    outside.endpoint(cluster, _document(http))
    return {"status": cluster.status}


def _nodegroup_ready(http: Http, name: str, nodegroup: str) -> Any:
    cluster = _cluster(http, name)
    outside.nodegroup_ready(cluster, nodegroup, _document(http))
    return {"status": cluster.nodegroups[nodegroup].status}


def _addon_health(http: Http, name: str, addon: str) -> Any:
    cluster = _cluster(http, name)
    outside.addon_health(cluster, addon, _document(http))
    return {"status": cluster.addons[addon].status}


def _interface(http: Http, name: str) -> Any:
    outside.interface(_cluster(http, name), _document(http))
    return {}


def _balancer(http: Http, name: str, namespace: str, service: str) -> Any:
    return outside.balancer(_cluster(http, name), namespace, service)


def _no_balancer(http: Http, name: str, namespace: str, service: str) -> Any:
    outside.no_balancer(_cluster(http, name), namespace, service)
    return {}


def _fargate_place(http: Http, name: str, profile: str) -> Any:
    return outside.fargate_place(_cluster(http, name), profile)


def _fargate_gone(http: Http, name: str, eni: str) -> Any:
    outside.fargate_gone(_cluster(http, name), eni)
    return {}


def _identity(http: Http) -> Any:
    document = _document(http)
    return presigned.identity(str(document.get("url", "")), dict(document.get("headers") or {}))


# `*` stands for one step of the path, and is handed to the function.
ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
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
    ("POST", "clock"): _advance,
    ("GET", "hazards"): _hazards,
    ("POST", "hazards"): _add_hazard,
    ("DELETE", "hazards"): _clear_hazards,
    ("GET", "nodes"): _nodes,
    ("GET", "clusters"): _clusters,
    ("POST", "identity"): _identity,
    ("POST", "clusters/*/endpoint"): _endpoint,
    ("POST", "clusters/*/nodegroups/*/ready"): _nodegroup_ready,
    ("POST", "clusters/*/addons/*/health"): _addon_health,
    ("POST", "clusters/*/interfaces"): _interface,
    ("POST", "clusters/*/balancers/*/*"): _balancer,
    ("DELETE", "clusters/*/balancers/*/*"): _no_balancer,
    ("POST", "clusters/*/fargate/*"): _fargate_place,
    ("DELETE", "clusters/*/fargate/*"): _fargate_gone,
}


def _document(http: Http) -> dict[str, Any]:
    document = json.loads(http.body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")
    return document


def _find(http: Http) -> Callable[[], Any] | None:
    steps = [unquote(step) for step in http.path[len(PREFIX) :].strip("/").split("/")]
    for (method, path), function in ROUTES.items():
        pattern = path.split("/")
        if method != http.method or len(pattern) != len(steps):
            continue
        if all(wanted in ("*", step) for wanted, step in zip(pattern, steps, strict=True)):
            return partial(function, http, *(step for wanted, step in zip(pattern, steps, strict=True) if wanted == "*"))
    return None


def answer(http: Http) -> Answer:
    """Answer a request to the admin API."""
    route = _find(http)
    if route is None:
        return _json(404, {"error": f"no such thing: {http.method} {http.path}"})
    try:
        return _json(200, route())
    except (ValueError, TypeError) as wrong:
        return _json(400, {"error": str(wrong)})
    except LookupError as missing:
        return _json(404, {"error": str(missing)})
    except Exception as crash:  # whoever asks must be told, not left with a broken connection
        traceback.print_exc()
        return _json(500, {"error": f"{type(crash).__name__}: {crash}"})


def _json(status: int, document: Any) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(document, default=str).encode() + b"\n")
