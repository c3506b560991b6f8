"""Tags: on every kind of resource, gone with the resource."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError

from groundwork_aws.ec2.nouns import NOUNS, Operations, View, check_tags, matches, noun_of, refuse

FILTERS = {"key": "Key", "value": "Value", "resource-id": "ResourceId", "resource-type": "ResourceType"}


def all_tags(backend: Any) -> list[View]:
    """Every tag of a resource that is there, as DescribeTags shows it."""
    alive = {prefix: {one.id for one in noun.visible(backend)} for prefix, noun in NOUNS.items()}
    shown = []
    for ident, tags in list(backend.tags.items()):
        noun = noun_of(ident)
        if noun and ident in alive[noun.prefix]:
            shown += [{"ResourceId": ident, "ResourceType": noun.type, "Key": key, "Value": value} for key, value in tags.items()]
    return shown


class Tags(Operations):
    """Operations on tags."""

    def _resources(self) -> list[str]:
        (idents,) = self.need("Resources")
        for ident in idents:
            noun = noun_of(ident)
            if noun is None:
                raise EC2ClientError("InvalidID", f"The ID '{ident}' is not valid")
            noun.find(self.ec2_backend, ident)
        return list(idents)

    def create_tags(self) -> ActionResult:
        idents = self._resources()
        tags = {tag["Key"]: tag.get("Value") or "" for tag in self.need("Tags")[0]}
        check_tags(tags)
        for ident in idents:
            check_tags({key: value for key, value in self.ec2_backend.tags[ident].items() if key[:4] != "aws:"} | tags)
        for ident in idents:
            self.ec2_backend.tags[ident].update(tags)
        return EmptyResult()

    def delete_tags(self) -> ActionResult:
        idents = self._resources()
        asked = self.params.get("Tags")
        for tag in asked or []:
            check_tags({tag["Key"]: ""})
        for ident in idents:
            held = self.ec2_backend.tags[ident]
            if not asked:  # all of them, save AWS's own ("DeleteTags")
                asked_here: list[View] = [{"Key": key} for key in held if not key.startswith("aws:")]
            else:
                asked_here = asked
            for tag in asked_here:
                if tag["Key"] in held and tag.get("Value") in (None, held[tag["Key"]]):
                    del held[tag["Key"]]
        return EmptyResult()

    def describe_tags(self) -> ActionResult:
        tags = all_tags(self.ec2_backend)
        for each in self.params.get("Filters") or []:
            name, values = each["Name"], each.get("Values", [])
            if name.startswith("tag:"):
                tags = [tag for tag in tags if tag["Key"] == name[4:] and matches(tag["Value"], values)]
                continue
            refuse(name not in FILTERS, "InvalidParameterValue", f"The filter '{name}' is invalid")
            tags = [tag for tag in tags if matches(tag[FILTERS[name]], values)]
        return self.page("Tags", sorted(tags, key=lambda tag: (tag["ResourceId"], tag["Key"])))
