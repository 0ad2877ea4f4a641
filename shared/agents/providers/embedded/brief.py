"""The task as the model understands it: the card's statements, sorted by kind. Every strategy works from a `Brief`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.agents.providers.embedded import reading
from shared.agents.providers.embedded.reading import Clause, Statement
from shared.agents.providers.embedded.terms import STOP_WORDS
from shared.agents.providers.embedded.verbs import VERBS, base_form

NO_LONGER = "no longer happens"  # the implied requirement of every bug report
_KINDS: tuple[tuple[str, str], ...] = (
    ("criterion", r"accept|criteria|definition of done|exit"),
    ("excluded", r"out of scope|exclu|not part|non-goal|not in scope|won'?t"),
    ("question", r"question|unclear|open point|tbd|to decide"),
    ("constraint", r"constraint|non-?functional|quality|performance|security|limits?$|sla"),
    ("goal", r"^goals?$|objective|outcome|success|metric|kpi"),
    ("problem", r"problem|background|context|motivation|why|current|pain|symptom|observed|actual|steps to reproduce"),
    ("people", r"^users?$|persona|audience|stakeholder|actors?"),
    ("technology", r"stack|technolog|architecture"),
    ("risk", r"risk|assumption"),
    ("requirement", r"requirement|feature|scope|function|must|should|could|need|user stor|what|tasks?$|todo|deliverable"),
)
_NEED = re.compile(
    r"\b(must|shall|should|can(?!not|'t)|could|may|will|needs? to|ha(?:s|ve) to|able to|wants? to|allow|support|lets?\b|as an? )",
    re.I,
)
_PAIN = re.compile(
    r"\b(currently|today|slow|manual|error|fails?|failed|failing|broken|crash|wrong|missing|complain|lost|confus|difficult|impossible|"
    r"too (?:long|many|much|late)|nobody|no one|cannot|can't|doesn'?t|does not|frustrat|waste|stuck|timeout|exception)", re.I
)  # fmt: skip
_FAILURE = re.compile(r"\b\w+(?:Error|Exception)\b|\bHTTP [45]\d\d\b|\bcannot (?:be )?(?:read|find|open|load|connect)\b")
_EXCLUDED = re.compile(r"\b(out of scope|not part of|later version|not in this|excluded|won'?t)\b", re.I)
_GHERKIN = re.compile(r"^(given|when|then|and|but)\b", re.I)


@dataclass(frozen=True)
class Requirement:
    """A numbered functional requirement and its parsed clause. `level`: must | should | could."""

    number: int
    text: str
    clause: Clause
    level: str

    @property
    def id(self) -> str:
        return f"FR-{self.number}"


@dataclass(frozen=True)
class Brief:
    """The card with its documents and sibling cards, and everything that is derived from their texts."""

    card: Mapping[str, Any]
    documents: tuple[Mapping[str, Any], ...] = ()
    siblings: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    extra: str = ""

    @cached_property
    def title(self) -> str:
        return str(self.card.get("title") or "Untitled work").strip()

    @cached_property
    def subject(self) -> str:
        """Return the title without final punctuation, for use inside a sentence."""
        return self.title.rstrip(".!?")

    @cached_property
    def description(self) -> str:
        return str(self.card.get("description") or "")

    @cached_property
    def labels(self) -> list[str]:
        labels = self.card.get("labels") or []
        return [str(label) for label in labels] if isinstance(labels, list) else [str(labels)]

    @cached_property
    def priority(self) -> str:
        """Return the card's priority if it is one of the four; "medium" otherwise."""
        stated = str(self.card.get("priority") or "").lower()
        return stated if stated in ("low", "medium", "high", "critical") else "medium"

    @cached_property
    def lane(self) -> int | None:
        lane = self.card.get("lane", self.card.get("lane_number"))
        return lane if isinstance(lane, int) else None

    @cached_property
    def _sorted(self) -> dict[str, list[Statement]]:
        kinds: dict[str, list[Statement]] = {kind: [] for kind in (*(kind for kind, _ in _KINDS), "context")}
        for statement in [*reading.statements(self.description), *reading.statements(self.extra)]:
            kinds[_kind(statement)].append(statement)
        for key, kind in (("acceptance_criteria", "criterion"), ("requirements", "requirement"), ("user_stories", "requirement")):
            kinds[kind] += reading.statements(_text(self.card.get(key)))
        # a card that only tells a story: every longer statement that is not a problem, a question, ... is a requirement
        if not kinds["requirement"] and self.card.get("type") != "bug":
            requirements = [item for item in kinds["context"] if reading.word_count(item.text) > 2]
            kinds["requirement"], kinds["context"] = requirements, [item for item in kinds["context"] if item not in requirements]
        return kinds

    def texts(self, kind: str) -> list[str]:
        """Return the statements of one kind (a kind of `_KINDS`, or `context`) in the card's order, without repetitions."""
        return list(dict.fromkeys(statement.text for statement in self._sorted[kind]))

    @cached_property
    def everything(self) -> str:
        return "\n".join(
            [self.title, self.description, _text(self.card.get("acceptance_criteria")), self.extra, " ".join(self.labels)]
        )

    @cached_property
    def requirements(self) -> list[Requirement]:
        headings = {statement.text: statement.heading for statement in self._sorted["requirement"]}
        texts = self.texts("requirement") or self.texts("criterion")
        if not texts and self.card.get("type") == "bug":
            return [Requirement(1, f"“{self.subject}” {NO_LONGER}", Clause("user", "try", "the reported steps"), "must")]
        if not texts and self.title != "Untitled work":
            texts = [self.title]
        return [
            Requirement(number, text, reading.clause(text), _level(text, headings.get(text, "")))
            for number, text in enumerate(texts, 1)
        ]

    @cached_property
    def criteria(self) -> list[str]:
        """Return the card's own acceptance criteria; consecutive Given/When/Then lines are joined into one criterion."""
        joined: list[str] = []
        for text in self.texts("criterion"):
            word = _GHERKIN.match(text)
            if word and word[1].lower() != "given" and joined and _GHERKIN.match(joined[-1]):
                joined[-1] = f"{joined[-1].rstrip('.')}, {text[:1].lower()}{text[1:]}"
            else:
                joined.append(text)
        return joined

    @cached_property
    def constraints(self) -> list[str]:
        """Return the stated constraints, and every other statement with a quantity or a quality attribute."""
        stated = self.texts("constraint")
        others = [
            text
            for kind in ("requirement", "criterion", "context", "goal")
            for text in self.texts(kind)
            if reading.quantities(text) or reading.qualities(text)
        ]
        return list(dict.fromkeys([*stated, *others]))

    @cached_property
    def actors(self) -> list[str]:
        named = [item.clause.actor for item in self.requirements if item.clause.by_person and item.clause.actor != "user"]
        mentioned = reading.actors(self.everything.splitlines())
        people = [name for name in dict.fromkeys([*mentioned, *named]) if len(name) < 30]
        return people[:6]

    @cached_property
    def technologies(self) -> list[tuple[str, str]]:
        stack = self.card.get("tech_stack") or ""
        return reading.technologies(f"{self.everything}\n{stack}")

    @cached_property
    def topics(self) -> list[str]:
        return reading.topics([self.title, self.title, *self.description.splitlines(), *self.criteria])

    @cached_property
    def questions(self) -> list[str]:
        """Return the open questions that the card itself states."""
        return self.texts("question")

    @cached_property
    def gaps(self) -> list[str]:
        """Return questions about the information that the card should contain but does not."""
        questions: list[str] = []
        if (words := reading.word_count(self.description)) < 12:
            questions.append(f"What exactly should “{self.subject}” do? The description has only {words} words.")
        if not self.actors:
            questions.append(f"Who uses “{self.subject}”, and who else is affected by it? No role is named.")
        if not self.criteria:
            questions.append("How will we see that it is done? The card has no acceptance criteria of its own.")
        if not any(reading.quantities(text) for text in self.everything.splitlines()):
            questions.append("Which amounts, response times or limits apply? No number is given.")
        if not self.texts("excluded"):
            questions.append("What is explicitly not part of it?")
        if not self.texts("goal") and not any(item.clause.purpose for item in self.requirements):
            questions.append(f"Why now: what gets better once “{self.subject}” is there, and how is that measured?")
        return questions

    def _is_about_this(self, document: Mapping[str, Any]) -> bool:
        """Tell whether a document belongs to this card, since a project has documents of many cards.

        It does if it has content, and its title has at least half of the words of the card's title (stop words ignored).
        """
        own, other = (set(reading.slug(str(title), 300).split("-")) - STOP_WORDS for title in (self.title, document.get("title")))
        return bool(document.get("content")) and bool(own) and 2 * len(own & other) >= len(own)

    @cached_property
    def prd_requirements(self) -> list[Requirement]:
        """Return the requirements (`- **FR-1** ...`) of the latest PRD about this card, or an empty list."""
        prd = next((item for item in reversed(self.documents) if item.get("type") == "prd" and self._is_about_this(item)), None)
        if prd is None:
            return []
        matches = re.findall(r"^\s*[-*]\s+\*\*FR-\d+\*\*\s*(?:\((must|should|could)\))?:?\s*(.+)$", str(prd["content"]), re.M)
        return [
            Requirement(number, text, reading.clause(text), level or "must") for number, (level, text) in enumerate(matches, 1)
        ]

    @property
    def scope(self) -> list[Requirement]:
        """Return the PRD's requirements if they are more than the card's own; the card's own otherwise."""
        return self.prd_requirements if len(self.prd_requirements) > len(self.requirements) else self.requirements


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(f"- {item}" for item in value)
    return "" if value is None else str(value)


def _kind(statement: Statement) -> str:
    text = statement.text
    for kind, pattern in _KINDS:
        if statement.heading and re.search(pattern, statement.heading, re.I):
            return kind
    if text.endswith(("?", "？")) or re.search(r"\b(tbd|to be decided|not sure|unclear)\b", text, re.I):  # noqa: RUF001
        return "question"
    if _EXCLUDED.search(text):
        return "excluded"
    if _GHERKIN.match(text) and re.search(r"\bthen\b|^(given|when|then)", text, re.I) and statement.bullet:
        return "criterion"
    if _FAILURE.search(text):
        return "problem"
    if _NEED.search(text) and not re.match(r"(currently|today)\b", text, re.I):
        return "requirement"
    if _PAIN.search(text):
        return "problem"
    if statement.bullet or base_form(text.split()[0].strip(",:")) in VERBS:
        return "requirement"
    return "context"


def _level(text: str, heading: str) -> str:
    # "I want" is part of every user story and says nothing about the level
    source = f"{heading} {re.sub(r'^as an? [^,]+,? i want', '', text, flags=re.I)}"
    if re.search(
        r"\b(could|may|might|nice to have|optional(?:ly)?|later|eventually|ideally|if possible|stretch)\b", source, re.I
    ):
        return "could"
    if re.search(r"\b(should|want|would like|prefer(?:ably)?)\b", source, re.I):
        return "should"
    return "must"
