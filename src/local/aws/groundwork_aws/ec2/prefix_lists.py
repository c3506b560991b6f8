"""Managed prefix lists, AWS's own among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundwork_aws.ec2.nouns import Noun, Operations, View, define, tags_of

if TYPE_CHECKING:
    from moto.core.responses import ActionResult


def view(one: Any) -> View:
    """A list as DescribeManagedPrefixLists shows it."""
    return {
        "PrefixListId": one.id,
        "PrefixListName": one.prefix_list_name,
        "PrefixListArn": one.prefix_list_arn,
        "AddressFamily": one.address_family,
        "MaxEntries": int(one.max_entries) if one.max_entries else None,
        "Version": one.version,
        "State": one.state,
        "OwnerId": one.owner_id,
        "Tags": tags_of(one),
    }


PREFIX_LIST = define(
    Noun(
        type="prefix-list",
        prefix="pl",
        id="PrefixListId",
        not_found="InvalidPrefixListID.NotFound",
        malformed="InvalidPrefixListId.Malformed",
        says="The prefix list ID '{}' does not exist",
        all=lambda backend: list(backend.managed_prefix_lists.values()),
        view=view,
        filters={"owner-id": "OwnerId", "prefix-list-id": "PrefixListId", "prefix-list-name": "PrefixListName"},
    )
)


class PrefixLists(Operations):
    """Describing prefix lists."""

    def describe_managed_prefix_lists(self) -> ActionResult:
        return self.describe(PREFIX_LIST, "PrefixLists", "PrefixListIds")

    def describe_prefix_lists(self) -> ActionResult:
        """Only those that a gateway endpoint routes to ("DescribePrefixLists")."""
        backend = self.ec2_backend
        names = {f"com.amazonaws.{self.region}.{service}" for service in ("s3", "dynamodb")}
        views = PREFIX_LIST.select(backend, self.params.get("PrefixListIds") or [], self.params.get("Filters") or [])
        return self.page(
            "PrefixLists",
            [
                {
                    "PrefixListId": one["PrefixListId"],
                    "PrefixListName": one["PrefixListName"],
                    "Cidrs": [
                        entry["Cidr"]
                        for entries in backend.managed_prefix_lists[one["PrefixListId"]].entries.values()
                        for entry in entries
                    ],
                }
                for one in views
                if one["PrefixListName"] in names
            ],
        )
