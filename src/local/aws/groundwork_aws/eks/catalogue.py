"""What EKS offers: Kubernetes versions, addons, access policies. Data with a date; tests rely on its shape, not its content."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

# Release, end of standard support, end of extended support ("Kubernetes release calendar"), as of 2026-11.
VERSIONS: dict[str, tuple[str, str, str]] = {
    "1.36": ("2026-06-02", "2027-08-02", "2028-08-02"),
    "1.35": ("2026-01-27", "2027-03-27", "2028-03-27"),
    "1.34": ("2025-10-02", "2026-12-02", "2027-12-02"),
    "1.33": ("2025-05-29", "2026-07-29", "2027-07-29"),
    "1.32": ("2025-01-23", "2026-03-23", "2027-03-23"),
    "1.31": ("2024-09-26", "2025-11-26", "2026-11-26"),
    "1.30": ("2024-05-23", "2025-07-23", "2026-07-23"),
}
AS_OF = "2026-11-15"
DEFAULT_VERSION = "1.35"
PLATFORM_VERSION = "eks.12"
# Zones in which EKS runs no control plane ("Amazon EKS networking requirements: subnet requirements").
REFUSED_ZONE_IDS = ("use1-az3", "usw1-az2", "cac1-az3")

ACCESS_POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
)
SELF_MANAGED = ("vpc-cni", "coredns", "kube-proxy")

_RESOURCES = {"type": "object"}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "coredns": {
        "affinity": {"type": "object"},
        "autoScaling": {"type": "object"},
        "computeType": {"type": "string"},
        "corefile": {"type": "string"},
        "nodeSelector": {"type": "object"},
        "podAnnotations": {"type": "object"},
        "podDisruptionBudget": {"type": "object"},
        "podLabels": {"type": "object"},
        "replicaCount": {"type": "integer"},
        "resources": _RESOURCES,
        "tolerations": {"type": "array"},
        "topologySpreadConstraints": {"type": "array"},
    },
    "eks-pod-identity-agent": {
        "agent": {"type": "object"},
        "affinity": {"type": "object"},
        "podAnnotations": {"type": "object"},
        "resources": _RESOURCES,
        "tolerations": {"type": "array"},
    },
    "kube-proxy": {"ipvs": {"type": "object"}, "mode": {"type": "string"}, "resources": _RESOURCES},
    "vpc-cni": {
        "enableNetworkPolicy": {"type": "string"},
        "env": {"type": "object"},
        "eniConfig": {"type": "object"},
        "init": {"type": "object"},
        "nodeAgent": {"type": "object"},
        "resources": _RESOURCES,
        "tolerations": {"type": "array"},
    },
}
_KINDS = {
    "vpc-cni": "networking",
    "coredns": "networking",
    "kube-proxy": "networking",
    "eks-pod-identity-agent": "security",
    "aws-ebs-csi-driver": "storage",
    "aws-efs-csi-driver": "storage",
    "metrics-server": "observability",
    "amazon-cloudwatch-observability": "observability",
}


def support(version: str) -> str:
    """The support that a version has: STANDARD_SUPPORT, EXTENDED_SUPPORT or UNSUPPORTED."""
    _, standard, extended = VERSIONS[version]
    if standard > AS_OF:
        return "STANDARD_SUPPORT"
    return "EXTENDED_SUPPORT" if extended > AS_OF else "UNSUPPORTED"


def supported(version: str) -> bool:
    """Whether a cluster can be created with a version."""
    return version in VERSIONS and support(version) != "UNSUPPORTED"


def minor(version: str) -> int:
    """1.35 → 35."""
    return int(version.partition(".")[2])


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cluster_versions() -> list[dict[str, Any]]:
    """Every version as DescribeClusterVersions shows it."""
    return [
        {
            "clusterVersion": version,
            "clusterType": "eks",
            "defaultPlatformVersion": PLATFORM_VERSION,
            "defaultVersion": version == DEFAULT_VERSION,
            "releaseDate": _day(release),
            "endOfStandardSupportDate": _day(standard),
            "endOfExtendedSupportDate": _day(extended),
            "status": support(version).lower().replace("_", "-"),
            "versionStatus": support(version),
            "kubernetesPatchVersion": f"{version}.4",
        }
        for version, (release, standard, extended) in VERSIONS.items()
    ]


def addon_versions(addon: str, version: str) -> list[str]:
    """The versions of an addon for a version of Kubernetes, the newest first; the second is the default."""
    number = minor(version)
    return {
        "kube-proxy": [f"v{version}.4-eksbuild.3", f"v{version}.0-eksbuild.2"],
        "coredns": [f"v1.{number - 22}.4-eksbuild.2", f"v1.{number - 22}.1-eksbuild.1"],
        "vpc-cni": ["v1.21.1-eksbuild.1", "v1.20.4-eksbuild.2"],
        "eks-pod-identity-agent": ["v1.3.10-eksbuild.2", "v1.3.9-eksbuild.1"],
        "aws-ebs-csi-driver": ["v1.54.0-eksbuild.1", "v1.53.0-eksbuild.1"],
        "aws-efs-csi-driver": ["v2.1.13-eksbuild.1", "v2.1.11-eksbuild.1"],
        "metrics-server": ["v0.8.0-eksbuild.3", "v0.8.0-eksbuild.1"],
        "amazon-cloudwatch-observability": ["v4.7.0-eksbuild.1", "v4.5.0-eksbuild.1"],
    }[addon]


def addons() -> dict[str, str]:
    """Every addon and its type."""
    return _KINDS


def addon_infos() -> list[dict[str, Any]]:
    """Every addon as DescribeAddonVersions shows it."""
    infos = []
    for addon, kind in _KINDS.items():
        offered: dict[str, list[dict[str, Any]]] = {}
        for version in filter(supported, VERSIONS):
            for index, addon_version in enumerate(addon_versions(addon, version)):
                compatibility = {"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": index == 1}
                offered.setdefault(addon_version, []).append(compatibility)
        infos.append(
            {
                "addonName": addon,
                "type": kind,
                "publisher": "eks",
                "owner": "aws",
                "defaultNamespace": "kube-system",
                "addonVersions": [
                    {
                        "addonVersion": addon_version,
                        "architecture": ["amd64", "arm64"],
                        "computeTypes": ["ec2", "fargate"] if addon in ("coredns", "metrics-server") else ["ec2"],
                        "compatibilities": compatibilities,
                        "requiresConfiguration": False,
                        "requiresIamPermissions": addon in ("vpc-cni", "aws-ebs-csi-driver", "aws-efs-csi-driver"),
                    }
                    for addon_version, compatibilities in offered.items()
                ],
            }
        )
    return infos


def schema(addon: str) -> str:
    """The schema of an addon's configuration."""
    return json.dumps(
        {
            "$schema": "http://json-schema.org/draft-06/schema#",
            "type": "object",
            "additionalProperties": False,
            "properties": _SCHEMAS.get(addon, {"resources": _RESOURCES, "tolerations": {"type": "array"}}),
        }
    )
