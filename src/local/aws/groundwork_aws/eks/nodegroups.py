"""Managed node groups: an Auto Scaling group, a launch template, an instance profile and instances."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

from moto.autoscaling.models import InstanceState, autoscaling_backends
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.iam.models import iam_backends

from groundwork_aws import hazards
from groundwork_aws.ec2.images import RELEASES, image_id
from groundwork_aws.ec2.instances import TEMPLATE
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.eks import catalogue
from groundwork_aws.eks.access import Access
from groundwork_aws.eks.parts import Cluster, Nodegroup, Shape, now, refuse
from groundwork_aws.iam import find_role
from groundwork_aws.settings import SETTINGS

TAINT_EFFECTS = ("NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE")


def family(ami_type: str) -> tuple[str, str]:
    """The family and the architecture of an AMI type."""
    return ("bottlerocket" if ami_type.startswith("BOTTLEROCKET") else "al2023"), ("arm64" if "ARM_64" in ami_type else "x86_64")


def release(ami_type: str, version: str) -> str:
    """The release of an AMI type for a version of Kubernetes."""
    name = RELEASES[family(ami_type)[0]].removeprefix("v")
    return name if ami_type.startswith("BOTTLEROCKET") else f"{version}.4-{name}"


def instances(ec2: Any, group: Nodegroup) -> list[Any]:
    """The instances of a node group that run or are about to."""
    every = [one for reservation in ec2.reservations.values() for one in reservation.instances]
    name = group.shape["nodegroupName"]
    return [
        one
        for one in every
        if one.state in ("pending", "running")
        and ec2.tags[one.id].get("eks:nodegroup-name") == name
        and ec2.tags[one.id].get("eks:cluster-name") == group.shape["clusterName"]
    ]


def ready(group: Nodegroup, issues: list[Shape] | None = None) -> None:
    """End CREATING: the nodes are Ready, or will never be."""
    if group.status != "CREATING":
        return
    if group.doom:
        message = group.doom.message or "Instances failed to join the kubernetes cluster"
        issues = [{"code": group.doom.code or "NodeCreationFailure", "message": message, "resourceIds": []}]
    group.status = "CREATE_FAILED" if issues else "ACTIVE"
    group.shape["health"] = {"issues": issues or []}
    group.touch()


class Nodegroups(Access):
    """Operations on node groups."""

    def create_nodegroup(self) -> ActionResult:
        params = self.params
        cluster = self.live_cluster(also_updating=False)
        name = params["nodegroupName"]
        if self.repeated(cluster.nodegroups.get(name)):
            return ActionResult({"nodegroup": cluster.nodegroups[name].shape})
        named = {"clusterName": cluster.name, "nodegroupName": name}
        refuse(
            name in cluster.nodegroups,
            "ResourceInUse",
            f"NodeGroup already exists with name {name} and cluster name {cluster.name}",
            **named,
        )
        self._check_nodegroup(cluster, named)
        version = params.get("version") or cluster.shape["version"]
        refuse(
            catalogue.minor(version) > catalogue.minor(cluster.shape["version"]),
            "InvalidParameter",
            f"Nodegroup Kubernetes version {version} must not be newer than the cluster's {cluster.shape['version']}",
            **named,
        )
        template = self._template(params.get("launchTemplate"), named)
        ami_type = params.get("amiType") or ("CUSTOM" if template.get("ImageId") else "AL2023_x86_64_STANDARD")
        types = params.get("instanceTypes") or ([] if template.get("InstanceType") else ["t3.medium"])
        refuse(
            params.get("instanceTypes") and template.get("InstanceType"),
            "InvalidParameter",
            "You cannot specify an instance type in both the launch template and the request.",
            **named,
        )
        custom = ami_type == "CUSTOM"
        stamp, ident = now(), str(uuid.uuid4())
        shape: Shape = {
            "nodegroupName": name,
            "nodegroupArn": self.arn("nodegroup", cluster.name, name, ident),
            "clusterName": cluster.name,
            "version": version,
            "releaseVersion": template.get("ImageId") if custom else params.get("releaseVersion") or release(ami_type, version),
            "createdAt": stamp,
            "modifiedAt": stamp,
            "capacityType": params.get("capacityType") or "ON_DEMAND",
            "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 2, **(params.get("scalingConfig") or {})},
            "instanceTypes": types or None,
            "subnets": params["subnets"],
            "remoteAccess": params.get("remoteAccess"),
            "amiType": ami_type,
            "nodeRole": params["nodeRole"],
            "labels": params.get("labels") or {},
            "taints": params.get("taints"),
            "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{ident}"}]},
            "diskSize": None if params.get("launchTemplate") else params.get("diskSize") or 20,
            "health": {"issues": []},
            "updateConfig": params.get("updateConfig") or {"maxUnavailable": 1},
            "nodeRepairConfig": params.get("nodeRepairConfig"),
            "launchTemplate": params.get("launchTemplate"),
            "warmPoolConfig": params.get("warmPoolConfig"),
            "tags": params.get("tags") or {},
        }
        group = Nodegroup(
            {member: value for member, value in shape.items() if value is not None}, token=params.get("clientRequestToken")
        )
        group.instance_data = {
            "ImageId": template.get("ImageId") or image_id(*family(ami_type)[:1], version, family(ami_type)[1], self.region),
            "InstanceType": template.get("InstanceType") or types[0],
            "SecurityGroupIds": template.get("SecurityGroupIds")
            or [cluster.shape["resourcesVpcConfig"]["clusterSecurityGroupId"]],
            **({"UserData": template["UserData"]} if template.get("UserData") else {}),
        }
        self._equip(cluster, group, ident)
        cluster.nodegroups[name] = group
        self.admit(cluster, params["nodeRole"], "EC2_LINUX", by_eks=True)
        self.scale(cluster, group)

        def end() -> None:
            if group.doom or not SETTINGS.external_control_plane:
                ready(group)

        self.make(group, "nodegroup", end)
        return ActionResult({"nodegroup": group.shape})

    def _check_nodegroup(self, cluster: Cluster, named: Shape) -> None:
        params = self.params
        vpc_id = cluster.shape["resourcesVpcConfig"]["vpcId"]
        for ident in params["subnets"]:
            try:
                subnet = SUBNET.find(self.ec2, ident)
            except EC2ClientError as missing:
                refuse(True, "InvalidParameter", f"The subnet ID '{ident}' does not exist ({missing.code})", **named)
                raise
            refuse(subnet.vpc_id != vpc_id, "InvalidParameter", f"Subnet {ident} is not in the VPC of the cluster", **named)
        refuse(
            find_role(self.current_account, self.partition, params["nodeRole"]) is None,
            "InvalidParameter",
            f"The role with name {params['nodeRole'].rpartition('/')[2]} cannot be found. "
            "(Service: AmazonIdentityManagement; Status Code: 404; Error Code: NoSuchEntity)",
            **named,
        )
        scaling = {"minSize": 1, "maxSize": 2, "desiredSize": 2, **(params.get("scalingConfig") or {})}
        self._check_scaling(scaling, named)
        for taint in params.get("taints") or []:
            refuse(
                taint.get("effect") not in TAINT_EFFECTS,
                "InvalidParameter",
                f"Invalid taint effect {taint.get('effect')}",
                **named,
            )

    @staticmethod
    def _check_scaling(scaling: Shape, named: Shape) -> None:
        for low, high in (("minSize", "desiredSize"), ("desiredSize", "maxSize"), ("minSize", "maxSize")):
            refuse(
                scaling[low] > scaling[high],
                "InvalidParameter",
                f"{low[:-4].capitalize()} capacity {scaling[low]} can't be greater than {high} {scaling[high]}",
                **named,
            )
        refuse(scaling["maxSize"] < 1, "InvalidParameter", "maxSize must be at least 1", **named)

    def _template(self, asked: Shape | None, named: Shape) -> Shape:
        if not asked:
            return {}
        try:
            if asked.get("id"):
                template = TEMPLATE.find(self.ec2, asked["id"])
            else:
                template = self.ec2.get_launch_template_by_name(asked["name"])
            version = template.get_version(asked.get("version") or "$Default")
        except EC2ClientError as missing:
            refuse(True, "InvalidRequest", f"Launch template could not be found: {missing.message} ({missing.code})", **named)
            raise
        asked.update(id=template.id, name=template.name, version=str(version.number))
        data: Shape = version.data
        return data

    def _equip(self, cluster: Cluster, group: Nodegroup, ident: str) -> None:
        """What EKS makes in the account for a node group ("Managed node groups concepts")."""
        tags = {"eks:cluster-name": cluster.name, "eks:nodegroup-name": group.shape["nodegroupName"]}
        name = f"eks-{ident}"
        template = self.ec2.create_launch_template(name, "", dict(group.instance_data), {"launch-template": tags})
        group.launch_template = template.id
        profile = iam_backends[self.current_account][self.partition]
        role = find_role(self.current_account, self.partition, group.shape["nodeRole"])
        profile.create_instance_profile(name, "/", [role.name] if role else [])
        group.profile = name
        group.group = group.shape["resources"]["autoScalingGroups"][0]["name"]
        owned = {f"kubernetes.io/cluster/{cluster.name}": "owned", f"k8s.io/cluster-autoscaler/{cluster.name}": "owned"}
        autoscaling_backends[self.current_account][self.region].create_auto_scaling_group(
            name=group.group,
            availability_zones=[],
            desired_capacity=0,
            max_size=group.shape["scalingConfig"]["maxSize"],
            min_size=0,
            launch_config_name="",
            launch_template={"LaunchTemplateId": template.id, "Version": "1"},
            vpc_zone_identifier=",".join(group.shape["subnets"]),
            default_cooldown=None,
            health_check_period=15,
            health_check_type="EC2",
            load_balancers=[],
            target_group_arns=[],
            placement_group=None,
            termination_policies=["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
            tags=[
                {
                    "Key": key,
                    "Value": value,
                    "PropagateAtLaunch": True,
                    "ResourceId": group.group,
                    "ResourceType": "auto-scaling-group",
                }
                for key, value in {**tags, **owned}.items()
            ],
        )

    def scale(self, cluster: Cluster, group: Nodegroup) -> None:
        """Launch or terminate instances until there are as many as wanted."""
        wanted = group.shape["scalingConfig"]["desiredSize"]
        held = instances(self.ec2, group)
        auto_scaling = autoscaling_backends[self.current_account][self.region].autoscaling_groups[group.group]
        subnets = itertools.cycle(group.shape["subnets"])
        for _, subnet in zip(range(wanted - len(held)), itertools.islice(subnets, len(held), None), strict=False):
            instance = self._launch(cluster, group, subnet)
            instance.autoscaling_group = auto_scaling
            auto_scaling.instance_states.append(InstanceState(instance))
        if surplus := held[wanted:]:
            self.ec2.terminate_instances([one.id for one in surplus])
        auto_scaling.instance_states = [one for one in auto_scaling.instance_states if one.instance not in held[wanted:]]
        auto_scaling.min_size = group.shape["scalingConfig"]["minSize"]
        auto_scaling.max_size = group.shape["scalingConfig"]["maxSize"]
        auto_scaling.desired_capacity = wanted

    def _launch(self, cluster: Cluster, group: Nodegroup, subnet: str) -> Any:
        name = group.shape["nodegroupName"]
        tags = {
            "aws:autoscaling:groupName": group.group,
            "eks:cluster-name": cluster.name,
            "eks:nodegroup-name": name,
            f"kubernetes.io/cluster/{cluster.name}": "owned",
            f"k8s.io/cluster-autoscaler/{cluster.name}": "owned",
            "k8s.io/cluster-autoscaler/enabled": "true",
        }
        reservation = self.ec2.run_instances(
            group.instance_data["ImageId"],
            1,
            None,
            [],
            instance_type=group.instance_data["InstanceType"],
            is_instance_type_default=False,
            subnet_id=subnet,
            security_group_ids=list(group.instance_data["SecurityGroupIds"]),
            region_name=self.region,
            launch_template={"LaunchTemplateId": group.launch_template, "Version": "$Default"},
            tags={"instance": tags, "volume": {}},
        )
        return reservation.instances[0]

    def _nodegroup(self) -> tuple[Cluster, Nodegroup]:
        cluster, name = self.cluster(), self.params["nodegroupName"]
        refuse(
            name not in cluster.nodegroups,
            "ResourceNotFound",
            f"No node group found for name: {name}.",
            clusterName=cluster.name,
            nodegroupName=name,
        )
        return cluster, cluster.nodegroups[name]

    def describe_nodegroup(self) -> ActionResult:
        cluster, group = self._nodegroup()
        if group.stuck and not instances(self.ec2, group):
            group.stuck = False
            self.begin(group, "DELETING", "nodegroup-delete", lambda: self._vanish(cluster, group))
        return ActionResult({"nodegroup": group.shape})

    def list_nodegroups(self) -> ActionResult:
        return self.page("nodegroups", list(self.cluster().nodegroups))

    def delete_nodegroup(self) -> ActionResult:
        cluster, group = self._nodegroup()
        if group.status != "DELETING":
            held = instances(self.ec2, group)
            if held and hazards.show()["pdb"]:  # its drain has no end, until somebody terminates what is left
                group.stuck, group.status = True, "DELETING"
                scaler = autoscaling_backends[self.current_account][self.region].autoscaling_groups[group.group]
                scaler.min_size = scaler.desired_capacity = 0
                scaler.instance_states = []  # moto would replace those that are terminated
                return ActionResult({"nodegroup": group.shape})
            if held:
                self.ec2.terminate_instances([one.id for one in held])
            self.begin(group, "DELETING", "nodegroup-delete", lambda: self._vanish(cluster, group))
        return ActionResult({"nodegroup": group.shape})

    def _vanish(self, cluster: Cluster, group: Nodegroup) -> None:
        if group.doom:
            message = group.doom.message or "it failed on purpose"
            issue = {"code": group.doom.code or "NodeTerminationFailure", "message": message, "resourceIds": []}
            group.shape |= {"status": "DELETE_FAILED", "health": {"issues": [issue]}}
            return
        cluster.nodegroups.pop(group.shape["nodegroupName"], None)
        autoscaling_backends[self.current_account][self.region].autoscaling_groups.pop(group.group, None)
        if template := self.ec2.launch_templates.get(group.launch_template):
            self.ec2.delete_launch_template(template.name, template.id)
        iam_backends[self.current_account][self.partition].instance_profiles.pop(group.profile, None)
        self.dismiss(cluster, group.shape["nodeRole"])

    def _steady(self) -> tuple[Cluster, Nodegroup]:
        cluster, group = self._nodegroup()
        named = {"clusterName": cluster.name, "nodegroupName": group.shape["nodegroupName"]}
        refuse(
            group.status == "UPDATING",
            "ResourceInUse",
            f"Nodegroup {named['nodegroupName']} already has an update in progress",
            **named,
        )
        refuse(
            group.status not in ("ACTIVE", "DEGRADED"),
            "InvalidRequest",
            f"Nodegroup cannot be updated as it is currently not in Active State ({group.status})",
            **named,
        )
        return cluster, group

    def update_nodegroup_config(self) -> ActionResult:
        cluster, group = self._steady()
        params, shape = self.params, group.shape
        named = {"clusterName": cluster.name, "nodegroupName": shape["nodegroupName"]}
        new: Shape = {}
        shown: dict[str, str] = {}
        if scaling := params.get("scalingConfig"):
            new["scalingConfig"] = shape["scalingConfig"] | scaling
            self._check_scaling(new["scalingConfig"], named)
            shown |= {member[0].upper() + member[1:]: str(value) for member, value in scaling.items()}
        if labels := params.get("labels"):
            kept = {key: value for key, value in shape["labels"].items() if key not in (labels.get("removeLabels") or [])}
            new["labels"] = kept | (labels.get("addOrUpdateLabels") or {})
            shown["LabelsToAdd"] = json.dumps(labels.get("addOrUpdateLabels") or {})
        if taints := params.get("taints"):
            held = {(one["key"], one["effect"]): one for one in shape.get("taints") or []}
            for one in taints.get("removeTaints") or []:
                held.pop((one["key"], one["effect"]), None)
            held.update({(one["key"], one["effect"]): one for one in taints.get("addOrUpdateTaints") or []})
            new["taints"] = list(held.values())
            shown["TaintsToAdd"] = json.dumps(taints.get("addOrUpdateTaints") or [])
        for member in ("updateConfig", "nodeRepairConfig", "warmPoolConfig"):
            if params.get(member):
                new[member] = params[member]
                shown[{"updateConfig": "MaxUnavailable"}.get(member, "NodeRepairConfig")] = json.dumps(params[member])
        refuse(not new, "InvalidParameter", "No changes needed for the nodegroup", **named)

        def apply() -> None:
            shape.update(new)
            self.scale(cluster, group)

        return self._update_nodegroup(cluster, group, "ConfigUpdate", shown, apply)

    def update_nodegroup_version(self) -> ActionResult:
        cluster, group = self._steady()
        params, shape = self.params, group.shape
        named = {"clusterName": cluster.name, "nodegroupName": shape["nodegroupName"]}
        version = params.get("version") or (cluster.shape["version"] if not params.get("launchTemplate") else shape["version"])
        refuse(
            catalogue.minor(version) > catalogue.minor(cluster.shape["version"]),
            "InvalidParameter",
            f"Nodegroup Kubernetes version {version} must not be newer than the cluster's {cluster.shape['version']}",
            **named,
        )
        refuse(
            catalogue.minor(version) < catalogue.minor(shape["version"]),
            "InvalidParameter",
            f"Nodegroup version cannot be downgraded from {shape['version']} to {version}",
            **named,
        )
        template = self._template(params.get("launchTemplate"), named)
        custom = shape["amiType"] == "CUSTOM"
        new_release = template.get("ImageId") if custom else params.get("releaseVersion") or release(shape["amiType"], version)

        def apply() -> None:
            if not custom:
                group.instance_data["ImageId"] = image_id(
                    family(shape["amiType"])[0], version, family(shape["amiType"])[1], self.region
                )
            group.instance_data |= {
                member: template[member]
                for member in ("ImageId", "InstanceType", "SecurityGroupIds", "UserData")
                if template.get(member)
            }
            shape.update(version=version, releaseVersion=new_release or shape["releaseVersion"])
            if params.get("launchTemplate"):
                shape["launchTemplate"] = params["launchTemplate"]
            if held := instances(self.ec2, group):
                self.ec2.terminate_instances([one.id for one in held])
            self.scale(cluster, group)

        shown = {"Version": version, "ReleaseVersion": str(new_release or shape["releaseVersion"])}
        return self._update_nodegroup(cluster, group, "VersionUpdate", shown, apply)

    def _update_nodegroup(self, cluster: Cluster, group: Nodegroup, kind: str, shown: Shape, apply: Any) -> ActionResult:
        target = ("nodegroup", group.shape["nodegroupName"])
        return self.start_update(cluster, kind, shown, apply, of=target, part=group, takes="nodegroup-update")
