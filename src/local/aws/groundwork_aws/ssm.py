"""SSM: the public parameters that name the images of nodes."""

from __future__ import annotations

import re
import time
from typing import Any

from moto.ssm.models import Parameter, ssm_backends
from moto.ssm.models import SimpleSystemManagerBackend as MotoSSMBackend

from groundwork_aws.ec2.images import ARCHITECTURES, RELEASES, VERSIONS, image_id

# "Retrieve recommended Amazon Linux AMI IDs" and "Retrieve recommended Bottlerocket AMI IDs".
AL2023 = re.compile(
    r"/aws/service/eks/optimized-ami/(?P<version>[\d.]+)/amazon-linux-2023/(?P<architecture>arm64|x86_64)/standard/"
    r"recommended/(?P<member>image_id|release_version)"
)
BOTTLEROCKET = re.compile(
    r"/aws/service/bottlerocket/aws-k8s-(?P<version>[\d.]+)/(?P<architecture>arm64|x86_64)/(?P<release>latest|[\d.]+(-[0-9a-f]+)?)/"
    r"(?P<member>image_id|image_version)"
)


def value_of(name: str, region: str) -> str | None:
    """What a public parameter says, if it is one of ours; those for NVIDIA and Neuron are not."""
    for family, pattern in (("al2023", AL2023), ("bottlerocket", BOTTLEROCKET)):
        found = pattern.fullmatch(name)
        if not found or found["version"] not in VERSIONS or found["architecture"] not in ARCHITECTURES:
            continue
        release = RELEASES[family].removeprefix("v")
        asked = found.groupdict().get("release") or "latest"
        if asked not in ("latest", release, release.partition("-")[0]):
            return None
        if found["member"] == "image_id":
            return image_id(family, found["version"], found["architecture"], region)
        return release if family == "bottlerocket" else f"{found['version']}.4-{release}"
    return None


class SSMBackend(MotoSSMBackend):
    """SSM in one account and region."""

    @property
    def _url_module(self) -> Any:
        from moto.ssm import urls

        return urls

    def _public(self, name: str) -> Any | None:
        value = value_of(name, self.region_name)
        if value is None:
            return None
        return Parameter(
            account_id=self.account_id,
            name=name,
            value=value,
            parameter_type="String",
            description="",
            allowed_pattern=None,
            keyid=None,
            last_modified_date=time.time(),
            version=1,
            data_type="text",
        )

    def get_parameter(self, name: str) -> Any | None:
        """A public parameter, or one that somebody has put."""
        return self._public(name) or super().get_parameter(name)

    def get_parameters(self, names: list[str]) -> dict[str, Any]:
        """Public parameters, and those that somebody has put."""
        public = {name: found for name in names if (found := self._public(name))}
        return public | super().get_parameters([name for name in names if name not in public])


def register() -> None:
    """Let moto use this SSM."""
    ssm_backends.backend = SSMBackend
