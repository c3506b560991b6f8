"""Fargate profiles: one at a time."""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.eks.access import Access
from groundwork_aws.eks.parts import Cluster, Part, Shape, now, refuse
from groundwork_aws.iam import find_role, trusts


def is_public(ec2: Any, subnet_id: str, vpc_id: str) -> bool:
    """Whether a subnet's route table leads to an internet gateway."""
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == vpc_id]
    own = [table for table in tables if subnet_id in table._associations.values()]
    for table in own or [table for table in tables if table.main_association_id]:
        for route in table._routes.values():
            if route.gateway and route.gateway.id.startswith("igw-"):
                return True
    return False


class FargateProfiles(Access):
    """Operations on Fargate profiles."""

    def create_fargate_profile(self) -> ActionResult:
        params = self.params
        cluster = self.live_cluster(also_updating=False)
        name = params["fargateProfileName"]
        if self.repeated(cluster.profiles.get(name)):
            return ActionResult({"fargateProfile": cluster.profiles[name].shape})
        named = {"clusterName": cluster.name, "fargateProfileName": name}
        refuse(
            name in cluster.profiles,
            "ResourceInUse",
            f"A Fargate Profile already exists with this name in this cluster: {name}",
            **named,
        )
        refuse(name.startswith("eks-"), "InvalidParameter", "fargateProfileName cannot start with eks-", **named)
        self._alone(cluster, "create", name)
        self._check_profile(cluster, named)
        profile = Part(
            {
                "fargateProfileName": name,
                "fargateProfileArn": self.arn("fargateprofile", cluster.name, name, str(uuid.uuid4())),
                "clusterName": cluster.name,
                "createdAt": now(),
                "podExecutionRoleArn": params["podExecutionRoleArn"],
                "subnets": params.get("subnets") or cluster.shape["resourcesVpcConfig"]["subnetIds"],
                "selectors": params.get("selectors") or [],
                "status": "CREATING",
                "tags": params.get("tags") or {},
                "health": {"issues": []},
            },
            token=params.get("clientRequestToken"),
        )
        cluster.profiles[name] = profile
        self.admit(cluster, params["podExecutionRoleArn"], "FARGATE_LINUX", by_eks=True)

        def end() -> None:
            if profile.status == "CREATING":
                profile.status = "CREATE_FAILED" if profile.doom else "ACTIVE"

        self.make(profile, "fargate-profile", end)
        return ActionResult({"fargateProfile": profile.shape})

    def _check_profile(self, cluster: Cluster, named: Shape) -> None:
        params = self.params
        role = find_role(self.current_account, self.partition, params["podExecutionRoleArn"])
        refuse(
            role is None or not trusts(role, "eks-fargate-pods.amazonaws.com"),
            "InvalidParameter",
            "Misconfigured PodExecutionRole Trust Policy; Please add the eks-fargate-pods.amazonaws.com Service Principal",
            **named,
        )
        vpc_id = cluster.shape["resourcesVpcConfig"]["vpcId"]
        for ident in params.get("subnets") or []:
            try:
                subnet = SUBNET.find(self.ec2, ident)
            except EC2ClientError as missing:
                refuse(True, "InvalidParameter", f"The subnet ID '{ident}' does not exist ({missing.code})", **named)
                raise
            refuse(
                subnet.vpc_id != vpc_id or is_public(self.ec2, ident, vpc_id),
                "InvalidParameter",
                f"Subnet {ident} provided in Fargate Profile is not a private subnet",
                **named,
            )
        selectors = params.get("selectors") or []
        refuse(
            not selectors or any(not one.get("namespace") for one in selectors) or len(selectors) > 5,
            "InvalidParameter",
            "A Fargate profile must have between 1 and 5 selectors, each with a namespace",
            **named,
        )

    @staticmethod
    def _alone(cluster: Cluster, verb: str, name: str) -> None:
        """Only one profile may be created or deleted at a time ("DeleteFargateProfile")."""
        for other, profile in cluster.profiles.items():
            refuse(
                profile.status in ("CREATING", "DELETING"),
                "ResourceInUse",
                f"Cannot {verb} Fargate Profile {name} because cluster {cluster.name} currently has Fargate profile {other} "
                f"in status {profile.status}",
                clusterName=cluster.name,
                fargateProfileName=name,
            )

    def _profile(self) -> tuple[Cluster, Part]:
        cluster, name = self.cluster(), self.params["fargateProfileName"]
        refuse(
            name not in cluster.profiles,
            "ResourceNotFound",
            f"No Fargate Profile found with name: {name}.",
            clusterName=cluster.name,
            fargateProfileName=name,
        )
        return cluster, cluster.profiles[name]

    def describe_fargate_profile(self) -> ActionResult:
        return ActionResult({"fargateProfile": self._profile()[1].shape})

    def list_fargate_profiles(self) -> ActionResult:
        return self.page("fargateProfileNames", list(self.cluster().profiles))

    def delete_fargate_profile(self) -> ActionResult:
        cluster, profile = self._profile()
        name = profile.shape["fargateProfileName"]
        self._alone(cluster, "delete", name)

        def end() -> None:
            cluster.profiles.pop(name, None)
            self.dismiss(cluster, profile.shape["podExecutionRoleArn"])

        self.begin(profile, "DELETING", "fargate-profile-delete", end)
        return ActionResult({"fargateProfile": profile.shape})
