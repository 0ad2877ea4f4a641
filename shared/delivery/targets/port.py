"""The port of targets: what a deployment asks of the place where versions of a project run and share its traffic.

Every call may be repeated: whoever does it again gets the same. A call that changes something carries the fence of its deployment; a target
refuses a fence that is lower than one that it has seen, so that a worker that wakes up late changes nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol


class TargetFailed(Exception):
    """The target did not do what it was asked; the message says why, in words that users may read."""


class FencedOut(TargetFailed):
    """The target has seen a higher fence: the deployment is in other hands."""

    def __init__(self) -> None:
        super().__init__("Another deployment has taken the target over")


@dataclass(frozen=True)
class Release:
    """What is deployed: a build under the id of its deployment, and where it can be had."""

    deployment_id: str
    build_id: str
    version_tag: str
    git_commit_hash: str
    git_branch: str
    docker_image_url: str | None
    repository_url: str | None


@dataclass(frozen=True)
class Placed:
    """How far a new version is. `version` is the target's own name of it, `serving` that of the version that has the traffic now."""

    ready: bool
    version: str
    serving: str | None


@dataclass(frozen=True)
class Figures:
    """What the target measured of one version in the last `seconds`. `p95_ms` is None where there was no request."""

    requests: int
    errors: int
    p95_ms: float | None
    seconds: float

    @property
    def error_rate(self) -> float | None:
        """Return the errors in percent of the requests; None without requests."""
        return round(100 * self.errors / self.requests, 3) if self.requests else None

    @property
    def throughput(self) -> float | None:
        """Return the requests in a second."""
        return round(self.requests / self.seconds, 3) if self.seconds else None

    def stored(self) -> dict[str, Any]:
        return asdict(self)


class Target(Protocol):
    """Every call raises TargetFailed."""

    def deploy(self, release: Release, fence: int) -> Placed:
        """Begin to make a version ready, without traffic, or say how far it is."""

    def set_weights(self, weights: Mapping[str, int], fence: int) -> None:
        """Share the traffic out, in percent by version, all at once. No weights: nothing serves."""

    def health(self, version: str) -> bool:
        """Tell whether a version is healthy."""

    def figures(self, version: str, seconds: int) -> Figures:
        """Return what was measured of a version in the last `seconds`."""

    def remove(self, version: str, fence: int) -> None:
        """Remove a version that has no traffic. One that does not exist is no error."""
