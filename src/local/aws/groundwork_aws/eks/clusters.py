"""Clusters, their updates, and what EKS puts into the VPC for them."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupRule

from groundwork_aws import journal
from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2.interfaces import discard, managed
from groundwork_aws.ec2.security_groups import GROUP, in_use
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.eks import catalogue
from groundwork_aws.eks.access import Access
from groundwork_aws.eks.parts import Cluster, EKSBackend, Part, Shape, now, refuse
from groundwork_aws.iam import assumable
from groundwork_aws.settings import SETTINGS

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
PLACEHOLDER = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"
OPTIONAL = (
    "outpostConfig",
    "remoteNetworkConfig",
    "computeConfig",
    "storageConfig",
    "controlPlaneScalingConfig",
    "kubeApiServerConfig",
    "kubeSchedulerConfig",
    "kubeControllerManagerConfig",
)
# What each of UpdateClusterConfig's members makes of the update: its type, and the kind of its parameter.
SIMPLE_UPDATES = {
    "upgradePolicy": ("UpgradePolicyUpdate", "UpgradePolicy"),
    "zonalShiftConfig": ("ZonalShiftConfigUpdate", "ZonalShiftConfig"),
    "deletionProtection": ("DeletionProtectionUpdate", "DeletionProtection"),
    "computeConfig": ("AutoModeUpdate", "ComputeConfig"),
    "storageConfig": ("AutoModeUpdate", "StorageConfig"),
    "remoteNetworkConfig": ("RemoteNetworkConfigUpdate", "RemoteNetworkConfig"),
    "controlPlaneScalingConfig": ("ControlPlaneScalingConfigUpdate", "UpdatedTier"),
    "kubeApiServerConfig": ("ControlPlaneComponentConfigUpdate", "KubeApiServerConfig"),
    "kubeSchedulerConfig": ("ControlPlaneComponentConfigUpdate", "KubeSchedulerConfig"),
    "kubeControllerManagerConfig": ("ControlPlaneComponentConfigUpdate", "KubeControllerManagerConfig"),
    "kubernetesNetworkConfig": ("AutoModeUpdate", "KubernetesNetworkConfig"),
}


def logging(enabled: set[str]) -> Shape:
    """Which logs are on, in EKS's shape."""
    groups = [
        {"types": [one for one in LOG_TYPES if one in enabled], "enabled": True},
        {"types": [one for one in LOG_TYPES if one not in enabled], "enabled": False},
    ]
    return {"clusterLogging": [group for group in groups if group["types"]]}


def enabled_logs(setup: Shape, before: set[str]) -> set[str]:
    """Which logs are on once a setup has been merged in."""
    for group in setup.get("clusterLogging") or []:
        types = set(group.get("types") or [])
        before = before | types if group.get("enabled") else before - types
    return before


def finish(cluster: Cluster, *, due: bool = False) -> None:
    """End CREATING once it has lasted as long as it is to (`due`), and the control plane, if it is somebody else's, is there."""
    cluster.due = cluster.due or due
    if cluster.status != "CREATING" or not cluster.due:
        return
    if doom := cluster.doom:
        cluster.status = "FAILED"
        issue = {"code": doom.code or "Other", "message": doom.message or "it failed on purpose", "resourceIds": []}
        cluster.shape["health"] = {"issues": [issue]}
        return
    if SETTINGS.external_control_plane and not cluster.reported:
        return
    if not cluster.reported:
        ident = secrets.token_hex(16).upper()
        host = f"{cluster.region}.eks.amazonaws.com"
        give_endpoint(
            cluster,
            f"https://{ident}.gr7.{host}",
            base64.b64encode(PLACEHOLDER.encode()).decode(),
            f"https://oidc.eks.{cluster.region}.amazonaws.com/id/{ident}",
        )
    cluster.shape |= cluster.reported
    cluster.status = "ACTIVE"


def give_endpoint(cluster: Cluster, endpoint: str, authority: str, issuer: str) -> None:
    """Tell a cluster where its API is; shown once it is no longer CREATING."""
    cluster.reported = {
        "endpoint": endpoint,
        "certificateAuthority": {"data": authority},
        "identity": {"oidc": {"issuer": issuer}},
    }
    if cluster.status != "CREATING":
        cluster.shape |= cluster.reported


def vanish(backend: EKSBackend, ec2: Any, cluster: Cluster) -> None:
    """End DELETING; the interfaces in the subnets follow some time later, and the security group with them if it can."""
    backend.clusters.pop(cluster.name, None)

    def sweep() -> None:
        for eni in cluster.interfaces + cluster.fargate:
            discard(ec2, eni)
        ident = cluster.shape["resourcesVpcConfig"]["clusterSecurityGroupId"]
        for groups in ec2.groups.values():
            if ident in groups and not in_use(ec2, groups[ident]):
                del groups[ident]
                return

    CLOCK.after("cluster-enis", sweep)


class Clusters(Access):
    """Operations on clusters."""

    def create_cluster(self) -> ActionResult:
        name, params = self.params["name"], self.params
        if self.repeated(self.backend.clusters.get(name)):
            return ActionResult({"cluster": self.backend.clusters[name].shape})
        refuse(name in self.backend.clusters, "ResourceInUse", f"Cluster already exists with name: {name}", clusterName=name)
        version = params.get("version") or catalogue.DEFAULT_VERSION
        refuse(not catalogue.supported(version), "InvalidParameter", "unsupported Kubernetes version", clusterName=name)
        refuse(
            not assumable(self.current_account, self.partition, params["roleArn"], "eks.amazonaws.com"),
            "InvalidParameter",
            f"Role with arn: {params['roleArn']}, could not be assumed because it does not exist or the trusted entity is "
            "not correct",
            clusterName=name,
        )
        access = {"bootstrapClusterCreatorAdminPermissions": True, "authenticationMode": "CONFIG_MAP"}
        access |= params.get("accessConfig") or {}
        vpc, vpc_id = self._vpc_config(name, params.get("resourcesVpcConfig") or {})
        cluster = Cluster(
            {
                "name": name,
                "arn": self.arn("cluster", name),
                "createdAt": now(),
                "version": version,
                "roleArn": params["roleArn"],
                "resourcesVpcConfig": vpc,
                "kubernetesNetworkConfig": self._network(params.get("kubernetesNetworkConfig") or {}, vpc_id),
                "logging": logging(enabled_logs(params.get("logging") or {}, set())),
                "identity": None,
                "status": "CREATING",
                "certificateAuthority": {},
                "platformVersion": catalogue.PLATFORM_VERSION,
                "tags": dict(params.get("tags") or {}),
                "encryptionConfig": params.get("encryptionConfig") or [],
                "health": {"issues": []},
                "accessConfig": access,
                "upgradePolicy": params.get("upgradePolicy") or {"supportType": "EXTENDED"},
                "zonalShiftConfig": params.get("zonalShiftConfig") or {"enabled": False},
                "deletionProtection": bool(params.get("deletionProtection")),
                **{member: params[member] for member in OPTIONAL if params.get(member) is not None},
            },
            token=params.get("clientRequestToken"),
            account=self.current_account,
            region=self.region,
            creator=self._creator(),
            bootstrap_addons=params.get("bootstrapSelfManagedAddons") is not False,
        )
        self._furnish(cluster)
        self.backend.clusters[name] = cluster
        if access["bootstrapClusterCreatorAdminPermissions"] and access["authenticationMode"] != "CONFIG_MAP":
            self._admit_creator(cluster)
        self.make(cluster, "cluster", lambda: finish(cluster, due=True))
        return ActionResult({"cluster": dict(cluster.shape)})

    def _creator(self) -> str:
        call = journal.CURRENT.get()
        arn = call.caller if call else ""
        if ":assumed-role/" in arn:  # access belongs to the role, not to the session
            account, role = arn.split(":")[4], arn.split("/")[1]
            return f"arn:{self.partition}:iam::{account}:role/{role}"
        return arn

    def _admit_creator(self, cluster: Cluster) -> None:
        policy = f"arn:{self.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
        self.admit(cluster, cluster.creator, "STANDARD")
        stamp = {"associatedAt": now(), "modifiedAt": now()}
        cluster.policies[cluster.creator] = {policy: {"policyArn": policy, "accessScope": {"type": "cluster"}, **stamp}}

    def _subnets(self, name: str, idents: list[str]) -> list[Any]:
        subnets = []
        for ident in idents:
            try:
                subnets.append(SUBNET.find(self.ec2, ident))
            except EC2ClientError as missing:
                detail = f"(Service: AmazonEC2; Status Code: 400; Error Code: {missing.code})"
                refuse(True, "InvalidParameter", f"The subnet ID '{ident}' does not exist {detail}", clusterName=name)
        refuse(len({one.vpc_id for one in subnets}) > 1, "InvalidParameter", "Subnets must be in one VPC", clusterName=name)
        refuse(
            len({one.availability_zone for one in subnets}) < 2,
            "InvalidParameter",
            "Subnets specified must be in at least two different AZs",
            clusterName=name,
        )
        for one in subnets:
            refuse(
                one.availability_zone_id in catalogue.REFUSED_ZONE_IDS,
                "UnsupportedAvailabilityZone",
                f"Cannot create cluster '{name}' because EKS does not support creating control plane instances in "
                f"{one.availability_zone}, the targeted availability zone. Retry cluster creation using control plane "
                "subnets that span at least two other availability zones.",
                clusterName=name,
            )
        return subnets

    def _groups(self, name: str, idents: list[str]) -> None:
        for ident in idents:
            try:
                GROUP.find(self.ec2, ident)
            except EC2ClientError as missing:
                detail = f"(Service: AmazonEC2; Status Code: 400; Error Code: {missing.code})"
                refuse(True, "InvalidParameter", f"The security group '{ident}' does not exist {detail}", clusterName=name)

    def _vpc_config(self, name: str, asked: Shape) -> tuple[Shape, str]:
        subnets = self._subnets(name, asked.get("subnetIds") or [])
        self._groups(name, asked.get("securityGroupIds") or [])
        config = {
            "securityGroupIds": [],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
            **{member: value for member, value in asked.items() if value is not None},
            "vpcId": subnets[0].vpc_id,
        }
        self._check_access(name, config)
        return config, subnets[0].vpc_id

    @staticmethod
    def _check_access(name: str, config: Shape) -> None:
        refuse(
            not config["endpointPublicAccess"] and not config["endpointPrivateAccess"],
            "InvalidParameter",
            "Private and public endpoint access cannot be false",
            clusterName=name,
        )

    @staticmethod
    def _network(asked: Shape, _: str) -> Shape:
        family = asked.get("ipFamily") or "ipv4"
        network = {"ipFamily": family, "elasticLoadBalancing": {"enabled": False}}
        network |= {"serviceIpv6Cidr": "fd00:10:96::/108"} if family == "ipv6" else {"serviceIpv4Cidr": "172.20.0.0/16"}
        return network | {member: value for member, value in asked.items() if value is not None}

    def _furnish(self, cluster: Cluster) -> None:
        """The cluster security group and the interfaces in the subnets ("Amazon EKS security group requirements")."""
        name, config = cluster.name, cluster.shape["resourcesVpcConfig"]
        group_name = f"eks-cluster-sg-{name}-{secrets.randbelow(10**10)}"
        group = self.ec2.create_security_group(
            group_name,
            "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
            "as well as any managed workloads.",
            vpc_id=config["vpcId"],
            force=True,
            tags={
                "Name": group_name,
                f"kubernetes.io/cluster/{name}": "owned",
                "aws:eks:cluster-name": name,
            },
        )
        source = {"GroupId": group.id, "UserId": self.current_account}
        rule = SecurityGroupRule(self.ec2, "-1", group.id, None, None, None, source, is_egress=False)
        group.ingress_rules.append(rule)
        config["clusterSecurityGroupId"] = group.id
        self._place_interfaces(cluster)

    def _place_interfaces(self, cluster: Cluster) -> None:
        config = cluster.shape["resourcesVpcConfig"]
        for eni in cluster.interfaces:
            discard(self.ec2, eni)
        cluster.interfaces = [
            managed(
                self.ec2,
                SUBNET.find(self.ec2, subnet),
                kind="interface",
                description=f"Amazon EKS {cluster.name}",
                requester="eks.amazonaws.com",
                group_ids=[config["clusterSecurityGroupId"], *config["securityGroupIds"]],
            ).id
            for subnet in config["subnetIds"]
        ]

    def describe_cluster(self) -> ActionResult:
        return ActionResult({"cluster": self.cluster().shape})

    def list_clusters(self) -> ActionResult:
        return self.page("clusters", sorted(self.backend.clusters))

    def delete_cluster(self) -> ActionResult:
        cluster = self.cluster()
        for held, words in ((cluster.nodegroups, "nodegroups"), (cluster.profiles, "Fargate profiles")):
            refuse(held, "ResourceInUse", f"Cluster has {words} attached", clusterName=cluster.name)
        refuse(
            cluster.shape["deletionProtection"],
            "InvalidRequest",
            f"Cluster {cluster.name} has deletion protection enabled. Disable it to delete the cluster.",
            clusterName=cluster.name,
        )
        refuse(
            cluster.status in ("UPDATING", "CREATING"),
            "ResourceInUse",
            f"Cannot delete because cluster {cluster.name} currently has an update in progress",
            clusterName=cluster.name,
        )
        if cluster.status != "DELETING":
            backend, ec2 = self.backend, self.ec2
            self.begin(cluster, "DELETING", "cluster-delete", lambda: vanish(backend, ec2, cluster))
        return ActionResult({"cluster": cluster.shape})

    def _idle(self) -> Cluster:
        cluster = self.cluster()
        refuse(
            cluster.status == "UPDATING",
            "ResourceInUse",
            f"Cannot update because cluster {cluster.name} currently has an update in progress",
            clusterName=cluster.name,
        )
        return self.live_cluster()

    def update_cluster_version(self) -> ActionResult:
        if begun := self.begun(self.cluster()):
            return begun
        cluster, version = self._idle(), self.params["version"]
        before = cluster.shape["version"]
        refuse(
            version not in catalogue.VERSIONS or catalogue.minor(version) - catalogue.minor(before) != 1,
            "InvalidParameter",
            f"Unsupported Kubernetes minor version update from {before} to {version}",
            clusterName=cluster.name,
        )
        for group in cluster.nodegroups.values():
            held = group.shape["version"]
            refuse(
                catalogue.minor(version) - catalogue.minor(held) > 3,
                "InvalidRequest",
                f"Nodegroups {group.shape['nodegroupName']} must be updated to match cluster version {before} "
                "before updating cluster version",
                clusterName=cluster.name,
            )
        params = {"Version": version, "PlatformVersion": catalogue.PLATFORM_VERSION}
        return self.start_update(cluster, "VersionUpdate", params, lambda: cluster.shape.update(version=version))

    def update_cluster_config(self) -> ActionResult:
        if begun := self.begun(self.cluster()):
            return begun
        cluster = self._idle()
        given = [
            member
            for member in ("resourcesVpcConfig", "logging", "accessConfig", *SIMPLE_UPDATES)
            if self.params.get(member) is not None
        ]
        auto_mode = {"computeConfig", "storageConfig", "kubernetesNetworkConfig"}
        refuse(not given, "InvalidParameter", "No changes needed for the request", clusterName=cluster.name)
        refuse(
            len(given) > 1 and not set(given) <= auto_mode,
            "InvalidParameter",
            "Only one type of update can be allowed.",
            clusterName=cluster.name,
        )
        first = given[0]
        if first == "resourcesVpcConfig":
            return self._update_vpc_config(cluster, self.params[first])
        if first == "logging":
            return self._update_logging(cluster, self.params[first])
        if first == "accessConfig":
            return self._update_access(cluster, self.params[first])
        changes = {member: self.params[member] for member in given}
        self._changes(cluster, all(cluster.shape.get(member) == value for member, value in changes.items()))
        kind, parameter = SIMPLE_UPDATES[first]
        if network := changes.get("kubernetesNetworkConfig"):  # what is not given stays as it is
            changes["kubernetesNetworkConfig"] = cluster.shape["kubernetesNetworkConfig"] | network
        return self.start_update(cluster, kind, {parameter: json.dumps(changes[first])}, lambda: cluster.shape.update(changes))

    @staticmethod
    def _changes(cluster: Cluster, same: bool) -> None:
        refuse(
            same,
            "InvalidParameter",
            "Cluster is already at the desired configuration",
            clusterName=cluster.name,
        )

    def _update_vpc_config(self, cluster: Cluster, asked: Shape) -> ActionResult:
        """What is not given stays as it is ("UpdateClusterConfig"); moto puts the new in place of everything."""
        asked = {member: value for member, value in asked.items() if value is not None}
        config = cluster.shape["resourcesVpcConfig"]
        self._changes(cluster, all(config.get(member) == value for member, value in asked.items()))
        moving = "subnetIds" in asked or "securityGroupIds" in asked
        access = set(asked) - {"subnetIds", "securityGroupIds"}
        refuse(moving and access, "InvalidParameter", "Only one type of update can be allowed.", clusterName=cluster.name)
        self._check_access(cluster.name, config | asked)
        if "subnetIds" in asked:
            subnets = self._subnets(cluster.name, asked["subnetIds"])
            refuse(
                subnets[0].vpc_id != config["vpcId"],
                "InvalidParameter",
                "Subnets must belong to the VPC of the cluster",
                clusterName=cluster.name,
            )
        self._groups(cluster.name, asked.get("securityGroupIds") or [])

        def apply() -> None:
            config.update(asked)
            if moving:
                self._place_interfaces(cluster)

        names = {"subnetIds": "Subnets", "securityGroupIds": "SecurityGroups"}
        params = {
            names.get(member, member[0].upper() + member[1:]): value if isinstance(value, str) else json.dumps(value)
            for member, value in asked.items()
        }
        return self.start_update(cluster, "VpcConfigUpdate" if moving else "EndpointAccessUpdate", params, apply)

    def _update_logging(self, cluster: Cluster, asked: Shape) -> ActionResult:
        before = enabled_logs(cluster.shape["logging"], set())
        after = enabled_logs(asked, before)
        self._changes(cluster, before == after)
        params = {"ClusterLogging": json.dumps(asked)}
        return self.start_update(cluster, "LoggingUpdate", params, lambda: cluster.shape.update(logging=logging(after)))

    def _update_access(self, cluster: Cluster, asked: Shape) -> ActionResult:
        before, after = cluster.shape["accessConfig"]["authenticationMode"], asked.get("authenticationMode")
        self._changes(cluster, before == after)
        refuse(
            after not in MODES or MODES.index(after) < MODES.index(before),
            "InvalidRequest",
            f"Unsupported authentication mode update from {before} to {after}",
            clusterName=cluster.name,
        )

        def apply() -> None:
            cluster.shape["accessConfig"]["authenticationMode"] = after
            for group in cluster.nodegroups.values():
                self.admit(cluster, group.shape["nodeRole"], "EC2_LINUX", by_eks=True)
            for profile in cluster.profiles.values():
                self.admit(cluster, profile.shape["podExecutionRoleArn"], "FARGATE_LINUX", by_eks=True)

        return self.start_update(cluster, "AccessConfigUpdate", {"AuthenticationMode": str(after)}, apply)

    def associate_encryption_config(self) -> ActionResult:
        if begun := self.begun(self.cluster()):
            return begun
        cluster, config = self._idle(), self.params["encryptionConfig"]
        refuse(
            cluster.shape["encryptionConfig"],
            "InvalidRequest",
            "Encryption config is already associated with the cluster",
            clusterName=cluster.name,
        )
        params = {"EncryptionConfig": json.dumps(config)}
        return self.start_update(
            cluster, "AssociateEncryptionConfig", params, lambda: cluster.shape.update(encryptionConfig=config)
        )

    def _update_target(self) -> tuple[str, str]:
        for kind in ("nodegroup", "addon", "capability"):
            if name := self.params.get(f"{kind}Name"):
                return kind, str(name)
        return "", ""

    def describe_update(self) -> ActionResult:
        cluster = self.cluster()
        update = cluster.updates.get(self.params["updateId"])
        refuse(
            update is None or update.target != self._update_target(),
            "ResourceNotFound",
            f"No update found for ID: {self.params['updateId']}",
            clusterName=cluster.name,
        )
        return ActionResult({"update": update.shape if update else None})

    def list_updates(self) -> ActionResult:
        target = self._update_target()
        updates = self.cluster().updates
        return self.page("updateIds", [ident for ident, update in updates.items() if update.target == target])

    def describe_cluster_versions(self) -> ActionResult:
        versions = catalogue.cluster_versions()
        if asked := self.params.get("clusterVersions"):
            versions = [one for one in versions if one["clusterVersion"] in asked]
        elif not self.params.get("includeAll"):
            versions = [one for one in versions if one["versionStatus"] != "UNSUPPORTED"]
        if self.params.get("defaultOnly"):
            versions = [one for one in versions if one["defaultVersion"]]
        if status := self.params.get("versionStatus"):
            versions = [one for one in versions if one["versionStatus"] == status]
        if status := self.params.get("status"):
            versions = [one for one in versions if one["status"] == status]
        return self.page("clusterVersions", versions)

    def list_insights(self) -> ActionResult:
        self.cluster()
        return self.page("insights", [])

    def _tagged(self) -> Part:
        arn = self.params["resourceArn"]
        members = [f"{kind}Arn" for kind in ("nodegroup", "fargateProfile", "addon", "accessEntry", "association")]
        members += ["arn", "identityProviderConfigArn"]
        for cluster in self.backend.clusters.values():
            for part in (cluster, *(part for _, _, part in cluster.parts())):
                if arn in [part.shape.get(member) for member in members]:
                    return part
        refuse(True, "NotFound", f"The specified resource {arn} could not be found")
        raise AssertionError

    def tag_resource(self) -> ActionResult:
        part = self._tagged()
        part.shape["tags"] = {**(part.shape.get("tags") or {}), **self.params["tags"]}
        return ActionResult({})

    def untag_resource(self) -> ActionResult:
        part, keys = self._tagged(), self.params["tagKeys"]
        part.shape["tags"] = {key: value for key, value in (part.shape.get("tags") or {}).items() if key not in keys}
        return ActionResult({})

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"tags": self._tagged().shape.get("tags") or {}})
