"""How far a build is: from its phases, and from how long they took in the project's last build that succeeded."""

import math
from collections.abc import Mapping
from typing import Final

from shared.delivery.building.runner import PHASES, BuildState

BUILT: Final = 95
"""Percent when everything is built and only the results have to be collected."""
STEPS: Final = {
    "QUEUED": "Waiting for a free place...",
    "DOWNLOAD_SOURCE": "Downloading the source...",
    "INSTALL": "Installing...",
    "PRE_BUILD": "Preparing the build...",
    "BUILD": "Building...",
    "POST_BUILD": "Finishing the build...",
    "UPLOAD_ARTIFACTS": "Storing artifacts...",
}


def progress(state: BuildState, earlier: Mapping[str, float] | None) -> tuple[int, int | None]:
    """Return the percent that are done and the seconds that are left.

    With an earlier build: its seconds of the phases that are over, and of the current phase as many as it has run, but not more than it
    took then. Without one each phase counts the same, and nobody knows what is left.
    """
    place = PHASES.index(state.phase)
    total = sum((earlier or {}).values())
    if not earlier or total <= 0:
        return BUILT * place // len(PHASES), None
    done = sum(earlier.get(phase, 0.0) for phase in PHASES[:place])
    done += min(state.in_phase, earlier.get(state.phase, 0.0))
    return math.floor(BUILT * done / total), math.ceil(total - done)
