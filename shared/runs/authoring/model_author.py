"""The author that has a model: the embedded author files what was said, and the model finds better words for it.

So every requirement traces to a person's sentence and none is lost, whatever the model answers. Of an answer is used what holds: a
statement in EARS form without numbers that nobody said, a section that names only requirements that exist. The rest stays as it was filed.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from shared.core.errors import CadreError, LimitExceeded, Upstream
from shared.core.situations import Situation
from shared.core.texts import searchable
from shared.planning.explorations.authors import EMBEDDED, Subject
from shared.planning.explorations.designing import SECTIONS
from shared.planning.explorations.dialogue import AT_ONCE, MOST, NewQuestion
from shared.planning.explorations.refining import Remarks
from shared.planning.explorations.requirements import Requirement, RequirementsText
from shared.planning.explorations.wording import CATEGORIES, words
from shared.runs.authoring import prompts
from shared.runs.authoring.calls import Calls

log = logging.getLogger(__name__)
_AT_ONCE: Final = 12  # requirements of one call: its answer is complete in some seconds
_FOLLOWING: Final = 2  # questions that a model may add after one answer
_REF: Final = re.compile(r"REQ-\d{3,5}")
_FORMS: Final = {
    "en": {
        "event": re.compile(r"When .+, .+ shall .+", re.DOTALL),
        "state": re.compile(r"While .+, .+ shall .+", re.DOTALL),
        "optional": re.compile(r"Where .+, .+ shall .+", re.DOTALL),
        "unwanted": re.compile(r"If .+, then .+ shall .+", re.DOTALL),
        "ubiquitous": re.compile(r"(?!When|While|Where|If)\w.* shall .+", re.DOTALL),
    },
    "de": {
        "event": re.compile(r"(?:Wenn|Sobald) .+, muss .+", re.DOTALL),
        "state": re.compile(r"(?:Während|Solange) .+,? muss .+", re.DOTALL),
        "optional": re.compile(r"Wo .+, muss .+", re.DOTALL),
        "unwanted": re.compile(r"Falls .+, muss .+", re.DOTALL),
        "ubiquitous": re.compile(r"(?!Wenn|Sobald|Während|Solange|Wo |Falls)\w.* muss .+", re.DOTALL),
    },
}


class ModelAuthor:
    """Writes with the model of an exploration. Raises what `Calls.ask` does."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def ask(self, subject: Subject) -> list[NewQuestion]:
        """Return the next questions: those of the table, and where these leave room what the model would know.

        Where the model does not answer, is too slow or has no budget, those of the table: the person's answer is kept in any case.
        """
        found = EMBEDDED.ask(subject)
        waiting = sum(one.status == "waiting" for one in subject.asked) + len(found)
        room = min(AT_ONCE - waiting, MOST - len(subject.asked) - len(found), _FOLLOWING)
        if room <= 0 or not any(one.status == "answered" for one in subject.asked):
            return found
        try:
            answer = self._calls.ask(prompts.questions(subject, room))
        except CadreError as error:
            if not isinstance(error, Upstream | LimitExceeded) and error.situation is not Situation.TIMEOUT:
                raise
            log.warning("a model asks nothing", extra={"reason": error.message})
            return found
        known = {searchable(one.text) for one in subject.asked} | {searchable(one.text) for one in found}
        return [*found, *_questions(answer, known)[:room]]

    def requirements(self, subject: Subject) -> RequirementsText:
        text = EMBEDDED.requirements(subject)
        return self._reworded(subject, text, text.requirements)

    def refine(self, subject: Subject, text: RequirementsText, remarks: Remarks, version: int) -> RequirementsText:
        """Return the next version: only what the remarks change gets new words."""
        new = EMBEDDED.refine(subject, text, remarks, version)
        before = text.requirements
        return self._reworded(subject, new, [one for one in new.requirements if one not in before])

    def design(self, subject: Subject, text: RequirementsText) -> str:
        """Return the design with the sections of the model that hold. What they leave out of the components is listed behind them."""
        head, *parts = re.split(r"^(?=## )", EMBEDDED.design(subject, text), flags=re.MULTILINE)
        found = text.requirements
        sections = [self._section(subject, part, found) for part in parts]
        return head + "".join(sections)

    def _reworded(self, subject: Subject, text: RequirementsText, found: Sequence[Requirement]) -> RequirementsText:
        for start in range(0, len(found), _AT_ONCE):
            part = found[start : start + _AT_ONCE]
            answer = self._calls.ask(prompts.requirements(subject, part))
            proposed = {str(one.get("ref")): one for one in _entries(answer, "requirements")}
            for one in part:
                text = text.replaced(one.number, _improved(one, proposed.get(one.ref), text.language))
        return text

    def _section(self, subject: Subject, filed: str, found: Sequence[Requirement]) -> str:
        heading = filed.partition("\n")[0].removeprefix("## ").strip()
        if heading not in SECTIONS:
            return filed
        own, signed, signature = filed.partition("\n---\n")
        said = self._calls.ask(prompts.section(subject, heading, found)).get("text")
        body = said.strip() if isinstance(said, str) else ""
        named, known = set(_REF.findall(body)), {one.ref for one in found}
        if not named or not named <= known or re.search(r"^#{1,2} ", body, re.MULTILINE):
            return filed
        if heading in ("Component Design", "Testing"):  # where nothing may be missing
            missing = [one for one in found if one.ref not in named]
            body += "".join(f"\n- {one.ref}: {one.statement}" for one in missing)
        elif not named & set(_REF.findall(own)) and _REF.search(own):
            return filed
        trace = words(subject.language)["design"]["trace"].format(
            refs=", ".join(sorted(named | ({one.ref for one in found} if heading in ("Component Design", "Testing") else set())))
        )
        return f"## {heading}\n\n{body}\n\n{trace}\n{signed}{signature}"


def _questions(answer: dict[str, Any], known: set[str]) -> list[NewQuestion]:
    found: list[NewQuestion] = []
    for one in _entries(answer, "questions"):
        text, category = " ".join(str(one.get("text", "")).split()), one.get("category")
        key = searchable(text)
        if category in CATEGORIES and text.endswith("?") and 10 <= len(text) <= 300 and key not in known:
            known.add(key)
            found.append(NewQuestion(f"model:{len(known)}", str(category), text))
    return found


def _improved(old: Requirement, proposed: dict[str, Any] | None, language: str) -> Requirement:
    """Return a requirement in the model's words where they hold, else as it is."""
    if proposed is None:
        return old
    statement = _line(proposed.get("statement"))
    kind = next((kind for kind, form in _FORMS[language].items() if form.fullmatch(statement)), None)
    said = f"{old.statement} {old.origin}"
    if kind is None or len(statement) > 600 or not _numbers(statement) <= _numbers(said) or not _about(statement, said):
        return old
    criteria = tuple(
        one for one in map(_line, _list(proposed.get("criteria"))) if one and len(one) <= 400 and _numbers(one) <= _numbers(said)
    )[:4]
    title = _line(proposed.get("title"))[:80]
    return replace(old, statement=statement, kind=kind, title=title or old.title, criteria=criteria or old.criteria)


def _about(statement: str, said: str) -> bool:
    """Tell whether a statement speaks of what was said: it shares a third of its longer words."""
    own = {one[:5] for one in re.findall(r"[^\W\d_]{4,}", statement.lower())} - _COMMON
    others = {one[:5] for one in re.findall(r"[^\W\d_]{4,}", said.lower())}
    return not own or len(own & others) * 3 >= len(own)


_COMMON: Final = frozenset(
    one[:5] for one in ("system", "shall", "when", "while", "where", "then", "that", "this", "with", "muss")
)


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", _REF.sub("", text)))


def _line(value: object) -> str:
    return " ".join(value.split()).strip("*_#> ") if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _entries(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in _list(answer.get(name)) if isinstance(one, dict)]
