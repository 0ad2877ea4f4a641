"""What happens after an event: one module for each reaction.

A reaction is a function of a `Change` and one entry in REACTIONS. It must be idempotent by the event's id: the stream delivers an event
at least once, and may be replayed as a whole. One that fails does not keep the others from their work: the record is tried again, in
its entity's order, and set aside (dead letters) when it never succeeds.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from shared.events.change import Change, change_in

Reaction = Callable[[Change], None]

REACTIONS = (
    "shared.edge.reactions.activity",  # the event's row, and the numbers counted with it
    "shared.edge.reactions.workspaces",  # when something last happened there
    "shared.edge.reactions.files",  # what no attachment names any more
    "shared.edge.reactions.triggers",  # agents that start by themselves
    "shared.edge.reactions.progress",  # cards that go on by themselves: one that an agent was given stays until the run has ended
    "shared.edge.reactions.usage",  # limits that change, letters about a month that is used up
    "shared.edge.reactions.billing_mails",  # letters to who pays for a workspace
    "shared.edge.reactions.account_mails",  # letters to a person about their own account
    "shared.edge.reactions.sockets",  # sockets
    "shared.edge.reactions.members",  # members under their present names, and their sockets when they leave
    "shared.edge.reactions.cascade",  # what goes with a deleted workspace
)
"""Modules with a function `react(change)`, in this order."""

__all__ = ["REACTIONS", "Change", "Reaction", "change_in", "react"]


@cache
def reactions() -> tuple[Reaction, ...]:
    return tuple(import_module(name).react for name in REACTIONS if find_spec(name))


def react(change: Change) -> None:
    """All reactions to a change. Raises an ExceptionGroup of what failed, after all had their turn."""
    failures: list[Exception] = []
    for reaction in reactions():
        try:
            reaction(change)
        except Exception as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"reactions to {change.event.type} failed", failures)
