"""Which questions come next: by category, following from the idea and the answers, never about what was said already."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.agents.providers.embedded.sentences import weight
from shared.agents.providers.embedded.tables import recognize
from shared.planning.explorations import statements
from shared.planning.explorations.ears import numbers, plain
from shared.planning.explorations.goals import topics_of, without_begin
from shared.planning.explorations.statements import VAGUE, Statement
from shared.planning.explorations.wording import CATEGORIES, Template, conflicts, template, templates, words

AT_ONCE: Final = 5
"""Questions that wait for an answer at one time: a handful."""
MOST: Final = 14
"""Questions of a whole exploration; what is not asked then is left to the refinement of the requirements."""
_OF_A_CATEGORY: Final = 3
_VAGUE_WORDS: Final = 4
"""Words below which an idea says nothing: what it shall do is asked first, alone."""
_MEASURES: Final = 2
_TELLING: Final = 3
"""Words from which a text tells its language."""


@dataclass(frozen=True)
class Asked:
    """A question with what came of it. `status`: waiting, answered, none (nothing of the kind is needed) or open (nobody knows yet)."""

    number: int
    key: str
    category: str
    text: str
    status: str = "waiting"
    answer: str = ""

    @property
    def id(self) -> str:
        return f"q-{self.number}"


@dataclass(frozen=True)
class NewQuestion:
    """A question to ask. `key` names it in the table, or says what it is about (`conflict:...`, `measure:...`)."""

    key: str
    category: str
    text: str


def language_of(idea: str, asked: Sequence[Asked] = ()) -> str:
    """Return the language in which questions and documents are written: that of the idea; of one of a few words, that of the answers."""
    text = said_by(idea, asked) if len(idea.split()) < _TELLING else idea
    found = recognize(text) if len(text.split()) >= _TELLING else "en"
    return found if found in ("en", "de") else "en"


def status_of(answer: str) -> str:
    """Return what an answer makes of its question."""
    if statements.is_unknown(answer):
        return "open"
    return "none" if statements.is_none(answer) else "answered"


def said_by(idea: str, asked: Sequence[Asked]) -> str:
    """Return all that was said so far."""
    return "\n".join([idea, *(one.answer for one in asked if one.status == "answered")])


def next_questions(idea: str, asked: Sequence[Asked]) -> list[NewQuestion]:
    """Return the questions to ask now, so many that at most AT_ONCE wait for an answer."""
    waiting = sum(one.status == "waiting" for one in asked)
    room = min(AT_ONCE - waiting, MOST - len(asked))
    if room <= 0:
        return []
    known = {one.key for one in asked}
    counted = dict.fromkeys(CATEGORIES, 0)
    for one in asked:
        if ":" not in one.key:
            counted[one.category] += 1
    found: list[NewQuestion] = []
    for candidate in _candidates(idea, asked):
        if candidate.key in known or len(found) >= room:
            continue
        from_table = ":" not in candidate.key
        if from_table and (counted[candidate.category] >= _OF_A_CATEGORY or _waits(candidate.category, asked, found)):
            continue
        counted[candidate.category] += from_table
        found.append(candidate)
    return found


def is_ready(idea: str, asked: Sequence[Asked]) -> bool:
    """Tell whether every category is answered, declared open, or covered by what was said; and what it shall do, if the idea is vague."""
    if any(one.status == "waiting" and (one.key == "purpose" or one.key.startswith("conflict:")) for one in asked):
        return False
    done = {one.category for one in asked if one.status != "waiting"}
    return all(category in done or not any(_open_templates(idea, asked, category)) for category in CATEGORIES)


def is_vague(idea: str) -> bool:
    """Tell whether an idea is too short to say what it shall do."""
    return weight(re.sub(r"[^\w\s]+", " ", without_begin(idea))) < _VAGUE_WORDS


def find_conflicts(said: Sequence[Statement]) -> list[tuple[str, str]]:
    """Return pairs of statements that cannot both hold."""
    found = []
    for one, other in conflicts():
        first = next((each.text for each in said if one.search(each.text)), None)
        seconds = [each.text for each in said if other.search(each.text)]
        second = next((text for text in seconds if not one.search(text)), next(iter(seconds), None))
        if first is not None and second is not None:
            found.append((first, second))
    return found


def statements_so_far(idea: str, asked: Sequence[Asked]) -> list[Statement]:
    """Return what the idea and the answers say, sentence by sentence."""
    language = language_of(idea, asked)
    found = statements.of_idea(idea, language)
    for one in asked:
        if one.status == "answered" and ":" not in one.key:
            found += statements.of_answer(one.answer, language, template(one.key, language))
    return found


def _candidates(idea: str, asked: Sequence[Asked]) -> Iterator[NewQuestion]:
    language = language_of(idea, asked)
    own = words(language)
    if is_vague(idea) and not any(one.key == "purpose" for one in asked):
        purpose = template("purpose", language)
        if purpose is not None:
            yield NewQuestion(purpose.key, purpose.category, purpose.text)
        return
    if is_vague(idea) and any(one.key == "purpose" and one.status == "waiting" for one in asked):
        return  # everything else follows from what it shall do
    said = statements_so_far(idea, asked)
    for first, second in find_conflicts(said):
        key = f"conflict:{first[:60]}|{second[:60]}"
        yield NewQuestion(key, "scope", own["conflict"].format(**_pair(first, second)))
    tables = [list(_open_templates(idea, asked, category)) for category in CATEGORIES]
    for place in range(max(map(len, tables))):
        for found in tables:
            if place < len(found):
                yield NewQuestion(found[place].key, found[place].category, found[place].text)
        if not place and asked:
            yield from _measures(said, asked, language)


def _measures(said: Sequence[Statement], asked: Sequence[Asked], language: str) -> Iterator[NewQuestion]:
    """Yield questions about words that no test can tell, as long as no number stands beside them."""
    left = _MEASURES - sum(one.key.startswith("measure:") for one in asked)
    known = {one.key for one in asked}
    for statement in said:
        found = VAGUE.search(statement.text)
        if found and not numbers(statement.text) and left > 0 and statement.kind == "required":
            key = f"measure:{found[0].lower()}"
            if key not in known:
                known, left = {*known, key}, left - 1
                yield NewQuestion(key, "technical", words(language)["measure"].format(word=found[0]))


def _open_templates(idea: str, asked: Sequence[Asked], category: str) -> Iterator[Template]:
    """Yield the questions of a category that nothing answers yet: those of the idea's topics first."""
    language, text = language_of(idea, asked), said_by(idea, asked)
    about, known = set(topics_of(_wanted_by(idea, asked, language))), {one.key for one in asked}
    first = topics_of("\n".join([idea, *(one.answer for one in asked if one.key == "purpose")]))
    fitting = [
        one
        for one in templates(language)
        if one.category == category
        and one.key not in known
        and not one.when
        and (not one.topic or one.topic in about)
        and one.unless not in about
        and not (one.said and one.said.search(text))
    ]
    yield from sorted(fitting, key=lambda one: 0 if one.topic in first else 1 if one.topic else 2)


def _wanted_by(idea: str, asked: Sequence[Asked], language: str) -> str:
    """Return what was said so far without what was said not to be needed: that is no topic."""
    said = statements.of_idea(idea, language)
    for one in asked:
        if one.status == "answered":
            said += statements.of_answer(one.answer, language, template(one.key, language))
    return "\n".join(one.text for one in said if one.kind != "excluded")


def _waits(category: str, asked: Sequence[Asked], found: Sequence[NewQuestion]) -> bool:
    """Tell whether a question of this category waits already: one of each at a time."""
    waiting = [one.category for one in asked if one.status == "waiting" and ":" not in one.key]
    return category in (*waiting, *(one.category for one in found if ":" not in one.key))


def _pair(first: str, second: str) -> dict[str, str]:
    """Return two statements as a question names them: of one sentence the words that do not go together."""
    if first != second:
        return {"one": _shortened(first), "other": _shortened(second)}
    one, other = next((one, other) for one, other in conflicts() if one.search(first) and other.search(first))
    found, against = one.search(first), other.search(first)
    return {"one": found[0] if found else first, "other": against[0] if against else second}


def _shortened(text: str) -> str:
    line = plain(text)
    return line if len(line) <= 160 else f"{line[:159].rsplit(' ', 1)[0]}…"
