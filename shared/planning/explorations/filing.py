"""The embedded author's requirements: every one is a person's own sentence in EARS form, traced to where it was said."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.core.texts import searchable
from shared.planning.explorations import statements
from shared.planning.explorations.dialogue import Asked, find_conflicts, language_of, statements_so_far
from shared.planning.explorations.ears import Ears, criteria_of, is_clause, numbers, plain, to_ears
from shared.planning.explorations.goals import Goal, find_goal, title_of
from shared.planning.explorations.requirements import MAX_REQUIREMENTS, Requirement, RequirementsText, written
from shared.planning.explorations.revising import corrected_by, without_marker
from shared.planning.explorations.statements import VAGUE, Statement
from shared.planning.explorations.wording import CATEGORIES, template, templates, words

_TITLE: Final = 80  # characters


@dataclass
class _File:
    """Requirements as they are collected; the same statement is filed once."""

    name: str
    language: str
    found: list[Requirement] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)

    def add(self, ears: Ears, title: str, origin: str, category: str) -> None:
        key = searchable(ears.statement)
        if key in self.seen:
            return
        if len(self.found) >= MAX_REQUIREMENTS:
            self.left_out.append(ears.quoted)
            return
        self.seen.add(key)
        criteria = tuple(criteria_of(ears, self.language))
        number = len(self.found) + 1
        self.found.append(Requirement(number, headline(title), ears.kind, ears.statement, origin, category, criteria))


def requirements_of(idea: str, asked: Sequence[Asked]) -> RequirementsText:
    """Write the requirements document of an exploration. It may have no requirement, if nothing was said that can be one."""
    language = language_of(idea, asked)
    own, said = words(language), statements.of_idea(idea, language)
    goal = find_goal([one.text for one in said], language)
    decided = _decided(idea, asked)
    file = _File(goal.name if language == "en" else "", language)
    for statement in said:
        if statement.kind == "required" and statement.text not in decided and statement.text != goal.sentence:
            ears, origin = to_ears(statement.text, file.name, language), _origin(own["idea"], statement.text, language)
            file.add(ears, statement.text, origin, group_of(statement.text))
        elif statement.text == goal.sentence and statement.text not in decided:
            _add_goal(file, goal, others=sum(one.kind == "required" for one in said) > 1)
    others: list[tuple[str, str]] = [(one.kind, one.text) for one in said if one.text != goal.sentence]
    for question in asked:
        others += _add_answer(file, question, language, decided)
    title = own["requirements_title"].format(name=title_of(goal.name, idea, language))
    return _with_lists(written(title, idea, _by_group(file.found), language), others, asked, decided, file.left_out)


def headline(text: str) -> str:
    """Return the title of a requirement: the beginning of the person's sentence."""
    line = shortened(text)
    first = line.partition(" ")[0]
    return line[0].upper() + line[1:] if first == first.lower() else line


def shortened(text: str, length: int = _TITLE) -> str:
    line = plain(text)
    return line if len(line) <= length else f"{line[: length - 1].rsplit(' ', 1)[0]}…"


def _add_goal(file: _File, goal: Goal, *, others: bool) -> None:
    """Add what the sentence that names the thing asks for besides."""
    own = words(file.language)
    origin = _origin(own["idea"], goal.sentence, file.language)
    if goal.clause:
        file.add(to_ears(goal.clause, file.name, file.language), goal.clause, origin, group_of(goal.clause))
    elif goal.does:
        for does, title in goal.parts:
            statement = f"{own['always'].format(The=own['system'].format(name=goal.name), does=does)}."
            file.add(Ears("ubiquitous", statement, does.partition(" ")[2]), title, origin, "scope")
    elif (
        file.language != "en"
        and (not others or is_clause(goal.sentence))
        and len(goal.sentence.split()) > len(goal.name.split()) + 3
    ):
        file.add(to_ears(goal.sentence, "", file.language), goal.sentence, origin, "scope")


def _add_answer(file: _File, question: Asked, language: str, decided: dict[str, Asked]) -> list[tuple[str, str]]:
    """Add the requirements of an answer; return what else it says, each with its kind."""
    if question.status != "answered":
        return []
    own, others = words(language), []
    place = own["answer"].format(question=question.text)
    for statement in statements.of_answer(question.answer, language, template(question.key, language)):
        if statement.kind == "required" and statement.text not in decided:
            origin = _origin(place, question.answer if _is_part(statement, question) else statement.text, language)
            said = without_marker(statement.text) or statement.text
            file.add(to_ears(said, file.name, language, statement.item), said, origin, question.category)
        elif statement.kind != "required":
            others.append((statement.kind, statement.text))
    return others


def _is_part(statement: Statement, question: Asked) -> bool:
    """Tell whether a statement is one entry of a list, which says little without the others."""
    return statement.item is not None and len(statement.text.split()) < len(question.answer.split())


def _decided(idea: str, asked: Sequence[Asked]) -> dict[str, Asked]:
    """Return the statements that the answer to a question about two of them has replaced, unless it repeats one."""
    said = statements_so_far(idea, asked)
    found: dict[str, Asked] = {}
    for pair in find_conflicts(said):
        question = next((one for one in asked if one.key == f"conflict:{pair[0][:60]}|{pair[1][:60]}"), None)
        if question is not None and question.status != "answered":
            found |= dict.fromkeys(pair, question)  # it is open which of them holds
        elif question is not None:
            answer = searchable(question.answer)
            found |= {one: question for one in pair if searchable(one) not in answer}
    return found | _corrected(idea, asked)


def _corrected(idea: str, asked: Sequence[Asked]) -> dict[str, Asked]:
    """Return the statements that later answers take back ("Actually, ..."), each with the question that was answered so."""
    language = language_of(idea, asked)
    earlier, found = [one.text for one in statements.of_idea(idea, language)], dict[str, Asked]()
    for question in asked:
        if question.status != "answered" or ":" in question.key:
            continue
        for statement in statements.of_answer(question.answer, language, template(question.key, language)):
            said = without_marker(statement.text)
            old = corrected_by(said, earlier) if said else None
            if old is not None:
                found[old] = question
                earlier.remove(old)
            earlier.append(statement.text)
    return found


def _with_lists(
    text: RequirementsText,
    others: Sequence[tuple[str, str]],
    asked: Sequence[Asked],
    decided: dict[str, Asked],
    left_out: Sequence[str],
) -> RequirementsText:
    """Add the lists behind the requirements: what is open, not required, and not filed."""
    own = words(text.language)
    for question in asked:
        if question.status in ("waiting", "open"):
            text = text.with_entry("open", f"{question.text} ({question.id}, {question.category})")
        elif question.status == "none":
            text = text.with_entry("excluded", f"{_quoted(question.answer, text.language)} ({question.text})")
    asked_for = {question.key.partition(":")[2] for question in asked if question.key.startswith("measure:")}
    for requirement in text.requirements:
        found = VAGUE.search(requirement.statement)
        if found and not numbers(requirement.statement) and found[0].lower() not in asked_for:
            text = text.with_entry("open", f"{requirement.ref}: {own['measure'].format(word=found[0])}")
    for kind, sentence in others:
        name = {"open": "open", "excluded": "excluded", "other": "unfiled"}.get(kind)
        if name is not None and sentence not in decided:
            text = text.with_entry(name, _quoted(sentence, text.language))
    for sentence, question in decided.items():
        if question.status == "answered":
            text = text.with_entry("excluded", own["replaced"].format(question=shortened(question.text), quoted=plain(sentence)))
    for sentence in left_out:
        text = text.with_entry("open", own["beyond"].format(quoted=shortened(sentence, 300), most=MAX_REQUIREMENTS))
    return text


def _by_group(found: Sequence[Requirement]) -> list[Requirement]:
    """Return requirements numbered in the order in which the document shows them."""
    ordered = [one for category in CATEGORIES for one in found if one.category == category]
    return [replace(one, number=number) for number, one in enumerate(ordered, start=1)]


def _origin(place: str, sentence: str, language: str) -> str:
    return f"{place}: {_quoted(sentence, language)}"


def _quoted(sentence: str, language: str) -> str:
    line = shortened(sentence, 300)
    return f"„{line}“" if language == "de" else f"“{line}”"


def group_of(sentence: str) -> str:
    """Return the category of a sentence of the idea, by the words of the questions it answers."""
    for category in ("security & compliance", "technical", "business logic", "UX"):
        if any(one.said and one.said.search(sentence) for one in templates("en") if one.category == category):
            return category
    return "scope"
