"""Taking a card from phase to phase: by the rules, back to be reworked, or on as soon as the gate holds."""

import contextlib
from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.core.errors import TransitionRefused
from shared.core.wording import Wording
from shared.planning.phases.gates import Gate, GateReader, TaskAdded
from shared.planning.phases.rules import (
    BLOCKED,
    Target,
    following_phase,
    phase_named,
    phase_of,
    target_of,
)
from shared.store import load, stale, transaction_guard
from shared.work.boards.rows import Lane
from shared.work.items.moving import move_to_phase
from shared.work.items.pending import refuse_unapproved
from shared.work.items.rows import Item
from shared.work.items.updating import change_item

_LOOKS = 6  # times that a gate is read while others add tasks
REWORK = {"PHASE_TESTING": "PHASE_IMPLEMENTATION"}
"""Where a phase sends a card back to."""


def transition(actor: Actor, item_id: str, word: str, reason: str | None = None, *, force: bool = False) -> Item:
    """Move a card to the lane of a phase or a status (`rules`), unless it is there already.

    `force` skips the rule of transitions, but neither limits nor an approval that is still needed.

    Three round trips at most. Raises NotFound, Forbidden, Invalid (an unknown word), TransitionRefused (what is allowed is in its details),
    Conflict (archived).
    """
    item = load(Item, item_id, actor, Permission.CARD_EDIT)

    def rule(card: Item, _: Lane | None = None) -> None:
        target_of(card, word, force=force)
        refuse_unapproved(card)

    target = target_of(item, word, force=force)
    if target.phase_id == BLOCKED or target.status:
        return _change_status(actor, item, target, reason, word, force=force)
    if target.phase_id == phase_of(item):
        return item
    refuse_unapproved(item)
    return move_to_phase(actor, item, str(target.phase_id), reason, rule=rule)


def _change_status(actor: Actor, item: Item, target: Target, reason: str | None, word: str, *, force: bool) -> Item:
    def decide(card: Item) -> dict[str, str]:
        target_of(card, word, force=force)
        if target.phase_id == BLOCKED:
            return {"status": "blocked", "blocked_reason": reason or card.blocked_reason or "Moved to PHASE_BLOCKED"}
        refuse_unapproved(card)
        return {"status": "unblocked" if card.is_blocked else str(target.status)}

    return change_item(lambda: load(Item, item.id, actor, Permission.CARD_EDIT), actor, decide, first=item)


def send_back(actor: Actor, item_id: str, word: str | None, feedback: str | None) -> Item:
    """Send a card back to the phase before, which gets the feedback as the reason of the move. Three round trips.

    Raises as `transition` does, and TransitionRefused if the card's phase sends nothing back, or not there.
    """
    item = load(Item, item_id, actor, Permission.CARD_EDIT)

    def rule(card: Item, _: Lane | None = None) -> None:
        back = REWORK.get(phase_of(card))
        if back is None:
            reason = Wording("A {card} in {phase} cannot be sent back; only one in PHASE_TESTING can", phase=phase_of(card))
            raise TransitionRefused(reason, {"rule": "phase_transition", "phase_id": phase_of(card), "allowed": []})
        if word is not None and phase_named(word) != back:
            reason = Wording("A {card} in {phase} goes back to {back} only", phase=phase_of(card), back=back)
            raise TransitionRefused(reason, {"rule": "phase_transition", "phase_id": phase_of(card), "allowed": [back]})

    rule(item)
    return move_to_phase(actor, item, REWORK[phase_of(item)], feedback, rule=rule)


@dataclass(frozen=True)
class Progress:
    """What became of an attempt to move on: the card, and why it stays (empty: it has moved)."""

    item: Item
    reasons: list[str]
    """In the core's words (`Wording`)."""
    gate: Gate | None = None


def progress(actor: Actor, item_id: str) -> Progress:
    """Take a card to the next phase if the gate of its phase holds and there is room. Three round trips.

    A task that is added meanwhile is seen: the gate is read again. Raises NotFound, Forbidden and Conflict (archived); what keeps the card
    where it is stands in the result.
    """
    for _ in range(_LOOKS):
        with contextlib.suppress(TaskAdded):
            return _progress(actor, item_id)
    raise stale()


def _progress(actor: Actor, item_id: str) -> Progress:
    reader = GateReader(item_id)
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    phase_id = str(item.phase_id)
    following = following_phase(phase_id)
    if item.is_blocked:
        return Progress(item, [f"It is blocked: {item.blocked_reason}" if item.blocked_reason else "It is blocked"])
    if following is None:
        return Progress(item, ["It is finished"])
    gate = reader.gate(item, phase_id)
    if not gate.passed:
        return Progress(item, gate.reasons, gate)

    def rule(card: Item, _: Lane | None = None) -> None:
        refuse_unapproved(card)
        if phase_of(card) != phase_id:
            raise TransitionRefused(Wording("The {card} was moved meanwhile"), {"rule": "phase_transition"})

    try:
        with transaction_guard(lambda: [gate.no_task_since]):
            return Progress(move_to_phase(actor, item, following, "The gate of its phase holds", rule=rule), [], gate)
    except TransitionRefused as error:
        return Progress(item, [error.message], gate)
