"""Who may do what in a cluster: access entries and policies, pod identities, identity providers."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from groundwork_aws.eks import catalogue
from groundwork_aws.eks.parts import Cluster, Operations, Part, Shape, now, refuse
from groundwork_aws.iam import find_role

NODE_TYPES = ("EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
NODE_NAME = {"FARGATE_LINUX": "system:node:{{SessionName}}", "HYBRID_LINUX": "system:node:{{SessionName}}"}
PRINCIPAL = re.compile(r"arn:[a-z-]+:(iam|sts)::\d{12}:(role|user)/.+")


class Access(Operations):
    """Operations on access, and the entries that EKS makes by itself."""

    def admit(self, cluster: Cluster, principal: str, kind: str, *, by_eks: bool = False, **given: Any) -> Part | None:
        """Make an access entry, unless there is one or the mode knows none."""
        if principal in cluster.entries or cluster.shape["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
            return None
        account, resource = principal.split(":")[4], principal.split(":")[5]
        groups = ["system:nodes"] if kind in NODE_TYPES and kind != "EC2" else []
        user = NODE_NAME.get(kind, "system:node:{{EC2PrivateDNSName}}") if kind in NODE_TYPES else principal
        if kind == "STANDARD" and resource.startswith("role/"):
            user = f"arn:{self.partition}:sts::{account}:assumed-role/{resource.split('/')[-1]}/{{{{SessionName}}}}"
        stamp = now()
        entry = Part(
            {
                "clusterName": cluster.name,
                "principalArn": principal,
                "kubernetesGroups": given.get("groups") or groups,
                "accessEntryArn": self.arn(
                    "access-entry", cluster.name, resource.partition("/")[0], account, resource.split("/")[-1], str(uuid.uuid4())
                ),
                "createdAt": stamp,
                "modifiedAt": stamp,
                "tags": given.get("tags") or {},
                "username": given.get("username") or user,
                "type": kind,
            },
            token=given.get("token"),
        )
        entry.by_eks = by_eks
        cluster.entries[principal] = entry
        return entry

    @staticmethod
    def dismiss(cluster: Cluster, principal: str) -> None:
        """Take back an entry that EKS made, once no node group or profile uses its role."""
        users = [group.shape["nodeRole"] for group in cluster.nodegroups.values()]
        users += [profile.shape["podExecutionRoleArn"] for profile in cluster.profiles.values()]
        entry = cluster.entries.get(principal)
        if entry and entry.by_eks and principal not in users:
            del cluster.entries[principal]

    def _entries(self) -> Cluster:
        cluster = self.live_cluster()
        refuse(
            cluster.shape["accessConfig"]["authenticationMode"] == "CONFIG_MAP",
            "InvalidRequest",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
            clusterName=cluster.name,
        )
        return cluster

    def _entry(self) -> tuple[Cluster, Part]:
        cluster, principal = self._entries(), self.params["principalArn"]
        refuse(
            principal not in cluster.entries,
            "ResourceNotFound",
            f"The specified principalArn could not be found. You can view your available access entries with "
            f"'list-access-entries'. ({principal})",
            clusterName=cluster.name,
        )
        return cluster, cluster.entries[principal]

    def create_access_entry(self) -> ActionResult:
        cluster, principal = self._entries(), self.params["principalArn"]
        if self.repeated(cluster.entries.get(principal)):
            return ActionResult({"accessEntry": cluster.entries[principal].shape})
        refuse(
            principal in cluster.entries,
            "ResourceInUse",
            "The specified access entry resource is already in use on this cluster.",
            clusterName=cluster.name,
        )
        kind = self.params.get("type") or "STANDARD"
        refuse(
            not PRINCIPAL.fullmatch(principal) or kind not in ("STANDARD", *NODE_TYPES),
            "InvalidParameter",
            f"The specified principalArn is invalid: invalid principal. ({principal}, {kind})",
            clusterName=cluster.name,
        )
        refuse(
            kind != "STANDARD" and (self.params.get("kubernetesGroups") or self.params.get("username")),
            "InvalidParameter",
            f"The username and kubernetesGroups cannot be specified for an access entry of type {kind}.",
            clusterName=cluster.name,
        )
        for group in self.params.get("kubernetesGroups") or []:
            refuse(
                group.startswith("system:"),
                "InvalidParameter",
                f"The kubernetes group name {group} is invalid, it cannot start with system:",
                clusterName=cluster.name,
            )
        if ":role/" in principal and principal.split(":")[4] == self.current_account:
            refuse(
                find_role(self.current_account, self.partition, principal) is None,
                "InvalidParameter",
                f"The specified principalArn is invalid: invalid principal. ({principal})",
                clusterName=cluster.name,
            )
        entry = self.admit(
            cluster,
            principal,
            kind,
            groups=self.params.get("kubernetesGroups"),
            username=self.params.get("username"),
            tags=self.params.get("tags"),
            token=self.params.get("clientRequestToken"),
        )
        return ActionResult({"accessEntry": entry.shape if entry else None})

    def describe_access_entry(self) -> ActionResult:
        return ActionResult({"accessEntry": self._entry()[1].shape})

    def list_access_entries(self) -> ActionResult:
        cluster, policy = self._entries(), self.params.get("associatedPolicyArn")
        names = [name for name in cluster.entries if not policy or policy in cluster.policies.get(name, {})]
        return self.page("accessEntries", names)

    def update_access_entry(self) -> ActionResult:
        _, entry = self._entry()
        for member in ("kubernetesGroups", "username"):
            if self.params.get(member) is not None:
                entry.shape[member] = self.params[member]
        entry.touch()
        return ActionResult({"accessEntry": entry.shape})

    def delete_access_entry(self) -> ActionResult:
        cluster, entry = self._entry()
        del cluster.entries[entry.shape["principalArn"]]
        cluster.policies.pop(entry.shape["principalArn"], None)
        return EmptyResult()

    def list_access_policies(self) -> ActionResult:
        prefix = f"arn:{self.partition}:eks::aws:cluster-access-policy"
        return self.page("accessPolicies", [{"name": name, "arn": f"{prefix}/{name}"} for name in catalogue.ACCESS_POLICIES])

    def associate_access_policy(self) -> ActionResult:
        cluster, entry = self._entry()
        policy, principal = self.params["policyArn"], entry.shape["principalArn"]
        refuse(
            policy.rpartition("/")[2] not in catalogue.ACCESS_POLICIES,
            "InvalidParameter",
            f"The policyArn parameter format is not valid or the policy does not exist: {policy}",
            clusterName=cluster.name,
        )
        refuse(
            entry.shape["type"] not in ("STANDARD", "EC2"),
            "InvalidRequest",
            f"Access policies cannot be associated with an access entry of type {entry.shape['type']}",
            clusterName=cluster.name,
        )
        scope = self.params.get("accessScope") or {}
        refuse(
            scope.get("type") == "namespace" and not scope.get("namespaces"),
            "InvalidParameter",
            "The namespaces of an access scope of type namespace cannot be empty",
            clusterName=cluster.name,
        )
        held = cluster.policies.setdefault(principal, {})
        stamp = now()
        before = held.get(policy, {}).get("associatedAt", stamp)
        held[policy] = {"policyArn": policy, "accessScope": scope, "associatedAt": before, "modifiedAt": stamp}
        named = {"clusterName": cluster.name, "principalArn": principal}
        return ActionResult({**named, "associatedAccessPolicy": held[policy]})

    def disassociate_access_policy(self) -> ActionResult:
        cluster, entry = self._entry()
        policy = self.params["policyArn"]
        held = cluster.policies.get(entry.shape["principalArn"], {})
        refuse(
            policy not in held,
            "ResourceNotFound",
            f"The specified policyArn is not associated with the access entry: {policy}",
            clusterName=cluster.name,
        )
        del held[policy]
        return EmptyResult()

    def list_associated_access_policies(self) -> ActionResult:
        cluster, entry = self._entry()
        principal = entry.shape["principalArn"]
        page: Any = self.page("associatedAccessPolicies", list(cluster.policies.get(principal, {}).values())).result
        return ActionResult({**page, "clusterName": cluster.name, "principalArn": principal})

    # Pod identities

    def associate(self, cluster: Cluster, namespace: str, account: str, role: str, **given: Any) -> Part:
        """Give a service account a role."""
        refuse(
            any(
                (one.shape["namespace"], one.shape["serviceAccount"]) == (namespace, account)
                for one in cluster.identities.values()
            ),
            "ResourceInUse",
            f"Association already exists: there is one for service account {account} in namespace {namespace}",
            clusterName=cluster.name,
        )
        refuse(
            find_role(self.current_account, self.partition, role) is None,
            "InvalidParameter",
            f"Role provided in the request does not exist: {role}",
            clusterName=cluster.name,
        )
        ident, stamp = f"a-{secrets.token_hex(9)[:17]}", now()
        shape: Shape = {
            "clusterName": cluster.name,
            "namespace": namespace,
            "serviceAccount": account,
            "roleArn": role,
            "associationArn": self.arn("podidentityassociation", cluster.name, ident),
            "associationId": ident,
            "tags": given.get("tags") or {},
            "createdAt": stamp,
            "modifiedAt": stamp,
            "ownerArn": given.get("owner"),
            "disableSessionTags": bool(given.get("disable_session_tags")),
            "targetRoleArn": given.get("target"),
        }
        part = Part({name: value for name, value in shape.items() if value is not None}, token=given.get("token"))
        cluster.identities[ident] = part
        return part

    def create_pod_identity_association(self) -> ActionResult:
        cluster = self.live_cluster()
        for part in cluster.identities.values():
            if self.repeated(part):
                return ActionResult({"association": part.shape})
        part = self.associate(
            cluster,
            self.params["namespace"],
            self.params["serviceAccount"],
            self.params["roleArn"],
            tags=self.params.get("tags"),
            token=self.params.get("clientRequestToken"),
            target=self.params.get("targetRoleArn"),
            disable_session_tags=self.params.get("disableSessionTags"),
        )
        return ActionResult({"association": part.shape})

    def _identity(self) -> tuple[Cluster, Part]:
        cluster, ident = self.cluster(), self.params["associationId"]
        refuse(
            ident not in cluster.identities,
            "ResourceNotFound",
            f"No association found with ID: {ident}",
            clusterName=cluster.name,
        )
        return cluster, cluster.identities[ident]

    def describe_pod_identity_association(self) -> ActionResult:
        return ActionResult({"association": self._identity()[1].shape})

    def list_pod_identity_associations(self) -> ActionResult:
        members = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")
        found = [
            {member: part.shape.get(member) for member in members}
            for part in self.cluster().identities.values()
            if self.params.get("namespace") in (None, part.shape["namespace"])
            and self.params.get("serviceAccount") in (None, part.shape["serviceAccount"])
        ]
        return self.page("associations", found)

    def update_pod_identity_association(self) -> ActionResult:
        _, part = self._identity()
        for member in ("roleArn", "targetRoleArn", "disableSessionTags"):
            if self.params.get(member) is not None:
                part.shape[member] = self.params[member]
        if not part.shape.get("targetRoleArn"):
            part.shape.pop("targetRoleArn", None)
        part.touch()
        return ActionResult({"association": part.shape})

    def delete_pod_identity_association(self) -> ActionResult:
        cluster, part = self._identity()
        del cluster.identities[part.shape["associationId"]]
        return ActionResult({"association": part.shape})

    # Identity providers

    def _provider(self) -> tuple[Cluster, str]:
        cluster, name = self.cluster(), self.params["identityProviderConfig"]["name"]
        refuse(
            name not in cluster.providers,
            "ResourceNotFound",
            f"Identity provider config is not associated with the cluster: {name}",
            clusterName=cluster.name,
        )
        return cluster, name

    def associate_identity_provider_config(self) -> ActionResult:
        cluster, oidc = self.live_cluster(also_updating=False), dict(self.params["oidc"])
        name = oidc["identityProviderConfigName"]
        refuse(cluster.providers, "InvalidRequest", "Cluster already has an identity provider", clusterName=cluster.name)
        arn = self.arn("identityproviderconfig", cluster.name, "oidc", name, str(uuid.uuid4()))
        oidc |= {"identityProviderConfigArn": arn, "clusterName": cluster.name, "tags": self.params.get("tags") or {}}
        part = Part({**oidc, "status": "CREATING"})
        cluster.providers[name] = part
        answer = self.start_update(
            cluster,
            "AssociateIdentityProviderConfig",
            {"IdentityProviderConfig": json.dumps([{"type": "oidc", "name": name}])},
            lambda: part.shape.update(status="ACTIVE"),
        )
        result: Any = answer.result
        return ActionResult({**result, "tags": part.shape["tags"]})

    def describe_identity_provider_config(self) -> ActionResult:
        cluster, name = self._provider()
        return ActionResult({"identityProviderConfig": {"oidc": cluster.providers[name].shape}})

    def list_identity_provider_configs(self) -> ActionResult:
        return self.page("identityProviderConfigs", [{"type": "oidc", "name": name} for name in self.cluster().providers])

    def disassociate_identity_provider_config(self) -> ActionResult:
        cluster, name = self._provider()
        cluster.providers[name].status = "DELETING"
        params = {"IdentityProviderConfig": json.dumps([{"type": "oidc", "name": name}])}
        return self.start_update(cluster, "DisassociateIdentityProviderConfig", params, lambda: cluster.providers.pop(name, None))
