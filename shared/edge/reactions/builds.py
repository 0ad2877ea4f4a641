"""Start the state machine of a requested build."""

from shared.delivery.operations import machine
from shared.events import EventType
from shared.events.change import Change


def react(change: Change) -> None:
    if change.event.type is EventType.BUILD_REQUESTED:
        machine.start(change.id)
