"""Which phase may follow which, and the words with which clients name phases.

Three vocabularies name where a card goes: phases (`PHASE_TESTING`, also by an alias), the statuses of the original service (`testing`),
and `open`, `in_progress` and `done`. A phase follows another by `TRANSITIONS`, a status also by `STATUS_TRANSITIONS`, both as
in the original service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.core.errors import FieldError, Invalid, TransitionRefused
from shared.core.wording import Wording
from shared.work.boards.lanes import canonical_phase
from shared.work.items.rows import ItemHead

BLOCKED: Final = "PHASE_BLOCKED"
DONE: Final = "PHASE_DONE"
PHASES: Final = (
    "PHASE_BACKLOG",
    "PHASE_REQUIREMENTS",
    "PHASE_DESIGN",
    "PHASE_IMPLEMENTATION",
    "PHASE_TESTING",
    "PHASE_DEPLOYMENT",
    DONE,
)
"""The phases in their order."""
TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "PHASE_BACKLOG": ("PHASE_REQUIREMENTS", BLOCKED),
        "PHASE_REQUIREMENTS": ("PHASE_DESIGN", BLOCKED),
        "PHASE_DESIGN": ("PHASE_IMPLEMENTATION", BLOCKED),
        "PHASE_IMPLEMENTATION": ("PHASE_TESTING", BLOCKED),
        "PHASE_TESTING": ("PHASE_DEPLOYMENT", "PHASE_IMPLEMENTATION", BLOCKED),
        "PHASE_DEPLOYMENT": (DONE, BLOCKED),
        DONE: (),
        BLOCKED: ("PHASE_BACKLOG", "PHASE_REQUIREMENTS", "PHASE_DESIGN", "PHASE_IMPLEMENTATION", "PHASE_TESTING"),
    }
)
STATUS_TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "backlog": ("analyzing", "blocked"),
        "analyzing": ("building", "blocked"),
        "building": ("building-done", "blocked"),
        "building-done": ("testing", "blocked"),
        "testing": ("done", "building", "blocked"),
        "done": (),
        "blocked": ("analyzing", "building", "building-done", "testing"),
    }
)
_PHASE_OF_STATUS: Final = MappingProxyType(
    {
        "backlog": "PHASE_BACKLOG",
        "analyzing": "PHASE_REQUIREMENTS",
        "building": "PHASE_IMPLEMENTATION",
        "building-done": "PHASE_DEPLOYMENT",
        "testing": "PHASE_TESTING",
        "done": DONE,
        "blocked": BLOCKED,
    }
)
_STATUS_OF_PHASE: Final = MappingProxyType(
    {phase: status for status, phase in _PHASE_OF_STATUS.items()} | {"PHASE_DESIGN": "analyzing"}
)
_PLAIN: Final = ("open", "in_progress")
"""Statuses that name no phase."""
WORDS: Final = (*STATUS_TRANSITIONS, *_PLAIN, *PHASES, BLOCKED)


@dataclass(frozen=True)
class Target:
    """Where a transition leads: to a phase, or to a status in the card's own phase."""

    phase_id: str | None = None
    status: str | None = None


def phase_of(item: ItemHead) -> str:
    """Return the phase of a card as the rules see it: a blocked card is in PHASE_BLOCKED."""
    return BLOCKED if item.is_blocked else str(item.phase_id)


def phase_named(word: str, field: str = "to_status") -> str:
    """Return the phase that the name of a phase, an alias or a status stands for. Raises Invalid, naming `field`, for another word."""
    phase = canonical_phase(word.strip().upper())
    found = phase if phase in TRANSITIONS else _PHASE_OF_STATUS.get(_status(word))
    if found is None:
        raise _unknown(word, field)
    return found


def a_phase(name: str, field: str = "phase_id") -> str:
    """Return the phase with this name or alias, in which a card can be. Raises Invalid, naming `field`, for another name."""
    phase = canonical_phase(name.strip().upper())
    if phase not in PHASES:
        raise Invalid(FieldError(field, f"There is no such phase; there are {', '.join(PHASES)}", name))
    return phase


def _status(word: str) -> str:
    return word.strip().lower().replace("building_done", "building-done")


def _unknown(word: str, field: str = "to_status") -> Invalid:
    return Invalid(FieldError(field, f"There is no such status; there are {', '.join(WORDS)}", word))


def target_of(item: ItemHead, word: str, *, force: bool = False) -> Target:
    """Return where a word of one of the vocabularies leads a card. `force` skips the rules.

    Raises Invalid for an unknown word, and TransitionRefused, which names what is allowed, if it may not follow.
    """
    current, name = phase_of(item), word.strip()
    if (phase := canonical_phase(name.upper())) in TRANSITIONS:
        return _to_phase(item, phase, name, allowed=force or phase in TRANSITIONS[current])
    status = _status(name)
    if status in _PLAIN:
        return _to_plain(item, status, force=force)
    if status not in _PHASE_OF_STATUS:
        raise _unknown(word)
    if _STATUS_OF_PHASE[current] == status:
        return Target(phase_id=current)
    phase = _PHASE_OF_STATUS[status]
    follows = status in STATUS_TRANSITIONS[_STATUS_OF_PHASE[current]] or phase in TRANSITIONS[current]
    return _to_phase(item, phase, name, allowed=force or follows)


def _to_phase(item: ItemHead, phase: str, name: str, *, allowed: bool) -> Target:
    if not allowed and phase != phase_of(item):
        raise refusal(item, name)
    return Target(phase_id=phase)


def _to_plain(item: ItemHead, status: str, *, force: bool) -> Target:
    current = phase_of(item)
    if current == DONE and not force:
        raise refusal(item, status)
    if status == "in_progress":
        return Target(phase_id="PHASE_REQUIREMENTS") if current == "PHASE_BACKLOG" else Target(status=status)
    if current == BLOCKED and not force:
        raise refusal(item, status)
    return Target(status=status)


def refusal(item: ItemHead, name: str) -> TransitionRefused:
    """Return the error of a transition that is not allowed; it names those that are."""
    current = phase_of(item)
    phases, statuses = list(TRANSITIONS[current]), list(STATUS_TRANSITIONS[_STATUS_OF_PHASE[current]])
    words = ", ".join([*phases, *statuses]) or "nothing"
    reason = Wording("A {card} in {phase} cannot go to {name}; allowed: {words}", phase=current, name=name, words=words)
    details = {"rule": "phase_transition", "phase_id": current, "allowed": phases, "allowed_statuses": statuses}
    return TransitionRefused(reason, details)


def following_phase(phase_id: str) -> str | None:
    """Return the phase after this one; None behind the last."""
    return None if phase_id == DONE else PHASES[PHASES.index(phase_id) + 1]
