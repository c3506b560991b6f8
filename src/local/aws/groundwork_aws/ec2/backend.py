"""EC2's backend: moto's, where its own callers would otherwise meet moto's behaviour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from moto.ec2.models import EC2Backend as MotoEC2Backend
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami

from groundwork_aws.clock import CLOCK
from groundwork_aws.ec2 import images, zones
from groundwork_aws.ec2.interfaces import discard
from groundwork_aws.ec2.nouns import noun_of
from groundwork_aws.ec2.security_groups import GROUP
from groundwork_aws.ec2.subnets import SUBNET
from groundwork_aws.ec2.vpcs import open_default_group

if TYPE_CHECKING:
    from collections.abc import Callable

# Which interfaces outlive an instance although they should not: a hazard adds itself here.
ORPHANS: list[Callable[[Any, Any], set[str]]] = []
PENDING, RUNNING, SHUTTING_DOWN, TERMINATED = ("pending", 0), ("running", 16), ("shutting-down", 32), ("terminated", 48)


class EC2Backend(MotoEC2Backend):
    """EC2 in one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        self.client_tokens: dict[tuple[str, str], tuple[str, Any]] = {}
        super().__init__(region_name, account_id)

    @property
    def _url_module(self) -> Any:
        from groundwork_aws import ec2

        return ec2

    def subnet(self, ident: str) -> Any:
        """The subnet with this id, or AWS's error."""
        return SUBNET.find(self, ident)

    def group(self, ident: str) -> Any:
        """The security group with this id, or AWS's error."""
        return GROUP.find(self, ident)

    def _load_amis(self) -> None:
        """The images that this cloud's nodes start from; moto's 1,300 take a tenth of a second and ten megabytes a region."""
        for image in images.all_images(self.region_name):
            self.amis[image["ami_id"]] = Ami(self, **image)

    def create_vpc(self, *args: Any, **kwargs: Any) -> Any:
        """A VPC's default group lets its own members in."""
        vpc = super().create_vpc(*args, **kwargs)
        open_default_group(self, vpc)
        return vpc

    def describe_tags(self, filters: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
        """Moto asks for the tags of one resource all the time, and looks through all tags with patterns for them."""
        idents = (filters or {}).get("resource-id")
        if idents is None or set(filters or {}) != {"resource-id"} or any("*" in one or "?" in one for one in idents):
            return super().describe_tags(filters)
        found = []
        for ident in idents:
            noun = noun_of(ident)
            for key, value in self.tags.get(ident, {}).items():
                found.append({"resource_id": ident, "key": key, "value": value, "resource_type": noun.type if noun else ""})
        return found

    def run_instances(self, *args: Any, **kwargs: Any) -> Any:
        """An instance is `pending` before it runs, and takes its primary interface with it ("Instance lifecycle")."""
        reservation = super().run_instances(*args, **kwargs)
        kept = {int(nic.get("DeviceIndex") or 0) for nic in kwargs.get("nics") or [] if nic.get("DeleteOnTermination") is False}
        for instance in reservation.instances:
            for index, nic in instance.nics.items():
                if index not in kept:
                    nic.delete_on_termination = True
            instance.region_name = self.region_name  # moto gives an instance of a fleet a name in us-east-1
            instance._state.name, instance._state.code = PENDING
            CLOCK.after("instance", partial(_move, instance, PENDING, RUNNING))
        return reservation

    def create_fleet(self, *args: Any, **kwargs: Any) -> Any:
        """An instance of a fleet has its template's security groups, which moto looks for by name only."""
        fleet = super().create_fleet(*args, **kwargs)
        templates = [self._template_data(config["LaunchTemplateSpecification"]) for config in fleet.launch_template_configs]
        for instance in fleet_instances(fleet):
            for template, data in templates:
                if data.get("ImageId") == instance.image_id:
                    nics = data.get("NetworkInterfaces") or [{}]
                    wanted = data.get("SecurityGroupIds") or nics[0].get("Groups") or []
                    instance.security_groups = [self.group(ident) for ident in wanted]
                    if wanted:
                        instance.nics[0]._group_set = list(instance.security_groups)
                    instance.add_tags({"aws:ec2launchtemplate:id": template.id, "aws:ec2:fleet-id": fleet.id})
        return fleet

    def _template_data(self, asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        ident, name = asked.get("LaunchTemplateId"), asked.get("LaunchTemplateName")
        template = self.get_launch_template(ident) if ident else self.get_launch_template_by_name(str(name))
        return template, template.get_version(asked.get("Version") or "$Default").data

    def terminate_instances(self, instance_ids: list[str]) -> Any:
        """An instance is `shutting-down` first; its interfaces go when it is `terminated`, or become available."""
        fresh = [one for one in self.get_multi_instances_by_id(instance_ids) if one.state not in ("shutting-down", "terminated")]
        held = [(nic, nic.delete_on_termination) for one in fresh for nic in one.nics.values()]
        for nic, _ in held:
            nic.delete_on_termination = False  # moto would take the interface away at once
        before = {one.id: (one._state.name, one._state.code) for one in self.get_multi_instances_by_id(instance_ids)}
        try:
            result = super().terminate_instances(instance_ids)
        finally:
            for nic, delete in held:
                nic.delete_on_termination = delete
        for instance in self.get_multi_instances_by_id(instance_ids):
            if before[instance.id] != TERMINATED:
                instance._state.name, instance._state.code = SHUTTING_DOWN
        for instance in fresh:
            CLOCK.after("instance-terminate", partial(self._terminated, instance))
        return result

    def _terminated(self, instance: Any) -> None:
        instance._state.name, instance._state.code = TERMINATED
        left = {eni for orphans in ORPHANS for eni in orphans(self, instance)}
        for nic in list(instance.nics.values()):
            if nic.delete_on_termination and nic.id not in left:
                discard(self, nic.id)
            elif nic.id in self.enis:
                nic.instance = nic.attachment_id = nic.attach_time = nic.device_index = None
                nic.status = "available"


def fleet_instances(fleet: Any) -> list[Any]:
    """The instances that a fleet has started."""
    return [one["instance"] for one in fleet.on_demand_instances] + [one.instance for one in fleet.spot_requests]


def _move(instance: Any, before: tuple[str, int], after: tuple[str, int]) -> None:
    if instance._state.name == before[0]:
        instance._state.name, instance._state.code = after


def register() -> None:
    """Let moto use this EC2."""
    zones.register()
    ec2_backends.backend = EC2Backend
