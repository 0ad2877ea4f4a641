"""What a spec makes of requirements: the cards and tasks of a project, the testable properties, and the file that lists the tasks.

Every id is derived from the exploration, so that each is made once, whoever asks how often.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.core.ids import derived_id
from shared.planning.explorations.requirements import Requirement
from shared.planning.explorations.wording import words

_TESTS: Final = 3
"""Acceptance criteria of a requirement that have a task of their own."""
_STRICT: Final = re.compile(r"\b(must|only|never|always|critical|required|muss|müssen|nur|niemals|immer)\b", re.IGNORECASE)
_LOOSE: Final = re.compile(r"\b(nice to have|optional(ly)?|could|maybe|later|would be nice|wäre schön|später)\b", re.IGNORECASE)
_CONTRACT: Final = re.compile(
    r"\b(apis?|accept\w*|return\w*|import\w*|export\w*|format\w*|json|csv|read\w*|print\w*|support\w*|schnittstelle\w*)\b", re.I
)
_INVARIANT: Final = re.compile(
    r"\b(only|never|always|not|must be|at most|at least|nur|nie|immer|nicht|höchstens|mindestens)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class PlannedTask:
    """A task of a planned card. `after`: the id of the task of the same card that must end first."""

    id: str
    title: str
    description: str
    task_type: str
    after: str | None = None


@dataclass(frozen=True)
class PlannedCard:
    """A card of the project: the requirement itself (`epic`), what is built of it (`feature`), or the preparation."""

    id: str
    type: str
    title: str
    description: str
    priority: str
    phase: str
    ref: str
    parent_id: str | None = None
    blocked_by: str | None = None
    criteria: tuple[str, ...] = ()
    tasks: tuple[PlannedTask, ...] = ()


@dataclass(frozen=True)
class Property:
    """A testable property: invariant, contract or behavior. `test` is the text of a test; "" where none can be made of what was said."""

    id: str
    statement: str
    type: str
    ref: str
    test: str = ""


def plan_cards(exploration_id: str, name: str, requirements: Sequence[Requirement], language: str) -> list[PlannedCard]:
    """Return the cards to make: what others need stands before them."""
    own = words(language)["tasks"]
    setup = _setup(exploration_id, name, requirements, own)
    cards = [setup]
    for one in requirements:
        priority, epic = priority_of(one), derived_id("explored", exploration_id, one.ref, "requirement")
        cards.append(
            PlannedCard(
                epic,
                "epic",
                f"{one.ref}: {one.title}",
                f"{one.statement}\n\n{one.origin}",
                priority,
                "PHASE_BACKLOG",
                one.ref,
                criteria=one.criteria,
            )
        )
        feature = derived_id("explored", exploration_id, one.ref, "feature")
        cards.append(
            PlannedCard(
                feature,
                "feature",
                one.title,
                f"{one.statement}\n\n{one.ref}",
                priority,
                "PHASE_BACKLOG",
                one.ref,
                parent_id=epic,
                blocked_by=setup.id,
                criteria=one.criteria,
                tasks=_tasks(feature, one, own),
            )
        )
    return cards


def priority_of(requirement: Requirement) -> str:
    """Return the priority that the words of a requirement give it."""
    said = re.split(r": [“„]", requirement.origin)[-1]  # without the question that was asked
    if _LOOSE.search(said):
        return "low"
    is_strict = requirement.kind == "unwanted" or requirement.category == "security & compliance" or _STRICT.search(said)
    return "high" if is_strict else "medium"


def tasks_text(title: str, cards: Sequence[PlannedCard], language: str) -> str:
    """Return the file of tasks: every card that is worked on, the requirement it comes from, what comes before it, and its tasks."""
    own = words(language)["tasks"]
    titles = {card.id: card.title for card in cards}
    lines = [f"# {own['title'].format(name=title)}", ""]
    for number, card in enumerate((one for one in cards if one.tasks), start=1):
        after = f" ({own['depends'].format(ref=titles[card.blocked_by])})" if card.blocked_by else ""
        lines += [f"## {number}. {card.title}{after}", "", f"_{card.ref or '-'} · {card.priority.upper()} · {card.phase}_", ""]
        lines += [f"- [ ] {number}.{place} {task.title}" for place, task in enumerate(card.tasks, start=1)]
        lines.append("")
    return "\n".join(lines)


def properties_of(spec_id: str, requirements: Sequence[Requirement]) -> list[Property]:
    """Return a property for each requirement, with the text of a test where its words make one."""
    return [
        Property(derived_id("property", spec_id, one.ref), one.statement, _type_of(one), one.ref, _scenario(one))
        for one in requirements
    ]


def _type_of(requirement: Requirement) -> str:
    if requirement.kind in ("event", "unwanted"):
        return "behavior"
    if requirement.kind == "state" or _INVARIANT.search(requirement.statement):
        return "invariant"
    return "contract" if _CONTRACT.search(requirement.statement) else "behavior"


_PARTS: Final = re.compile(
    r"(?P<word>When|While|If|Where|Wenn|Während|Falls|Wo) (?P<condition>.+?), (?:then )?(?P<then>(?:the .+? shall|muss das System) .+)",
    re.DOTALL,
)
_MAY: Final = re.compile(r"A test shows that (?P<who>.+?) (?P<modal>can|cannot) (?P<what>.+)\.", re.DOTALL)


def _scenario(requirement: Requirement) -> str:
    """Return a scenario in Gherkin. Only a requirement that names what happens, or who does it, has what such a test needs."""
    head = f"Scenario: {requirement.ref} {requirement.title}"
    if found := _PARTS.fullmatch(requirement.statement):
        first = "Given" if found["word"] in ("While", "Where", "Während", "Wo") else "When"
        return f"{head}\n  {first} {found['condition']}\n  Then {found['then']}\n"
    if found := next((found for one in requirement.criteria if (found := _MAY.fullmatch(one))), None):
        outcome = "it succeeds" if found["modal"] == "can" else "it is refused"
        who = found["who"] if found["who"] in ("I", "we") else "they"
        given = "" if who != "they" or found["who"] == "they" else f"  Given {found['who']}\n"
        return f"{head}\n{given}  When {who} try to {found['what']}\n  Then {outcome}\n"
    return ""


def _setup(exploration_id: str, name: str, requirements: Sequence[Requirement], own: dict[str, str]) -> PlannedCard:
    card_id = derived_id("explored", exploration_id, "setup", "card")
    first, second = (derived_id("explored-task", card_id, number) for number in (1, 2))
    technical = "\n".join(f"- {one.ref}: {one.statement}" for one in requirements if one.category == "technical")
    text = "\n\n".join(part for part in (own["setup_text"], technical) if part)
    tasks = (
        PlannedTask(first, own["setup_task"], text, "implementation"),
        PlannedTask(second, own["setup_check"], own["setup_text"], "testing", after=first),
    )
    return PlannedCard(card_id, "task", own["setup"].format(name=name), text, "high", "PHASE_IMPLEMENTATION", "", tasks=tasks)


def _tasks(card_id: str, requirement: Requirement, own: dict[str, str]) -> tuple[PlannedTask, ...]:
    first = derived_id("explored-task", card_id, 1)
    found = [
        PlannedTask(
            first, f"{own['implement'].format(ref=requirement.ref)}: {requirement.title}", requirement.statement, "implementation"
        )
    ]
    for number, criterion in enumerate(requirement.criteria[:_TESTS], start=2):
        title = own["test"].format(ref=requirement.ref, criterion=criterion)
        found.append(PlannedTask(derived_id("explored-task", card_id, number), title[:200], criterion, "testing", after=first))
    return tuple(found)
