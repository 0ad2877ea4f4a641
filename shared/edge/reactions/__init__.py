"""What happens after an event: one module for each reaction.

A reaction is a function of a `Change` and one entry in REACTIONS. It must be idempotent by the event's id: the stream delivers an event
at least once, and may be replayed as a whole. One that fails does not keep the others from their work: the record is tried again, in
its entity's order, and set aside (dead letters) when it never succeeds.
"""

from collections.abc import Callable
from typing import Final

from shared.edge.reactions import (
    account_mails,
    activity,
    billing_mails,
    cascade,
    files,
    members,
    progress,
    sockets,
    triggers,
    usage,
    workspaces,
)
from shared.events.change import Change, parse_change

Reaction = Callable[[Change], None]

REACTIONS: Final[tuple[Reaction, ...]] = (
    activity.react,  # the event's row, and the numbers counted with it
    workspaces.react,  # when something last happened there
    files.react,  # what no attachment names any more
    triggers.react,  # agents that start by themselves
    progress.react,  # cards that go on by themselves: one that an agent was given stays until the run has ended
    usage.react,  # limits that change, letters about a month that is used up
    billing_mails.react,  # letters to who pays for a workspace
    account_mails.react,  # letters to a person about their own account
    sockets.react,  # whoever listens
    members.react,  # members under their present names, and their sockets when they leave
    cascade.react,  # what goes with a deleted workspace
)
"""In this order: what somebody can ask for is written before anybody is told, and an agent starts before its card goes on."""

__all__ = ["REACTIONS", "Change", "Reaction", "parse_change", "react"]


def react(change: Change) -> None:
    """All reactions to a change. Raises an ExceptionGroup of what failed, after all had their turn."""
    failures: list[Exception] = []
    for reaction in REACTIONS:
        try:
            reaction(change)
        except Exception as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"reactions to {change.event.type} failed", failures)
