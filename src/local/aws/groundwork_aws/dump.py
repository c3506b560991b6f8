"""The dump: every resource of every backend, account and region, in a form that two moments can be compared by.

What a backend has from the start (a default VPC, AWS's images and managed policies) is left out, so an untouched region looks
like one that nobody has asked about. What moves by itself, such as timestamps, is left out too, and what AWS keeps showing for a
while after its end is marked `gone`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import AccountSpecificBackend, BackendDict

from groundwork_aws.ec2.nouns import NOUNS
from groundwork_aws.shape import attributes, identity, is_resource, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from groundwork_aws.ec2.nouns import Noun

Resource = tuple[str, str, "Callable[[], dict[str, Any]]", bool]  # kind, id, attributes, gone
OF_AWS = ("arn:aws:iam::aws:", "arn:aws-cn:iam::aws:", "arn:aws-us-gov:iam::aws:", "/aws/", "alias/aws/")
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
}

_born_with: dict[int, set[tuple[str, str]]] = {}


def _of_ec2(backend: Any) -> Iterator[Resource]:
    for noun in NOUNS.values():
        for one in noun.all(backend):
            if noun.type == "image" and one.owner_id != backend.account_id:
                continue
            yield noun.type, one.id, partial(_view, noun, one), noun.gone(one)


def _view(noun: Noun, one: Any) -> dict[str, Any]:
    shown: dict[str, Any] = plain(noun.view(one))
    shown.pop("AvailableIpAddressCount", None)  # it changes with every interface in the subnet
    return shown


def _of_any(backend: Any) -> Iterator[Resource]:
    for name, held in sorted(vars(backend).items()):
        if name in NO_RESOURCES or name.endswith("backend"):
            continue
        yield from _walk(name.lstrip("_"), "", held, 0)


def _walk(kind: str, key: str, held: Any, depth: int) -> Iterator[Resource]:
    if is_resource(held):
        ident = identity(held) or key
        if ident and not ident.startswith(OF_AWS) and not key.startswith(OF_AWS):
            yield kind, ident, partial(attributes, held), False
    elif isinstance(held, dict) and depth < 4:
        for inner_key, inner in list(held.items()):
            yield from _walk(kind, f"{key}/{inner_key}" if key else str(inner_key), inner, depth + 1)
    elif isinstance(held, list | set | tuple) and depth < 4:
        for inner in list(held):
            yield from _walk(kind, key, inner, depth + 1)


def resources(service: str, backend: Any) -> Iterator[Resource]:
    """Every resource of a backend, those it was born with included."""
    if service == "ec2":
        yield from _of_ec2(backend)
        seen = {one.id for noun in NOUNS.values() for one in noun.all(backend)}
        yield from (resource for resource in _of_any(backend) if resource[1] not in seen)
    elif own := getattr(backend, "resources", None):
        yield from own()
    else:
        yield from _of_any(backend)


def dump() -> dict[str, dict[str, Any]]:
    """`service/account/region/kind/id` → attributes."""
    found: dict[str, dict[str, Any]] = {}
    for backends in list(BackendDict._instances):
        for account, region, backend in list(backends.iter_backends()):
            born_with = _born_with.get(id(backend), set())
            for kind, ident, shown, gone in resources(backends.service_name, backend):
                if (kind, ident) not in born_with:
                    key = f"{backends.service_name}/{account}/{region}/{kind}/{ident}"
                    found[key] = {**shown(), "gone": True} if gone else shown()
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
            _born_with[id(backend)] = {(kind, ident) for kind, ident, *_ in resources(self.service_name, backend)}
        return backend

    AccountSpecificBackend.__getitem__ = __getitem__


def reset() -> None:
    """Forget the backends that are no more."""
    _born_with.clear()
