"""What follows from an event: one module per reaction.

A reaction is a function of a `Change` and an entry in REACTIONS. It must be idempotent by the event's id: the stream delivers an
event at least once and may be replayed as a whole. If one fails, the others still run; the record is then retried, in its
entity's order, and goes to the dead letters if it never succeeds.
"""

from collections.abc import Callable
from typing import Final

from shared.edge.reactions import (
    account_mails,
    activity,
    alerts,
    billing_mails,
    builds,
    cascade,
    collaborations,
    deployments,
    files,
    issues,
    live_agents,
    members,
    notifications,
    oversight,
    progress,
    runs,
    sandbox_messages,
    sandbox_sockets,
    sandboxes,
    search,
    sockets,
    tasks,
    triggers,
    usage,
    webhooks,
    workspaces,
)
from shared.events.change import Change, parse_change

Reaction = Callable[[Change], None]

REACTIONS: Final[tuple[Reaction, ...]] = (
    activity.react,  # write the event's activity row and the project's counters
    workspaces.react,  # note the time of the last activity
    files.react,  # delete files of removed attachments
    deployments.react,  # start requested deployments
    sandboxes.react,  # start and stop the machines of sandboxes
    sandbox_messages.react,  # wake the worker that delivers messages between sandboxes
    collaborations.react,  # move on what sandboxes do together
    runs.react,  # stop the agents of deleted cards and archived projects
    tasks.react,  # let tasks begin that waited; stop the run of a task that was taken from it
    builds.react,  # start requested builds
    triggers.react,  # start agents automatically
    live_agents.react,  # bring live agents and tasks together
    oversight.react,  # note what the guardian has stopped, review what was submitted
    progress.react,  # move cards automatically; a card with a running agent stays until the run has ended
    usage.react,  # apply changed limits, mail usage alerts
    search.react,  # keep the index of words
    billing_mails.react,  # mail those who pay for a workspace
    account_mails.react,  # mail users about their account
    alerts.react,  # trigger alerts and resolve them, mail those who look after a workspace
    notifications.react,  # fill the inboxes of people
    issues.react,  # tell GitHub of cards that are kept in step with an issue
    sockets.react,  # publish to sockets
    sandbox_sockets.react,  # publish to the sockets of sandboxes and collaborations
    webhooks.react,  # queue deliveries to webhooks, mail the owner of one that was switched off
    members.react,  # update members' names, disconnect removed members
    cascade.react,  # clear a deleted workspace
)
"""In this order: data is written before listeners are notified, and an agent starts before its card moves on."""

__all__ = ["REACTIONS", "Change", "Reaction", "parse_change", "react"]


def react(change: Change) -> None:
    """Run all reactions to a change. Raises an ExceptionGroup of the failures after all have run."""
    failures: list[Exception] = []
    for reaction in REACTIONS:
        try:
            reaction(change)
        except Exception as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"reactions to {change.event.type} failed", failures)
