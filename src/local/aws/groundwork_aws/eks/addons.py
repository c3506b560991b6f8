"""Addons: their versions, their configuration, and whether their pods are well."""

from __future__ import annotations

import json
import uuid
from typing import Any

import yaml
from moto.core.responses import ActionResult

from groundwork_aws.eks import catalogue
from groundwork_aws.eks.access import Access
from groundwork_aws.eks.parts import Cluster, Part, Shape, now, refuse
from groundwork_aws.settings import SETTINGS


def well(addon: Part, status: str = "ACTIVE", issues: list[Shape] | None = None) -> None:
    """What is known about an addon's pods."""
    if addon.status in ("DELETING", "UPDATING", "UPDATE_FAILED"):
        return
    if addon.doom and addon.status == "CREATING":
        status = "CREATE_FAILED"
        message = addon.doom.message or "it failed on purpose"
        issues = [{"code": addon.doom.code or "InternalFailure", "message": message, "resourceIds": []}]
    addon.status = status
    addon.shape["health"] = {"issues": issues or []}
    addon.touch()


class Addons(Access):
    """Operations on addons."""

    def describe_addon_versions(self) -> ActionResult:
        name, version = self.params.get("addonName"), self.params.get("kubernetesVersion")
        refuse(
            name and name not in catalogue.addons(),
            "InvalidParameter",
            f"Addon {name} specified is not supported",
            addonName=name,
        )
        infos = [info for info in catalogue.addon_infos() if name in (None, info["addonName"])]
        for member, asked in (("type", "types"), ("publisher", "publishers"), ("owner", "owners")):
            if values := self.params.get(asked):
                infos = [info for info in infos if info[member] in values]
        if version:
            for info in infos:
                info["addonVersions"] = [
                    {**one, "compatibilities": [fit for fit in one["compatibilities"] if fit["clusterVersion"] == version]}
                    for one in info["addonVersions"]
                    if any(fit["clusterVersion"] == version for fit in one["compatibilities"])
                ]
        return self.page("addons", infos)

    def describe_addon_configuration(self) -> ActionResult:
        name, version = self.params["addonName"], self.params["addonVersion"]
        offered = [
            one["addonVersion"] for info in catalogue.addon_infos() if info["addonName"] == name for one in info["addonVersions"]
        ]
        refuse(
            version not in offered,
            "InvalidParameter",
            f"Addon version specified is not supported: {name} {version}",
            addonName=name,
        )
        return ActionResult(
            {
                "addonName": name,
                "addonVersion": version,
                "configurationSchema": catalogue.schema(name),
                "podIdentityConfiguration": [],
            }
        )

    def _addon_version(self, cluster: Cluster, name: str, asked: str | None) -> str:
        version = cluster.shape["version"]
        named = {"clusterName": cluster.name, "addonName": name}
        refuse(
            name not in catalogue.addons(),
            "InvalidParameter",
            f"Addon {name} specified is not supported in {version} kubernetes version",
            **named,
        )
        offered = catalogue.addon_versions(name, version)
        refuse(
            asked and asked not in offered,
            "InvalidParameter",
            "Addon version specified is not supported",
            **named,
        )
        return asked or offered[1]

    def _configuration(self, cluster: Cluster, name: str) -> str | None:
        """Refuse configuration that the addon's schema does not know ("DescribeAddonConfiguration")."""
        asked: str | None = self.params.get("configurationValues")
        if not asked:
            return asked
        properties = json.loads(catalogue.schema(name))["properties"]
        try:
            values = yaml.safe_load(asked) or {}
        except yaml.YAMLError:
            values = None
        unknown = sorted(set(values) - set(properties)) if isinstance(values, dict) else ["<not an object>"]
        refuse(
            unknown,
            "InvalidParameter",
            "ConfigurationValue provided in request is not supported: Json schema validation failed with error: "
            f"[$.{unknown[0] if unknown else ''}: is not defined in the schema and the schema does not allow additional "
            "properties]",
            clusterName=cluster.name,
            addonName=name,
        )
        return asked

    def create_addon(self) -> ActionResult:
        params = self.params
        cluster = self.live_cluster()
        name = params["addonName"]
        if self.repeated(cluster.addons.get(name)):
            return ActionResult({"addon": cluster.addons[name].shape})
        version = self._addon_version(cluster, name, params.get("addonVersion"))
        refuse(name in cluster.addons, "ResourceInUse", "Addon already exists.", clusterName=cluster.name, addonName=name)
        values = self._configuration(cluster, name)
        arn, stamp = self.arn("addon", cluster.name, name, str(uuid.uuid4())), now()
        shape: Shape = {
            "addonName": name,
            "clusterName": cluster.name,
            "status": "CREATING",
            "addonVersion": version,
            "health": {"issues": []},
            "addonArn": arn,
            "createdAt": stamp,
            "modifiedAt": stamp,
            "serviceAccountRoleArn": params.get("serviceAccountRoleArn"),
            "tags": params.get("tags") or {},
            "publisher": "eks",
            "owner": "aws",
            "configurationValues": values,
            "namespaceConfig": params.get("namespaceConfig") or {"namespace": "kube-system"},
        }
        addon = Part(
            {member: value for member, value in shape.items() if value is not None}, token=params.get("clientRequestToken")
        )
        cluster.addons[name] = addon
        self._associate(cluster, addon, params.get("podIdentityAssociations") or [])
        conflict = cluster.bootstrap_addons and name in catalogue.SELF_MANAGED and params.get("resolveConflicts") != "OVERWRITE"

        def end() -> None:
            if addon.status != "CREATING":
                return
            if conflict:  # the self-managed addon that CreateCluster installed is in the way
                message = "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode."
                well(addon, "CREATE_FAILED", [{"code": "ConfigurationConflict", "message": message, "resourceIds": []}])
            elif not SETTINGS.external_control_plane or addon.doom:
                well(addon)

        self.make(addon, "addon", end)
        return ActionResult({"addon": addon.shape})

    def _associate(self, cluster: Cluster, addon: Part, wanted: list[Shape]) -> None:
        """Give an addon's service accounts the roles that are asked for, and no others."""
        arn = addon.shape["addonArn"]
        held = {
            (part.shape["serviceAccount"], part.shape["roleArn"]): ident
            for ident, part in cluster.identities.items()
            if part.shape.get("ownerArn") == arn
        }
        asked = [(one["serviceAccount"], one["roleArn"]) for one in wanted]
        for pair, ident in held.items():
            if pair not in asked:
                del cluster.identities[ident]
        for account, role in asked:
            if (account, role) not in held:
                self.associate(cluster, "kube-system", account, role, owner=arn)
        arns = [part.shape["associationArn"] for part in cluster.identities.values() if part.shape.get("ownerArn") == arn]
        addon.shape.pop("podIdentityAssociations", None)
        if arns:
            addon.shape["podIdentityAssociations"] = arns

    def _addon(self) -> tuple[Cluster, Part]:
        cluster, name = self.cluster(), self.params["addonName"]
        refuse(
            name not in cluster.addons,
            "ResourceNotFound",
            f"No addon: {name} found in cluster: {cluster.name}",
            clusterName=cluster.name,
            addonName=name,
        )
        return cluster, cluster.addons[name]

    def describe_addon(self) -> ActionResult:
        return ActionResult({"addon": self._addon()[1].shape})

    def list_addons(self) -> ActionResult:
        return self.page("addons", list(self.cluster().addons))

    def update_addon(self) -> ActionResult:
        cluster, addon = self._addon()
        params, name = self.params, addon.shape["addonName"]
        refuse(
            addon.status in ("CREATING", "UPDATING", "DELETING"),
            "ResourceInUse",
            f"Addon {name} cannot be updated as it is currently in {addon.status} state",
            clusterName=cluster.name,
            addonName=name,
        )
        new: Shape = {}
        if params.get("addonVersion"):
            new["addonVersion"] = self._addon_version(cluster, name, params["addonVersion"])
        if params.get("configurationValues") is not None:
            new["configurationValues"] = self._configuration(cluster, name)
        # The role is the one that the update names ("UpdateAddon": without one, the addon has the node's).
        new["serviceAccountRoleArn"] = params.get("serviceAccountRoleArn") or ""
        shown = {member[0].upper() + member[1:]: str(value) for member, value in new.items()}
        if params.get("resolveConflicts"):
            shown["ResolveConflicts"] = params["resolveConflicts"]

        identities: list[Shape] | None = params.get("podIdentityAssociations")

        def apply() -> None:
            if identities is not None:
                self._associate(cluster, addon, identities)
            addon.shape.update({member: value for member, value in new.items() if value not in (None, "")})
            for member, value in new.items():
                if value == "":
                    addon.shape.pop(member, None)

        target: Any = ("addon", name)
        return self.start_update(
            cluster, "AddonUpdate", shown, apply, of=target, part=addon, takes="addon-update", failed="UPDATE_FAILED"
        )

    def delete_addon(self) -> ActionResult:
        cluster, addon = self._addon()
        name = addon.shape["addonName"]

        def end() -> None:
            cluster.addons.pop(name, None)
            for ident, part in list(cluster.identities.items()):
                if part.shape.get("ownerArn") == addon.shape["addonArn"]:
                    del cluster.identities[ident]

        if addon.status != "DELETING":
            self.begin(addon, "DELETING", "addon-delete", end)
        return ActionResult({"addon": addon.shape})
