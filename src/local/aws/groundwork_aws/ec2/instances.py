"""Instances and launch templates, as far as moto's own answers do not do."""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import parse_user_data

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


def gone(template: Any) -> set[int]:
    """The numbers of the versions that were deleted; moto knows none."""
    numbers: set[int] = template.__dict__.setdefault("deleted_versions", set())
    return numbers


def version_view(version: Any) -> View:
    """A version as DescribeLaunchTemplateVersions shows it."""
    template = version.template
    shown = template_view(template)
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "VersionDescription": version.description or None,
        "CreateTime": version.create_time,
        "CreatedBy": shown["CreatedBy"],
        "DefaultVersion": template.is_default(version),
        "LaunchTemplateData": version.data,
    }


class Instances(Operations):
    """Operations on launch templates."""

    def create_launch_template(self) -> ActionResult:
        """Moto puts the template's own tags among those of its instances, and knows no ClientToken."""
        (name,) = self.need("LaunchTemplateName")
        refuse(
            not re.fullmatch(r"[a-zA-Z0-9().\-/_]{3,128}", name),
            "InvalidLaunchTemplateName.MalformedException",
            f"A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and ().-/_: {name}",
        )
        tags, data = {"launch-template": self.tags_for("launch-template")}, self._data()
        description = self.params.get("VersionDescription") or ""
        template = self.once(lambda: self.ec2_backend.create_launch_template(name, description, data, tags))
        return ActionResult({"LaunchTemplate": template_view(template)})

    def _data(self) -> View:
        data: View = dict(self.need("LaunchTemplateData")[0])
        if data.get("UserData"):
            data["UserData"] = parse_user_data(data["UserData"])
        return data

    def _template(self) -> Any:
        ident, name = self.params.get("LaunchTemplateId"), self.params.get("LaunchTemplateName")
        refuse(not ident and not name, "MissingParameter", "Either a launch template ID or a name must be specified.")
        return TEMPLATE.find(self.ec2_backend, ident) if ident else self._by_name(str(name))

    def create_launch_template_version(self) -> ActionResult:
        template, data = self._template(), self._data()
        version = self.once(lambda: template.create_version(data, self.params.get("VersionDescription") or ""))
        return ActionResult({"LaunchTemplateVersion": version_view(version)})

    def describe_launch_template_versions(self) -> ActionResult:
        """Versions by number, `$Default` or `$Latest`, or between two numbers; the newest first."""
        template = self._template()
        held = {str(version.number): version for version in reversed(template.versions) if version.number not in gone(template)}
        asked = [
            {"$Default": str(template.default_version_number), "$Latest": next(iter(held))}.get(version, version)
            for version in self.params.get("Versions") or []
        ]
        for version in asked:
            refuse(
                version not in held,
                "InvalidLaunchTemplateId.VersionNotFound",
                f"Could not find the specified version {version} for the launch template with ID {template.id}.",
            )
        least, most = (
            int(self.params.get("MinVersion") or 1),
            int(self.params.get("MaxVersion") or template.latest_version_number),
        )
        chosen = [held[version] for version in asked] or [one for one in held.values() if least <= one.number <= most]
        return self.page("LaunchTemplateVersions", [version_view(version) for version in chosen])

    def delete_launch_template_versions(self) -> ActionResult:
        """The default version cannot be deleted; a number is never given again."""
        template, deleted, failed = self._template(), [], []
        for number in self.params.get("Versions") or []:
            named = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": int(number)}
            known = int(number) <= len(template.versions) and int(number) not in gone(template)
            if not known or int(number) == template.default_version_number:
                code = "unexpectedError" if known else "launchTemplateVersionDoesNotExist"
                failed.append({**named, "ResponseError": {"Code": code, "Message": f"Version {number} cannot be deleted"}})
                continue
            gone(template).add(int(number))
            deleted.append(named)
        return ActionResult(
            {
                "SuccessfullyDeletedLaunchTemplateVersions": deleted,
                "UnsuccessfullyDeletedLaunchTemplateVersions": failed,
            }
        )

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
        template = self._template()
        shown = template_view(template)
        self.ec2_backend.delete_launch_template(template.name, template.id)
        return ActionResult({"LaunchTemplate": shown})
