"""What a state machine of a collaboration knows: its members, what was asked of whom, and what came back. Plain values, kept as JSON."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any, Final

from shared.sandboxes.collaborations.rows import ENDED, INITIALIZING

OPEN, ANSWERED, FAILED = "open", "answered", "failed"
WRITE, CONTRIBUTE, PLAN, SUMMARISE, TALK, ANALYSE, VOTE = "write", "contribute", "plan", "summarise", "talk", "analyse", "vote"
_EMPTY_WORDS: Final = frozenset(
    {"team", "the", "and", "of", "for", "a", "agent", "expert", "specialist", "member", "sandbox"}
) | {
    "architect",
    "assistant",
    "developer",
    "engineer",
    "lead",
    "manager",
    "senior",
}
"""Words of names and roles that tell nothing about what somebody can do."""
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Member:
    """A sandbox that takes part. `words`: those of its name, its roles and its capabilities."""

    sandbox_id: str
    name: str
    words: tuple[str, ...] = ()
    lost: str = ""
    """Why it takes no part any more."""
    is_deleted: bool = False

    def knows(self, name: str) -> int:
        """Return how many words of a name are among what it can do."""
        return len(words(name) & set(self.words))


@dataclass(frozen=True)
class Answer:
    """What an answer says to the state machine; its text is in its message."""

    done: bool = False
    to: str = ""
    vote: int | None = None
    reason: str = ""
    plan: Mapping[str, str] = field(default_factory=dict)
    """Deliverable -> name of a participant."""


@dataclass(frozen=True)
class Ask:
    """A message that asks a member for something, and what became of it."""

    number: int
    step: str
    kind: str
    member: int
    sender: int
    material: tuple[int, ...] = ()
    """Numbers of the asks whose answers it carries."""
    status: str = OPEN
    reason: str = ""
    answer: Answer | None = None
    cost: int = 0
    """What its answer has cost, in micro-dollars."""


@dataclass(frozen=True)
class State:
    mode: str
    deliverables: tuple[str, ...]
    members: tuple[Member, ...]
    """The participants in the order in which they were named, behind them an orchestrator that is none of them."""
    participants: int
    orchestrator: int | None = None
    max_turns: int = 20
    phase: int = 0
    asks: tuple[Ask, ...] = ()
    done: tuple[str, ...] = ()
    """Steps that the platform itself has done."""
    status: str = INITIALIZING
    reason: str = ""
    outcome: Mapping[str, Any] | None = None
    """Of a swarm: its consensus."""

    @property
    def has_started(self) -> bool:
        return self.status != INITIALIZING

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is still to come."""
        return any(ask.status == OPEN for ask in self.asks)

    def living(self) -> list[int]:
        """Return the numbers of the participants that still take part."""
        return [number for number in range(self.participants) if not self.members[number].lost]

    def of_step(self, step: str) -> list[Ask]:
        return [ask for ask in self.asks if ask.step == step]

    def answered(self, step: str) -> list[Ask]:
        return [ask for ask in self.of_step(step) if ask.status == ANSWERED]

    def next_phase(self, *done: str) -> "State":
        return replace(self, phase=self.phase + 1, done=(*self.done, *done))

    def ask(self, step: str, kind: str, member: int, material: Iterable[int] = ()) -> "State":
        """Ask a member; who has the word for all sends it. Without a sender it fails at once."""
        sender = self.speaker(member)
        number = len(self.asks)
        new = Ask(number, step, kind, member, -1 if sender is None else sender, tuple(material))
        if sender is None:
            new = replace(new, status=FAILED, reason="Nobody else is left who could ask")
        return replace(self, asks=(*self.asks, new))

    def speaker(self, member: int) -> int | None:
        """Return who sends a message to a member: the orchestrator, else who spoke last, else the first who is left."""
        last = next((ask.member for ask in reversed(self.asks) if ask.kind == TALK and ask.status == ANSWERED), None)
        order = [*(one for one in (self.orchestrator, last) if one is not None), *range(len(self.members))]
        others = [one for one in order if one != member and not self.members[one].is_deleted]
        return next((one for one in others if not self.members[one].lost), others[0] if others else None)

    def end(self, status: str, reason: str = "") -> "State":
        return replace(self, status=status, reason=reason)

    def change_ask(self, number: int, **changes: Any) -> "State":
        return replace(self, asks=tuple(replace(ask, **changes) if ask.number == number else ask for ask in self.asks))

    @property
    def cost(self) -> int:
        """What the answers have cost so far, in micro-dollars."""
        return sum(ask.cost for ask in self.asks)


def words(text: str) -> set[str]:
    """Return the words of a name that say what it is about: `backend_api` has two."""
    return set(_WORD.findall(text.casefold())) - _EMPTY_WORDS


def to_json(state: State) -> dict[str, Any]:
    """Return a state as its row keeps it, without what is as at the beginning."""
    return _short(state) | {"members": [_short(one) for one in state.members], "asks": [_short(one) for one in state.asks]}


def _short(one: State | Member | Ask) -> dict[str, Any]:
    """Return the fields of a value that differ from what they are if nothing is said."""
    told = asdict(one)
    return {each.name: told[each.name] for each in fields(one) if getattr(one, each.name) != _default(each)}


def _default(of: Any) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()


def from_json(kept: Mapping[str, Any]) -> State:
    members = tuple(Member(**(one | {"words": tuple(one.get("words", ()))})) for one in kept["members"])
    asks = tuple(_ask(one) for one in kept.get("asks", ()))
    lists = {name: tuple(kept.get(name, ())) for name in ("deliverables", "done")}
    return State(**(dict(kept) | lists | {"members": members, "asks": asks}))


def _ask(kept: Mapping[str, Any]) -> Ask:
    answer = Answer(**kept["answer"]) if kept.get("answer") else None
    return Ask(**(dict(kept) | {"material": tuple(kept.get("material", ())), "answer": answer}))
