"""The dump: every resource of every backend, account and region, in a form that two moments can be compared by.

What a backend has from the start (a default VPC, AWS's images and managed policies) and still has unchanged is left out, so
an untouched region looks like one that nobody has asked about. What moves by itself, such as timestamps, is left out too, and
what AWS keeps showing for a while after its end is marked `gone`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

from groundwork_aws.ec2.backend import fleet_instances
from groundwork_aws.ec2.nouns import NOUNS
from groundwork_aws.shape import attributes, identity, is_resource, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from groundwork_aws.ec2.nouns import Noun

Resource = tuple[str, str, "Callable[[], dict[str, Any]]", bool]  # kind, id, attributes, gone
OF_AWS = tuple(f"arn:{partition}:iam::aws:" for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"))
TEMPORARY = "ASIA"  # how the keys of a session begin ("IAM identifiers"); they end by themselves
DEEPEST = 8
# Books that a backend keeps about its resources, or about AWS; none holds a resource.
NO_RESOURCES = {
    "tags",
    "client_tokens",
    "regions",
    "zones",
    "aws_managed_policies",
    "ebs_encryption_by_default",
    "tagger",
    "tagging_service",
    "assumed_roles",
}

# What EC2's nouns cover already, under the names that moto has for it.
COVERED = {
    "vpcs",
    "groups",
    "route_tables",
    "internet_gateways",
    "egress_only_internet_gateways",
    "nat_gateways",
    "vpc_end_points",
    "enis",
    "flow_logs",
    "reservations",
    "launch_templates",
    "managed_prefix_lists",
    "volumes",
    "snapshots",
    "amis",
    "network_acls",
    "dhcp_options_sets",
    "key_pairs",
    "spot_instance_requests",
    "vpc_pcxs",
    "transit_gateways",
    "vpn_gateways",
    "subnets",
    "addresses",
    "default_vpc",
}

# What each backend had at its birth, so that only what has been added or changed is told.
_born_with: dict[int, dict[tuple[str, str], Any]] = {}


def _of_ec2(backend: Any) -> Iterator[Resource]:
    for noun in NOUNS.values():
        for one in noun.all(backend):
            if noun.type == "image" and one.owner_id != backend.account_id:
                continue
            yield noun.type, one.id, partial(_view, noun, one), noun.gone(one)

    for name, held in sorted(vars(backend).items()):
        if name in COVERED or name in NO_RESOURCES or not isinstance(held, dict):
            continue
        for key, one in list(held.items()):
            if is_resource(one):
                gone = name == "fleets" and all(it.state == "terminated" for it in fleet_instances(one))
                yield name, identity(one) or str(key), partial(attributes, one), gone


def _view(noun: Noun, one: Any) -> dict[str, Any]:
    shown: dict[str, Any] = plain(noun.view(one))
    shown.pop("AvailableIpAddressCount", None)  # it changes with every interface in the subnet
    return shown


def _of_any(backend: Any) -> Iterator[Resource]:
    seen: set[int] = {id(backend)}
    for name, held in sorted(vars(backend).items()):
        if name not in NO_RESOURCES and not name.endswith("backend"):
            yield from _walk(name.lstrip("_"), "", held, seen, 0)


def _walk(kind: str, key: str, held: Any, seen: set[int], depth: int) -> Iterator[Resource]:
    """Every resource below a value; one that holds others, as an event bus holds rules, is walked into."""
    if depth > DEEPEST:
        return
    if is_resource(held):
        ident = identity(held) or key
        if id(held) in seen or isinstance(held, BaseBackend) or not ident or ident.startswith((*OF_AWS, TEMPORARY)):
            return
        seen.add(id(held))
        yield kind, ident, partial(attributes, held), False
        for name, inner in sorted(vars(held).items()):
            if name not in NO_RESOURCES and not name.endswith("backend") and isinstance(inner, dict | list | set):
                yield from _walk(name.lstrip("_"), "", inner, seen, depth + 1)
    elif isinstance(held, dict):
        for inner_key, inner in list(held.items()):
            yield from _walk(kind, f"{key}/{inner_key}" if key else str(inner_key), inner, seen, depth + 1)
    elif isinstance(held, list | set | tuple):
        for inner in list(held):
            yield from _walk(kind, key, inner, seen, depth + 1)


def resources(service: str, backend: Any) -> Iterator[Resource]:
    """Every resource of a backend, those it was born with included."""
    if service == "ec2":
        yield from _of_ec2(backend)
    elif own := getattr(backend, "resources", None):
        yield from own()
    else:
        yield from _of_any(backend)


def dump() -> dict[str, dict[str, Any]]:
    """`service/account/region/kind/id` → attributes."""
    found: dict[str, dict[str, Any]] = {}
    for backends in list(BackendDict._instances):
        for account, region, backend in list(backends.iter_backends()):
            born_with = _born_with.get(id(backend), {})
            for kind, ident, show, gone in resources(backends.service_name, backend):
                shown = show()
                if shown != born_with.get((kind, ident)):
                    key = f"{backends.service_name}/{account}/{region}/{kind}/{ident}"
                    found[key] = {**shown, "gone": True} if gone else shown
    return dict(sorted(found.items()))


def register() -> None:
    """Note what each backend has at its birth.

    moto creates a backend when its region is first looked at, in this one method; nothing can have been added by then.
    """
    create = AccountSpecificBackend.__getitem__

    def __getitem__(self: Any, region: str) -> Any:  # noqa: N807 - the name is Python's
        known = region in self.keys() or (region == "global" and "aws" in self.keys())
        backend = create(self, region)
        if not known:
            born_with = {(kind, ident): show() for kind, ident, show, _ in resources(self.service_name, backend)}
            _born_with[id(backend)] = born_with
        return backend

    AccountSpecificBackend.__getitem__ = __getitem__


def reset() -> None:
    """Forget the backends that are no more."""
    _born_with.clear()
