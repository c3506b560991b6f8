"""IAM: what keeps a policy from being deleted, what a trust policy must be, and whether a role can be assumed."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import DeleteConflictException, MalformedPolicyDocument, NoSuchEntity
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.iam.models import IAMBackend as MotoIAMBackend
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator
from moto.iam.responses import IamResponse
from moto.iam.urls import url_bases

from groundwork_aws.faults import FAULTS


@cache
def _managed_policies() -> dict[str, Any]:
    """AWS's policies, read once; moto reads them again for every backend."""
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies


class IAMBackend(MotoIAMBackend):
    """IAM in one account and partition."""

    @property
    def _url_module(self) -> Any:
        from groundwork_aws import iam

        return iam

    def _init_aws_policies(self) -> list[Any]:
        policies = _managed_policies().items()
        return [AWSManagedPolicy.from_data(name, self.account_id, self.region_name, data) for name, data in policies]

    def create_role(self, role_name: str, assume_role_policy_document: str, *args: Any, **kwargs: Any) -> Any:
        """A trust policy is checked when a role is made, not only when it is changed ("CreateRole": MalformedPolicyDocument)."""
        check_trust(assume_role_policy_document)
        return super().create_role(role_name, assume_role_policy_document, *args, **kwargs)

    def update_assume_role_policy(self, role_name: str, policy_document: str) -> None:
        """A statement of trust needs a principal."""
        check_trust(policy_document)
        super().update_assume_role_policy(role_name, policy_document)

    def attach_role_policy(self, policy_arn: str, role_name: str) -> None:
        """Attaching twice is attaching once ("AttachRolePolicy"); moto counts it twice."""
        if policy_arn not in self.get_role(role_name).managed_policies:
            super().attach_role_policy(policy_arn, role_name)

    def delete_policy(self, policy_arn: str) -> None:
        """A policy that is attached, or has versions, stays ("DeletePolicy": DeleteConflict)."""
        policy = self.get_policy(policy_arn)
        if policy.attachment_count:
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise DeleteConflictException(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy."
            )
        super().delete_policy(policy_arn)

    def create_open_id_connect_provider(
        self, url: str, thumbprint_list: list[str] | None, client_id_list: list[str] | None, tags: Any
    ) -> Any:
        """Thumbprints and client ids are optional ("CreateOpenIDConnectProvider")."""
        return super().create_open_id_connect_provider(url, thumbprint_list or [], client_id_list or [], tags or [])


class IAM(IamResponse):
    """Operations that moto has not."""

    def add_client_id_to_open_id_connect_provider(self) -> ActionResult:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        client = self._get_param("ClientID")
        if client not in provider.client_id_list:
            provider.client_id_list.append(client)
        return EmptyResult()

    def remove_client_id_from_open_id_connect_provider(self) -> ActionResult:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        client = self._get_param("ClientID")
        if client in provider.client_id_list:
            provider.client_id_list.remove(client)
        return EmptyResult()

    def simulate_principal_policy(self) -> ActionResult:
        statements = self._statements(self._get_param("PolicySourceArn"))
        resources = self._get_param("ResourceArns") or ["*"]
        results = [
            {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decide(statements, action, resource)}
            for action in self._get_param("ActionNames") or []
            for resource in resources
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _statements(self, arn: str) -> list[dict[str, Any]]:
        backend = self.backend
        known: Any = None
        if ":role/" in arn:
            known = find_role(self.current_account, self.partition, arn)
        elif ":user/" in arn:
            known = next((user for user in backend.users.values() if user.arn == arn), None)
            if known is None and arn.endswith(":user/groundwork"):  # the caller that nobody has made may do everything
                return [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        if known is None:
            raise NoSuchEntity(f"The entity {arn} cannot be found.")
        held = [version for policy in known.managed_policies.values() for version in policy.versions]
        documents = [version.document for version in held if version.is_default]
        inline = known.policies
        documents += list(inline.values()) if isinstance(inline, dict) else [one["policy_document"] for one in inline]
        found: list[dict[str, Any]] = []
        for document in documents:
            parsed = json.loads(document)["Statement"]
            found += parsed if isinstance(parsed, list) else [parsed]
        return found


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _covers(statement: dict[str, Any], action: str, resource: str) -> bool:
    actions, not_actions = _listed(statement.get("Action")), _listed(statement.get("NotAction"))
    named = any(fnmatchcase(action.lower(), pattern.lower()) for pattern in actions or not_actions)
    if named == (not actions):
        return False
    return any(fnmatchcase(resource, pattern) for pattern in _listed(statement.get("Resource")) or ["*"])


def decide(statements: list[dict[str, Any]], action: str, resource: str) -> str:
    """What policies say to an action, conditions left aside ("Policy evaluation logic")."""
    effects = {statement["Effect"] for statement in statements if _covers(statement, action, resource)}
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def check_trust(document: str) -> None:
    """Refuse a document that is no trust policy."""
    IAMTrustPolicyDocumentValidator(document).validate()
    statements = json.loads(document).get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        if not statement.get("Principal") and not statement.get("NotPrincipal"):
            raise MalformedPolicyDocument("Missing required field Principal")


def find_role(account: str, partition: str, arn: str) -> Any | None:
    """The role with this ARN."""
    return next((role for role in iam_backends[account][partition].roles.values() if role.arn == arn), None)


def trusts(role: Any, service: str) -> bool:
    """Whether a role's trust policy lets a service assume it."""
    statements = json.loads(role.assume_role_policy_document).get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and (service in services or principal == "*"):
            return True
    return False


def assumable(account: str, partition: str, arn: str, service: str) -> bool:
    """Whether a service can assume a role: it is there, trusts the service, and IAM has had the time to tell."""
    role = find_role(account, partition, arn)
    return role is not None and trusts(role, service) and FAULTS.assumable(arn)


url_paths = {"{0}/$": IAM.dispatch}


def register() -> None:
    """Let moto use this IAM."""
    iam_backends.backend = IAMBackend


__all__ = ["IAM", "IAMBackend", "assumable", "find_role", "register", "trusts", "url_bases", "url_paths"]
