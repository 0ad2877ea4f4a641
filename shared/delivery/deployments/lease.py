"""The lease of an environment: one deployment at a time works in it, by one execution; the fence rises whenever it is taken up."""

from typing import Final

from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.delivery.deployments.rows import Deployment, Environment
from shared.store import Operation, check, update, update_now

LEASE: Final = 180
"""Seconds from one step to the next, beside what the machine waits between them: a step may be tried again for two minutes."""
PENDING_LEASE: Final = 60
"""Seconds until an execution takes a deployment up, or a request ends the rollback that it began."""


class LeaseLost(ConditionFailed):
    """The deployment is over, or another execution works on it: the caller must not write any more."""

    def __init__(self) -> None:
        super().__init__("The deployment is over or in other hands")


def acquire(environment_id: str, deployment_id: str, launch: int, seconds: int = LEASE) -> Environment:
    """Take the environment up for a step: raise the fence and return the environment. One round trip. Raises LeaseLost."""
    actions = [Environment.fence.add(1), Environment.version.add(1), Environment.lease_until.set(clock.epoch() + seconds)]
    is_ours = (Environment.deployment_id == deployment_id) & (Environment.launch == launch)
    return Environment.decode(update_now(_row(environment_id), actions, is_ours, LeaseLost()))


def hold(environment: Environment, wait: int = 0) -> Operation:
    """Return the condition of every write of a deployment's work: its fence is the last one. The lease lasts for what is waited now."""
    if not wait:
        return check(_row(environment.id), Environment.fence == environment.fence, LeaseLost())
    until = Environment.lease_until.set(clock.epoch() + wait + LEASE)
    return update(_row(environment.id), [until], Environment.fence == environment.fence, LeaseLost())


def release(environment: Environment, current_id: str | None) -> Operation:
    """Return the end of a deployment's work, which says what has the traffic now."""
    actions = [
        Environment.deployment_id.remove(),
        Environment.version.add(1),
        Environment.current_id.set(current_id) if current_id else Environment.current_id.remove(),
    ]
    return update(_row(environment.id), actions, Environment.fence == environment.fence, LeaseLost())


def relaunch(environment: Environment, deployment: Deployment) -> Operation:
    """Return the write that gives a deployment whose execution is gone to the next one."""
    actions = [
        Environment.launch.add(1),
        Environment.fence.add(1),
        Environment.version.add(1),
        Environment.lease_until.set(clock.epoch() + PENDING_LEASE),
    ]
    unchanged = (Environment.deployment_id == deployment.id) & (Environment.fence == environment.fence)
    return update(_row(environment.id), actions, unchanged, LeaseLost())


def _row(environment_id: str) -> Environment:
    return Environment(*Environment.key(environment_id))
