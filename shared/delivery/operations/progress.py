"""How far an operation is: its build by its phases, and by how long they took in the project's last build that succeeded; its deployment
by its steps, and by how long each is looked at."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.core import clock
from shared.delivery.building.runner import PHASES, BuildState
from shared.delivery.deployments.rows import Deployment

BUILT: Final = 95
"""Percent when everything is built and only the results have to be collected."""
DEPLOYED: Final = 99
STEPS: Final = {
    "QUEUED": "Waiting for a free place...",
    "DOWNLOAD_SOURCE": "Downloading the source...",
    "INSTALL": "Installing...",
    "PRE_BUILD": "Preparing the build...",
    "BUILD": "Building...",
    "POST_BUILD": "Finishing the build...",
    "UPLOAD_ARTIFACTS": "Storing artifacts...",
}


@dataclass(frozen=True)
class Where:
    """How far something is; None: not known, or not to be said any more."""

    percent: int
    step: str | None = None
    seconds_left: int | None = None


def progress(state: BuildState, earlier: Mapping[str, float] | None, after: int = 0) -> tuple[int, int | None]:
    """Return the percent that are done and the seconds that are left; `after` the build come so many seconds of its deployment.

    With an earlier build: its seconds of the phases that are over, and of the current phase as many as it has run, but not more than it
    took then. Without one each phase counts the same, and nobody knows what is left.
    """
    place = PHASES.index(state.phase)
    total = sum((earlier or {}).values())
    if not earlier or total <= 0:
        return BUILT * place // len(PHASES) // (2 if after else 1), None
    done = sum(earlier.get(phase, 0.0) for phase in PHASES[:place])
    done += min(state.in_phase, earlier.get(state.phase, 0.0))
    return math.floor(BUILT * done / (total + after)), math.ceil(total - done + after)


def built(took: Mapping[str, float], after: int) -> int:
    """Return the percent that are done when the build is: of the seconds that it took, and of those of the deployment `after` it."""
    total = sum(took.values())
    return math.floor(BUILT * total / (total + after)) if after else BUILT


def reached(deployment: Deployment, before: int) -> int:
    """Return the percent that an operation has reached by the steps of its deployment; `before` were done when that began."""
    return before + (DEPLOYED - before) * int(deployment.step) // len(deployment.shares)


def deploying(deployment: Deployment, window: int, before: int) -> Where:
    """Return how far an operation is whose deployment goes on: of what was left `before`, as much as it has taken of its steps."""
    shares, step, percent = deployment.shares, int(deployment.step), reached(deployment, before)
    if deployment.status == "rolling_back":
        return Where(percent, "Taking the traffic back...")
    if deployment.phase in ("start", "place"):
        return Where(percent, "Making the new version ready...", window * sum(share > 0 for share in shares))
    left = window * (len(shares) - step - 1)
    if deployment.phase == "shift":
        left += window
    elif deployment.phase == "observe" and deployment.share:
        since = (clock.now() - clock.parse(deployment.updated_at)).total_seconds()
        left += max(0, round(window - since))
    return Where(percent, f"Looking at the new version with {deployment.share} % of the traffic...", left)
