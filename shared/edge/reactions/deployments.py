"""Start the state machine of a deployment that was requested, and end the operation of one that has ended."""

from shared.delivery.deployments.machine import start_execution
from shared.delivery.deployments.rows import Deployment
from shared.delivery.operations.steps import finish
from shared.events import EventType
from shared.events.change import Change


def react(change: Change) -> None:
    if change.event.type is EventType.DEPLOYMENT_REQUESTED:
        start_execution(change.id, change.after(Deployment).environment_id, 1)
    elif change.event.type is EventType.DEPLOYMENT_COMPLETED:
        finish(change.after(Deployment))
