"""Instances and launch templates, as far as moto's own answers do not do."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from groundwork_aws.ec2.nouns import Noun, Operations, View, define, refuse, tags_of


def view(instance: Any) -> View:
    """An instance, for tags and the dump; DescribeInstances is moto's."""
    return {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "State": instance.state,
        "SubnetId": instance.subnet_id,
        "AvailabilityZone": instance.availability_zone,
        "PrivateIpAddress": instance.private_ip_address,
        "Architecture": instance.architecture,
        "NetworkInterfaceIds": sorted(nic.id for nic in instance.nics.values()),
        "Tags": tags_of(instance),
    }


INSTANCE = define(
    Noun(
        type="instance",
        prefix="i",
        id="InstanceId",
        not_found="InvalidInstanceID.NotFound",
        malformed="InvalidInstanceID.Malformed",
        says="The instance ID '{}' does not exist",
        all=lambda backend: [one for reservation in list(backend.reservations.values()) for one in reservation.instances],
        view=view,
        gone=lambda instance: instance.state in ("shutting-down", "terminated"),
    )
)


def template_view(template: Any) -> View:
    """A template as DescribeLaunchTemplates shows it."""
    backend = template.ec2_backend
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": template.create_time,
        "CreatedBy": f"arn:{backend.partition}:iam::{backend.account_id}:root",
        "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": template.latest_version_number,
        "Tags": tags_of(template),
    }


TEMPLATE = define(
    Noun(
        type="launch-template",
        prefix="lt",
        id="LaunchTemplateId",
        not_found="InvalidLaunchTemplateId.NotFound",
        malformed="InvalidLaunchTemplateId.Malformed",
        says="The specified launch template, with template ID {}, does not exist.",
        all=lambda backend: list(backend.launch_templates.values()),
        view=template_view,
        filters={"create-time": "CreateTime", "launch-template-name": "LaunchTemplateName"},
    )
)


class Instances(Operations):
    """Operations on launch templates."""

    def describe_launch_templates(self) -> ActionResult:
        idents = list(self.params.get("LaunchTemplateIds") or [])
        for name in self.params.get("LaunchTemplateNames") or []:
            idents.append(self._by_name(name).id)
        return self.page("LaunchTemplates", TEMPLATE.select(self.ec2_backend, idents, self.params.get("Filters") or []))

    def _by_name(self, name: str) -> Any:
        for template in TEMPLATE.visible(self.ec2_backend):
            if template.name == name:
                return template
        raise EC2ClientError(
            "InvalidLaunchTemplateName.NotFoundException",
            "At least one of the launch templates specified in the request does not exist.",
        )

    def delete_launch_template(self) -> ActionResult:
        ident, name = self.params.get("LaunchTemplateId"), self.params.get("LaunchTemplateName")
        refuse(not ident and not name, "MissingParameter", "Either a launch template ID or a name must be specified.")
        template = TEMPLATE.find(self.ec2_backend, ident) if ident else self._by_name(str(name))
        shown = template_view(template)
        self.ec2_backend.delete_launch_template(template.name, template.id)
        return ActionResult({"LaunchTemplate": shown})
