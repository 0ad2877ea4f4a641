"""Who writes questions, requirements and designs: the embedded author, which files what was said, or a model.

What an author returns is checked (`check_requirements`) and written by the services; an author writes nothing itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.actor import Actor
from shared.planning.explorations import designing, dialogue, filing, refining
from shared.planning.explorations.dialogue import Asked, NewQuestion
from shared.planning.explorations.goals import find_goal, title_of
from shared.planning.explorations.refining import Remarks
from shared.planning.explorations.requirements import RequirementsText
from shared.planning.explorations.rows import Exploration
from shared.planning.explorations.statements import of_idea
from shared.planning.explorations.wording import words


@dataclass(frozen=True)
class Subject:
    """What is explored: the idea with what was asked and answered."""

    idea: str
    asked: Sequence[Asked] = ()

    @property
    def language(self) -> str:
        return dialogue.language_of(self.idea, self.asked)

    @property
    def name(self) -> str:
        """What is to be built, as the idea calls it; "" if it does not."""
        said = [one.text for one in of_idea(self.idea, self.language)]
        return find_goal(said, self.language).name

    @property
    def title(self) -> str:
        return title_of(self.name, self.idea, self.language)


class Author(Protocol):
    """Writes what the next step of an exploration needs. May raise Upstream, Conflict, LimitExceeded."""

    def ask(self, subject: Subject) -> list[NewQuestion]: ...

    def requirements(self, subject: Subject) -> RequirementsText: ...

    def refine(self, subject: Subject, text: RequirementsText, remarks: Remarks, version: int) -> RequirementsText: ...

    def design(self, subject: Subject, text: RequirementsText) -> str: ...


class EmbeddedAuthor:
    """Files the person's own sentences, and asks for what is absent. Costs nothing."""

    def ask(self, subject: Subject) -> list[NewQuestion]:
        return dialogue.next_questions(subject.idea, subject.asked)

    def requirements(self, subject: Subject) -> RequirementsText:
        return filing.requirements_of(subject.idea, subject.asked)

    def refine(self, subject: Subject, text: RequirementsText, remarks: Remarks, version: int) -> RequirementsText:
        return refining.refine(text, remarks, version, subject.name if text.language == "en" else "")

    def design(self, subject: Subject, text: RequirementsText) -> str:
        title = words(text.language)["design_title"].format(name=subject.title)
        return designing.design_of(title, subject.title, subject.idea, text)


EMBEDDED = EmbeddedAuthor()
AuthorOf = Callable[[Actor, Exploration], Author]
"""Returns who writes for an exploration."""


def embedded(actor: Actor, exploration: Exploration) -> Author:  # noqa: ARG001 - one kind of AuthorOf
    return EMBEDDED
