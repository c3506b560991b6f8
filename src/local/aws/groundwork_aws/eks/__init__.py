"""EKS, whole: moto has 15 of its operations, and all of them answer at once."""

from __future__ import annotations

from moto.eks.models import eks_backends
from moto.eks.urls import url_bases

from groundwork_aws.eks.addons import Addons
from groundwork_aws.eks.clusters import Clusters
from groundwork_aws.eks.fargate import FargateProfiles
from groundwork_aws.eks.nodegroups import Nodegroups
from groundwork_aws.eks.parts import EKSBackend


class EKS(Clusters, Nodegroups, FargateProfiles, Addons):
    """Every operation of EKS that Groundwork knows."""


# One path for all: botocore's model knows which operation a method and a path mean.
url_paths = {"{0}/.*": EKS.dispatch}


def register() -> None:
    """Let moto use this EKS."""
    eks_backends.backend = EKSBackend


__all__ = ["EKS", "EKSBackend", "register", "url_bases", "url_paths"]
