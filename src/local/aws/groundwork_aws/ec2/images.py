"""The images that nodes start from: Bottlerocket and Amazon Linux, for each Kubernetes version and architecture."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from moto.core.parse import default_timestamp_parser

VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
ARCHITECTURES = ("arm64", "x86_64")
OWNERS = {"bottlerocket": "092701018921", "al2023": "602401143452"}
RELEASES = {"bottlerocket": "v1.50.0-3f9a8d1c", "al2023": "v20261015"}


def image_id(family: str, version: str, architecture: str, region: str) -> str:
    """The id of an image: the same in every process, different in every region."""
    digest = hashlib.sha256(f"{family}/{version}/{architecture}/{region}".encode()).hexdigest()
    return f"ami-{digest[:17]}"


def image_name(family: str, version: str, architecture: str) -> str:
    """The name that AWS gives such an image."""
    if family == "bottlerocket":
        return f"bottlerocket-aws-k8s-{version}-{architecture if architecture != 'arm64' else 'aarch64'}-{RELEASES[family]}"
    return f"amazon-eks-node-al2023-{architecture}-standard-{version}-{RELEASES[family]}"


@cache
def all_images(region: str) -> list[dict[str, Any]]:
    """Every image of a region, as moto's Ami takes it."""
    return [
        {
            "ami_id": image_id(family, version, architecture, region),
            "name": image_name(family, version, architecture),
            "description": f"{family}, Kubernetes {version}, {architecture}",
            "architecture": architecture,
            "owner_id": OWNERS[family],
            "owner_alias": "amazon",
            "public": True,
            "virtualization_type": "hvm",
            "hypervisor": "xen",
            "root_device_type": "ebs",
            "root_device_name": "/dev/xvda",
            "sriov": "simple",
            "creation_date": default_timestamp_parser("2026-10-15T00:00:00.000Z"),
        }
        for family in OWNERS
        for version in VERSIONS
        for architecture in ARCHITECTURES
    ]
