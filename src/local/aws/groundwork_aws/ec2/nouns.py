"""EC2's nouns: one description of a kind of resource serves its Describe call, filters, tags, errors and the dump.

A `Noun` says where moto keeps the resources, how AWS shows one (the view, in the words of AWS's API), and which member
of the view each documented filter looks at.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.serialize import never_return  # noqa: F401 - keeps moto's serialiser loaded with its transformers
from moto.ec2.exceptions import DryRunClientError, EC2ClientError
from moto.ec2.responses._base_response import EC2BaseResponse

from groundwork_aws.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

View = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Noun:
    """A kind of EC2 resource."""

    type: str
    prefix: str
    id: str
    not_found: str
    malformed: str
    says: str
    all: Callable[[Any], Iterable[Any]]
    view: Callable[[Any], View]
    filters: Mapping[str, str] = field(default_factory=dict)
    gone: Callable[[Any], bool] = lambda _: False

    def missing(self, ident: str) -> EC2ClientError:
        """AWS's error for an id that nothing has."""
        return EC2ClientError(self.not_found, self.says.format(ident))

    def check(self, ident: str) -> None:
        """Refuse an id that is not one of this kind ("Invalid…ID.Malformed")."""
        if not re.fullmatch(rf"{self.prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", ident or ""):
            raise EC2ClientError(self.malformed, f'Invalid id: "{ident}" (expecting "{self.prefix}-...")')

    def visible(self, backend: Any) -> list[Any]:
        """All of this kind that can be seen."""
        return [one for one in self.all(backend) if not FAULTS.hidden(one.id)]

    def find(self, backend: Any, ident: str) -> Any:
        """The one that has this id."""
        self.check(ident)
        for one in self.visible(backend):
            if one.id == ident:
                return one
        raise self.missing(ident)

    def select(self, backend: Any, idents: list[str], filters: list[dict[str, Any]]) -> list[View]:
        """The views of those with these ids (all of them when none are given) that pass every filter."""
        for ident in idents:
            self.check(ident)
        found = {one.id: one for one in self.visible(backend)}
        for ident in idents:
            if ident not in found:
                raise self.missing(ident)
        chosen = [found[ident] for ident in dict.fromkeys(idents)] if idents else found.values()
        views = [self.view(one) for one in chosen]
        for each in filters:
            name, values = each.get("Name", ""), each.get("Values", [])
            path = self.path(name)
            views = [view for view in views if any(matches(value, values) for value in read(view, path))]
        return views

    def path(self, filter_name: str) -> str:
        """The member of the view that a filter looks at."""
        if filter_name.startswith("tag:") or filter_name in ("tag-key", "tag-value"):
            return filter_name
        if filter_name not in self.filters:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{filter_name}' is invalid")
        return self.filters[filter_name]


def read(view: View, path: str) -> list[Any]:
    """Everything that a path finds in a view; lists are walked through."""
    tags: list[dict[str, str]] = view.get("Tags") or view.get("TagSet") or []
    if path.startswith("tag:"):
        return [tag["Value"] for tag in tags if tag["Key"] == path[4:]]
    if path in ("tag-key", "tag-value"):
        return [tag["Key" if path == "tag-key" else "Value"] for tag in tags]
    found: list[Any] = [view]
    for step in path.split("."):
        inner = [one.get(step) for one in found if isinstance(one, dict)]
        found = [one for value in inner for one in (value if isinstance(value, list) else [value]) if one is not None]
    return found


def matches(value: Any, patterns: list[str]) -> bool:
    """Whether a value passes a filter: any of its values, with `*` and `?` ("Filtering your resources")."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return any(text == pattern or fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in map(str, patterns))


NOUNS: dict[str, Noun] = {}


def define(noun: Noun) -> Noun:
    """Make a noun known to tags, dump and errors."""
    NOUNS[noun.prefix] = noun
    return noun


def noun_of(ident: str) -> Noun | None:
    """The kind that an id belongs to."""
    return NOUNS.get(ident.rpartition("-")[0])


def tags_of(one: Any) -> list[dict[str, str]]:
    """The tags of a resource, as AWS shows them."""
    return [{"Key": key, "Value": value} for key, value in one.ec2_backend.tags.get(one.id, {}).items()]


def refuse(condition: object, code: str, message: str) -> None:
    """Raise an error of AWS if the condition holds."""
    if condition:
        raise EC2ClientError(code, message)


def depends(condition: object, message: str) -> None:
    """Raise `DependencyViolation` if the condition holds."""
    refuse(condition, "DependencyViolation", message)


class Operations(EC2BaseResponse):
    """What the operations of every noun share."""

    params: dict[str, Any]

    def call_action(self) -> tuple[int, dict[str, str], Any]:
        """A dry run goes as far as the checks of its parameters ("Dry run requests"); moto does so in some operations."""
        if self.params.get("DryRun"):
            status, headers, body = self.serialized(ActionResult(DryRunClientError()))
            return int(status) if int(status) >= 400 else 412, headers, body
        return super().call_action()

    def describe(self, noun: Noun, result: str, ids: str, filters: str = "Filters") -> ActionResult:
        """The Describe call of a noun, with ids, filters and pages."""
        views = noun.select(self.ec2_backend, self.params.get(ids) or [], self.params.get(filters) or [])
        return self.page(result, views)

    def page(self, result: str, views: list[View]) -> ActionResult:
        """One page of a result ("Pagination")."""
        size, token = self.params.get("MaxResults"), self.params.get("NextToken")
        start = 0
        if token:
            try:
                start = int(base64.urlsafe_b64decode(token.encode()))
            except ValueError:
                raise EC2ClientError("InvalidNextToken", f"The token '{token}' is invalid") from None
        end = start + int(size) if size else len(views)
        following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(views) else None
        return ActionResult({result: views[start:end], "NextToken": following})

    def need(self, *names: str) -> list[Any]:
        """Parameters that the call cannot do without."""
        for name in names:
            refuse(
                self.params.get(name) in (None, "", []),
                "MissingParameter",
                f"The request must contain the parameter {name[0].lower() + name[1:]}",
            )
        return [self.params[name] for name in names]

    def tags_for(self, resource_type: str) -> dict[str, str]:
        """The tags that TagSpecifications give to a resource type."""
        tags: dict[str, str] = {}
        for spec in self.params.get("TagSpecifications") or []:
            kind = spec.get("ResourceType")
            refuse(
                kind != resource_type,
                "InvalidParameterValue",
                f"'{kind}' is not a valid taggable resource type for this operation.",
            )
            refuse(not spec.get("Tags"), "InvalidParameterValue", "Tag specification must have at least one tag")
            tags.update({tag["Key"]: tag.get("Value", "") for tag in spec["Tags"]})
        check_tags(tags)
        return tags

    def once(self, make: Callable[[], Any]) -> Any:
        """Make something once for a ClientToken ("Ensuring idempotency in Amazon EC2 API requests")."""
        token = self.params.get("ClientToken")
        if not token:
            return make()
        tokens: dict[tuple[str, str], tuple[str, Any]] = self.ec2_backend.client_tokens
        key = (self._get_action(), token)
        asked = repr({name: value for name, value in sorted(self.params.items()) if name != "ClientToken"})
        if key in tokens:
            refuse(
                tokens[key][0] != asked,
                "IdempotentParameterMismatch",
                f"The client token '{token}' was used with different parameters",
            )
            return tokens[key][1]
        made = make()
        tokens[key] = (asked, made)
        return made


def check_tags(tags: dict[str, str]) -> None:
    """Refuse tags that AWS keeps for itself or finds too long ("Tag restrictions")."""
    for key, value in tags.items():
        refuse(
            key.lower().startswith("aws:"),
            "InvalidParameterValue",
            "Tag keys starting with 'aws:' are reserved for internal use",
        )
        refuse(len(key) > 127 or not key, "InvalidParameterValue", f"Tag key exceeds the maximum length of 127: {key}")
        refuse(len(value or "") > 255, "InvalidParameterValue", f"Tag value exceeds the maximum length of 255: {value}")
    refuse(len(tags) > 50, "TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
