"""What an EKS backend holds, and what every part of a cluster shares."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends

from groundwork_aws import journal
from groundwork_aws.clock import CLOCK
from groundwork_aws.shape import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from groundwork_aws.faults import Fault

Shape = dict[str, Any]


class EksError(ServiceException):
    """An error of EKS, with the members that its shape has."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(code, message)
        for name, value in members.items():
            setattr(self, name, value)


def refuse(condition: object, code: str, message: str, **members: Any) -> None:
    """Raise an error of EKS if the condition holds."""
    if condition:
        raise EksError(f"{code}Exception", message, **members)


def now() -> datetime:
    """The time, as EKS stamps it."""
    return datetime.now(UTC)


@dataclass(eq=False)
class Part:
    """A cluster, or something in one: the shape that AWS shows, and what is kept beside it."""

    shape: Shape
    token: str | None = None
    doom: Fault | None = None
    by_eks: bool = False
    settled: bool = False
    begun: journal.Call | None = None

    @property
    def status(self) -> str:
        """Where it is in its life."""
        return str(self.shape["status"])

    @status.setter
    def status(self, status: str) -> None:
        if self.begun and self.shape.get("status") == "CREATING" != status:
            self.begun.settled = CLOCK.time_of_day()
        self.shape["status"] = status

    def touch(self) -> None:
        """It has been modified."""
        if "modifiedAt" in self.shape:
            self.shape["modifiedAt"] = now()


@dataclass(eq=False)
class Update(Part):
    """An update of a cluster, a node group or an addon."""

    target: tuple[str, str] = ("", "")


@dataclass(eq=False)
class Nodegroup(Part):
    """A managed node group."""

    launch_template: str = ""
    group: str = ""
    profile: str = ""
    image: str = ""
    stuck: bool = False
    instance_data: Shape = field(default_factory=dict)


@dataclass(eq=False)
class Cluster(Part):
    """A cluster and all that is in it."""

    account: str = ""
    region: str = ""
    creator: str = ""
    bootstrap_addons: bool = True
    due: bool = False
    reported: Shape = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)
    fargate: list[str] = field(default_factory=list)
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)
    profiles: dict[str, Part] = field(default_factory=dict)
    addons: dict[str, Part] = field(default_factory=dict)
    entries: dict[str, Part] = field(default_factory=dict)
    policies: dict[str, dict[str, Shape]] = field(default_factory=dict)
    identities: dict[str, Part] = field(default_factory=dict)
    providers: dict[str, Part] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.shape["name"])

    def parts(self) -> Iterator[tuple[str, str, Part]]:
        """Everything in it: kind, name, part."""
        for kind, held in (
            ("nodegroup", self.nodegroups),
            ("fargate-profile", self.profiles),
            ("addon", self.addons),
            ("access-entry", self.entries),
            ("pod-identity-association", self.identities),
            ("identity-provider-config", self.providers),
        ):
            for name, part in list(held.items()):
                yield kind, name, part


class EKSBackend(BaseBackend):
    """EKS in one account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.clusters: dict[str, Cluster] = {}

    @property
    def _url_module(self) -> Any:
        from groundwork_aws import eks

        return eks

    def resources(self) -> Iterator[tuple[str, str, Callable[[], Shape], bool]]:
        """For the dump."""
        for name, cluster in list(self.clusters.items()):
            yield "cluster", name, partial(_plain, cluster), False
            for kind, part_name, part in cluster.parts():
                yield kind, f"{name}/{part_name}", partial(_plain, part), False


def _plain(part: Part) -> Shape:
    return dict(plain(part.shape))


class Operations(BaseResponse):
    """What the operations on all parts share."""

    params: Shape

    def __init__(self) -> None:
        super().__init__(service_name="eks")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> EKSBackend:
        """EKS for the caller."""
        return eks_backends[self.current_account][self.region]

    @property
    def ec2(self) -> Any:
        """EC2 for the caller."""
        return ec2_backends[self.current_account][self.region]

    def arn(self, kind: str, *rest: str) -> str:
        """The ARN of something in EKS."""
        return f"arn:{self.partition}:eks:{self.region}:{self.current_account}:{kind}/" + "/".join(rest)

    def cluster(self, name: str | None = None) -> Cluster:
        """The cluster that the call is about."""
        name = name or self.params.get("clusterName") or self.params.get("name") or ""
        refuse(
            name not in self.backend.clusters,
            "ResourceNotFound",
            f"No cluster found for name: {name}.",
            clusterName=name,
        )
        return self.backend.clusters[name]

    def live_cluster(self, *, also_updating: bool = True) -> Cluster:
        """The cluster, if it can be worked on."""
        cluster = self.cluster()
        fine = ("ACTIVE", "UPDATING") if also_updating else ("ACTIVE",)
        refuse(
            cluster.status not in fine,
            "InvalidRequest",
            f"Cluster '{cluster.name}' is not in ACTIVE status",
            clusterName=cluster.name,
        )
        return cluster

    def make(self, part: Part, kind: str, end: Callable[[], object]) -> None:
        """Let a part be CREATING for a while; the journal tells when that is over."""
        names = (part.shape.get(member) for member in ("clusterName", "nodegroupName", "fargateProfileName", "addonName", "name"))
        part.begun = journal.begins("/".join(name for name in names if name))
        self.begin(part, "CREATING", kind, end)

    def begin(self, part: Part, status: str, kind: str, end: Callable[[], object]) -> None:
        """Let a part be in a transitional state for a while; what is told from outside is heard after that."""
        part.status = status
        part.doom = journal.doom()
        part.settled = False

        def settle() -> None:
            part.settled = True
            end()

        CLOCK.after(kind, settle)

    def page(self, result: str, items: list[Any]) -> ActionResult:
        """One page of a list."""
        start = int(self.params.get("nextToken") or 0)
        end = start + int(self.params.get("maxResults") or 100)
        return ActionResult({result: items[start:end], "nextToken": str(end) if end < len(items) else None})

    def start_update(
        self,
        cluster: Cluster,
        kind: str,
        params: Shape,
        apply: Callable[[], object],
        *,
        of: tuple[str, str] = ("", ""),
        part: Part | None = None,
        takes: str = "cluster-update",
        failed: str = "ACTIVE",
    ) -> ActionResult:
        """Start an update ("DescribeUpdate"): its target is UPDATING until it has been applied, or has `failed`."""
        target = part or cluster
        update = Update(
            {
                "id": str(uuid.uuid4()),
                "status": "InProgress",
                "type": kind,
                "params": [{"type": name, "value": value} for name, value in params.items()],
                "createdAt": now(),
                "errors": [],
            },
            token=self.params.get("clientRequestToken"),
            doom=journal.doom(),
            target=of,
        )
        cluster.updates[update.shape["id"]] = update
        target.status = "UPDATING"

        def end() -> None:
            if update.status != "InProgress" or target.status == "DELETING":
                return
            if doom := update.doom:
                error = {"errorCode": doom.code or "Unknown", "errorMessage": doom.message or "it failed on purpose"}
                update.shape |= {"status": "Failed", "errors": [error | {"resourceIds": [cluster.name]}]}
            else:
                apply()
                update.status = "Successful"
            if target.status == "UPDATING":
                target.status = failed if update.doom else "ACTIVE"
            target.touch()

        CLOCK.after(takes, end)
        return ActionResult({"update": dict(update.shape)})

    def repeated(self, part: Part | None) -> bool:
        """Whether the call repeats the one that made this part (its clientRequestToken)."""
        token = self.params.get("clientRequestToken")
        return part is not None and token is not None and part.token == token

    def begun(self, cluster: Cluster) -> ActionResult | None:
        """The update that the call began when it was made before (its clientRequestToken)."""
        token = self.params.get("clientRequestToken")
        updates = [update for update in cluster.updates.values() if token is not None and update.token == token]
        return ActionResult({"update": dict(updates[0].shape)}) if updates else None
