"""The rows of deployments and of environments.

An environment's row is the lease: it names the deployment that works in it, with a fence that rises with each taking-up, for all
deployments of the environment. A deployment's row is what became of it.
"""

from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.delivery.targets.port import Figures
from shared.events import EventType, record
from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute
from shared.work.items.tracing import DEPLOYMENT, INDEX, link_at, newest_first

OPEN: Final = ("pending", "in_progress", "rolling_back")
"""The statuses of a deployment that holds its environment."""
OPEN_DEPLOYMENTS: Final = "DPLS#OPEN"
"""The list of the deployments that are not over, in index 4: one for each environment at most, and only while it is deployed to."""
SETTINGS: Final[dict[str, Any]] = {"window_seconds": 60, "minimum_requests": 50}
"""How long the gate looks at each step, and the requests without which it decides nothing: our choice."""


class Environment(Entity):
    KIND = "ENV"
    NAME = "environment"

    name = UnicodeAttribute()  # dev | staging | production
    target = JSONAttribute(default=dict)
    """`{kind, ...}`, what its kind needs to be reached."""
    analysis = JSONAttribute(default=dict)
    secret_number = NumberAttribute(default=1)
    """Which of the secrets of its deploy hook is in force."""
    current_id = UnicodeAttribute(null=True)
    """The deployment that has the traffic."""
    latest_id = UnicodeAttribute(null=True)
    """The last deployment that held the environment: only that one can be rolled back."""
    deployment_id = UnicodeAttribute(null=True)
    """The deployment that holds the environment now."""
    launch = NumberAttribute(default=0)
    """The execution that works on it, counted from 1: an earlier one cannot take the environment up."""
    fence = NumberAttribute(default=0)
    lease_until = NumberAttribute(default=0)

    @staticmethod
    def id_of(project_id: str, name: str) -> str:
        return f"{project_id}#{name}"

    @property
    def leased(self) -> bool:
        return bool(self.deployment_id) and int(self.lease_until) > clock.epoch()

    @property
    def window(self) -> int:
        return int((SETTINGS | (self.analysis or {}))["window_seconds"])

    @property
    def minimum(self) -> int:
        return int((SETTINGS | (self.analysis or {}))["minimum_requests"])

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"PROJ#{self.proj_id}#ENV", self.name)}


class Deployment(Entity):
    KIND = "DPL"
    NAME = "deployment"

    build_id = UnicodeAttribute()
    requirement_id = UnicodeAttribute(null=True)
    """The card above its feature."""
    operation_id = UnicodeAttribute(null=True)
    """The operation that builds and deploys; None: the build was there before."""
    item_id = UnicodeAttribute()
    """Its feature."""
    environment = UnicodeAttribute()
    strategy = UnicodeAttribute()
    canary_percentage = NumberAttribute(null=True)
    approval_notes = UnicodeAttribute(null=True)
    status = UnicodeAttribute()  # pending | in_progress | success | failed | rolling_back | rolled_back
    phase = UnicodeAttribute()  # build | start | place | shift | observe | finish | rollback: what is done next
    shares = JSONAttribute()
    """The steps of the new version's share, in percent, from 0 to 100."""
    step = NumberAttribute(default=0)
    """The step that is taken or looked at. From step 1 on the new version may have traffic."""
    windows = NumberAttribute(default=0)
    """For how many windows this step was looked at."""
    unhealthy = NumberAttribute(default=0)
    """Health checks in a row that failed."""
    new_version = UnicodeAttribute(null=True)
    """The target's name of the new version, and of the one before it."""
    previous_version = UnicodeAttribute(null=True)
    previous_id = UnicodeAttribute(null=True)
    """The deployment that had the traffic before."""
    health = UnicodeAttribute(null=True)  # healthy | unhealthy
    figures = JSONAttribute(null=True)
    """What was measured of the new version last."""
    baseline = JSONAttribute(null=True)
    """What was measured of the version before it, while that had the traffic."""
    note = UnicodeAttribute(null=True)
    """Why the last step was taken as it was."""
    failure = UnicodeAttribute(null=True)
    """Why it failed, or why its rollback did."""
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    rollback_reason = UnicodeAttribute(null=True)
    rolled_back_at = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    @property
    def environment_id(self) -> str:
        return Environment.id_of(str(self.proj_id), self.environment)

    @property
    def awaits_build(self) -> bool:
        """Tell whether its build is not there yet: it does not hold its environment, and its operation begins it."""
        return bool(self.phase == "build")

    @property
    def share(self) -> int:
        """Return the share of the new version that its step gives it, in percent."""
        return int(self.shares[int(self.step)])

    @property
    def shifted(self) -> bool:
        """Tell whether the new version may have had traffic."""
        return int(self.step) > 0

    @property
    def measured(self) -> Figures | None:
        return Figures(**self.figures) if self.figures else None

    @property
    def measured_before(self) -> Figures | None:
        return Figures(**self.baseline) if self.baseline else None

    def indexes(self) -> dict[int, tuple[str, str]]:
        made_at = int(clock.parse(self.created_at).timestamp() * 1000)
        places = {
            1: (f"BLD#{self.build_id}#DPL", f"{self.created_at}#{self.id}"),
            INDEX: link_at(self.proj_id, self.requirement_id or self.item_id, DEPLOYMENT, f"{newest_first(made_at)}#{self.id}"),
        }
        if self.status == "success":
            places[3] = (f"ENV#{self.environment_id}", f"{self.created_at}#{self.id}")
        if self.status in OPEN and not self.awaits_build:
            places[4] = (OPEN_DEPLOYMENTS, f"{self.created_at}#{self.id}")
        return places

    def filters(self) -> dict[str, Any]:
        return {"environment": self.environment, "feature": self.item_id, "build": self.build_id}


def record_end(deployment: Deployment, actor: Actor) -> None:
    """Set the event that a deployment has ended, with its status."""
    record(
        deployment,
        EventType.DEPLOYMENT_COMPLETED,
        actor,
        item_id=deployment.item_id,
        environment=deployment.environment,
        status=deployment.status,
    )
