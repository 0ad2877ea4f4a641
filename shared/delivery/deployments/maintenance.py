"""The scheduled job `deployments`: deployments whose execution is gone go on in another one, where their rows are."""

from functools import partial
from typing import Final

from shared.delivery.deployments import steps
from shared.delivery.deployments.lease import LeaseLost, relaunch
from shared.delivery.deployments.machine import start_execution
from shared.delivery.deployments.rows import OPEN_DEPLOYMENTS, Deployment, Environment
from shared.store import fetch, fetch_indexed, iterate, process_all, write

MAX_LAUNCHES: Final = 5
"""Executions after which a deployment is rolled back, and after as many again its rollback is given up: so many losses are no accident."""
_PAGE = 100


def resume_deployments(until: float) -> int:
    """Start an execution for every deployment whose lease is over; return how many. Stops at `until` (`time.monotonic`)."""
    read = partial(fetch_indexed, Deployment)
    rows = iterate(Deployment, OPEN_DEPLOYMENTS, until=until, index=4, limit=_PAGE, read=read)
    return process_all(OPEN_DEPLOYMENTS, rows, _resume, lambda one: f"{Deployment.NAME} {one.id}")


def _resume(deployment: Deployment) -> int:
    environment = fetch(Environment, deployment.environment_id)
    if environment is None or environment.deployment_id != deployment.id or environment.leased:
        return 0
    launch = int(environment.launch)
    if launch % MAX_LAUNCHES == 0:
        after = steps.fail(deployment.id, environment.id, launch, "It was interrupted again and again")
        environment = fetch(Environment, environment.id) or environment
        if after["next"] == steps.ENDED:
            return 1
    try:
        write(relaunch(environment, deployment))
    except LeaseLost:  # somebody else was faster
        return 0
    start_execution(deployment.id, environment.id, launch + 1)
    return 1
