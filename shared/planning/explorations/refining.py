"""The embedded author's next version of requirements: feedback and changes become changes of single requirements; all others keep their
numbers and their text to the letter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.core.errors import Conflict, FieldError, Invalid, LimitExceeded
from shared.core.situations import Situation
from shared.core.texts import searchable
from shared.planning.explorations import statements
from shared.planning.explorations.ears import criteria_of, plain, to_ears
from shared.planning.explorations.filing import group_of, headline, shortened
from shared.planning.explorations.requirements import MAX_REQUIREMENTS, Requirement, RequirementsText
from shared.planning.explorations.revising import is_covered, named_as_removed, named_as_unneeded, telling
from shared.planning.explorations.wording import words

_REF: Final = r"REQ[- ]?(\d{1,5})"
_ADD: Final = re.compile(
    rf"(?:add|new|create|include|neu|ergänze|füge hinzu)(?: a)?(?: requirement)?:? {_REF}\s*"
    r"(?:for|to|that|about|on|für|zu|[:\u2013\u2014-])?\s*(.+)",
    re.I | re.S,
)
_REMOVE: Final = re.compile(
    rf"(?:please |bitte )?(?:remove|delete|drop|withdraw|cancel|streiche|entferne|lösche) {_REF}\b.*|"
    rf"(?:bitte )?REQ[- ]?(?P<ref>\d{{1,5}})\s+(?:bitte )?(?:streichen|entfernen|löschen|weglassen|entfällt|kann weg|can go|"
    r"can be (?:dropped|removed)|(?:is|wird) (?:no longer|not|nicht)(?: mehr)? (?:needed|required|wanted|gebraucht|benötigt)"
    r"(?: any ?more)?)\W*",
    re.I | re.S,
)
_CHANGE: Final = re.compile(
    rf"(?:(?:change|update|replace|reword|rewrite|correct|modify|ändere|ersetze) )?{_REF}\s*"
    r"(?:to|by|with|should be|should say|zu|durch|in|[:\u2013\u2014-])\s*(.+)",
    re.I | re.S,
)
_MISSING: Final = re.compile(
    r"(?:there (?:is|are) no|no|missing|lacks?|lacking|we miss|it lacks|es fehl(?:t|en)|fehlende?)\s+(.+)", re.I | re.S
)
MAX_SENTENCES: Final = 300
"""Sentences of the remarks about one version. The time that a pass takes grows with their square."""


@dataclass(frozen=True)
class Remarks:
    """What was said about a version: why it was rejected, the feedback, and the changes that are asked for."""

    feedback: str
    changes: Sequence[str] = ()
    rejection: str = ""


def refine(text: RequirementsText, remarks: Remarks, version: int, name: str) -> RequirementsText:
    """Return the text of the version after `version`. Raises Conflict if nothing is left, LimitExceeded above MAX_REQUIREMENTS or
    MAX_SENTENCES, Invalid for a change of a requirement that does not exist."""
    return _Refinement(text, version, name).apply(remarks)


class _Refinement:
    """One pass over the remarks. Numbers of withdrawn requirements are never given again."""

    def __init__(self, text: RequirementsText, version: int, name: str) -> None:
        self.text, self.version, self.name = text, version, name
        self.own = words(text.language)
        self.said = self.added = 0
        self.used = {one.number for one in text.requirements} | {
            int(found) for entry in text.entries("withdrawn") for found in re.findall(r"^REQ-(\d+)", entry)
        }

    def apply(self, remarks: Remarks) -> RequirementsText:
        said = searchable(" ".join([remarks.feedback, *remarks.changes]))
        for change in remarks.changes:
            self._change(change, self.own["feedback"].format(version=self.version))
        places = [(remarks.feedback, "feedback", " ".join(remarks.changes)), (remarks.rejection, "rejection", said)]
        for source, place, covered in places:
            for sentence in _sentences(source, self.text.language):
                self._count()
                if not is_covered(sentence, covered):
                    self._change(sentence, self.own[place].format(version=self.version))
        for entry in (remarks.rejection, remarks.feedback, *remarks.changes):
            if entry.strip():
                self.text = self.text.with_entry(
                    "history", self.own["history_entry"].format(version=self.version, quoted=plain(entry))
                )
        if not self.text.requirements:
            raise Conflict(Situation.DOCUMENT_STATUS, "The changes would leave no requirement; nothing was changed")
        if len(self.text.requirements) > MAX_REQUIREMENTS:
            raise _too_many()
        return self.text

    def _count(self) -> None:
        """Count a sentence. Raises LimitExceeded."""
        self.said += 1
        if self.said > MAX_SENTENCES:
            reason = f"At most {MAX_SENTENCES} sentences are taken up at once; say the rest about the next version"
            raise LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_SENTENCES})

    def _change(self, sentence: str, place: str) -> None:
        line = sentence.strip()
        if found := _REMOVE.fullmatch(line):
            self._withdraw(self._existing(int(found[1] or found["ref"])))
        elif found := _ADD.fullmatch(line):
            self._add(found[2], line, place, int(found[1]))
        elif (found := _CHANGE.fullmatch(line)) and int(found[1]) in {one.number for one in self.text.requirements}:
            self._reword(self._existing(int(found[1])), found[2], line, place)
        elif found:
            self._add(found[2], line, place, int(found[1]))
        elif line.endswith("?"):
            self._note("open", line)
        elif found := _MISSING.fullmatch(line):
            self.text = self.text.with_entry("open", self.own["missing"].format(quoted=plain(line)))
        elif not self._take_back(line):
            kinds = statements.of_answer(line, self.text.language, None)
            for one in kinds:
                self._count()
                if one.kind == "required":
                    self._add(one.text, one.text, place, None)
                else:
                    self._note({"open": "open", "excluded": "excluded"}.get(one.kind, "unfiled"), one.text)

    def _take_back(self, line: str) -> bool:
        """Withdraw what a sentence says is not needed any more. Where a requirement asks for more than that, people are asked."""
        unneeded, removed = named_as_unneeded(line), named_as_removed(line)
        about = telling(unneeded or removed or "")
        if not about:
            return False
        speaking = [one for one in self.text.requirements if about <= telling(f"{one.statement} {one.title}")]
        for one in speaking:
            if len(telling(one.title)) <= 2 * len(about):
                self._withdraw(one)
            else:
                entry = self.own["speaks_of"].format(ref=one.ref, statement=one.statement.rstrip("."), quoted=plain(line))
                self.text = self.text.with_entry("open", entry)
        if speaking or unneeded:
            self._note("excluded", line)
        return bool(speaking or unneeded)

    def _add(self, said: str, line: str, place: str, number: int | None) -> None:
        if number is None or number in self.used or number > 99_999 or number == 0:
            number = max(self.used, default=0) + 1
        self.used.add(number)
        self.added += 1
        if self.added > MAX_REQUIREMENTS:  # too many, even if all that were there before are withdrawn
            raise _too_many()
        bare = re.sub(r"^(?:add|also add|include|ergänze)\s+", "", said, flags=re.IGNORECASE) or said
        self.text = self.text.with_requirement(self._made(number, bare, line, place, group_of(said)))
        for entry in self.text.entries("open"):  # what was asked as missing, and is said now
            if entry.startswith(("“", "„")) and is_covered(entry, said):
                self.text = self.text.without_entry("open", entry)

    def _reword(self, old: Requirement, said: str, line: str, place: str) -> None:
        new = self._made(old.number, said, line, place, old.category)
        self.text = self.text.replaced(old.number, replace(new, origin=f"{new.origin}; {old.origin}"))

    def _withdraw(self, old: Requirement) -> None:
        entry = self.own["withdrawn_entry"].format(ref=old.ref, version=self.version, statement=old.statement)
        self.text = self.text.replaced(old.number, None).with_entry("withdrawn", entry)

    def _note(self, name: str, line: str) -> None:
        self.text = self.text.with_entry(name, f"„{plain(line)}“" if self.text.language == "de" else f"“{plain(line)}”")

    def _made(self, number: int, said: str, line: str, place: str, category: str) -> Requirement:
        noun = not statements.asks(said) and len(said.split()) <= 12
        ears = to_ears(said, self.name, self.text.language, self.own["provide"] if noun else None)
        quote = f"„{shortened(line, 300)}“" if self.text.language == "de" else f"“{shortened(line, 300)}”"
        criteria = tuple(criteria_of(ears, self.text.language))
        return Requirement(number, headline(said), ears.kind, ears.statement, f"{place}: {quote}", category, criteria)

    def _existing(self, number: int) -> Requirement:
        found = next((one for one in self.text.requirements if one.number == number), None)
        if found is None:
            raise Invalid(FieldError("changes", f"There is no requirement REQ-{number:03d}"))
        return found


def _too_many() -> LimitExceeded:
    reason = f"A document has at most {MAX_REQUIREMENTS} requirements; withdraw some, or explore a part of the idea alone"
    return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_REQUIREMENTS})


def _sentences(text: str, language: str) -> Iterator[str]:
    for line in text.splitlines():
        bare = re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", line).strip()
        if bare:
            yield from statements.split(bare, language)
