"""The rows of explorations.

EXPL#<id>, META           Exploration   an idea on its way to a project
EXPL#<id>, Q#01           Question      a question with its answer
SPEC#<id>, META           Spec          what was approved, under a name; its properties
DOC#<...>, META                         the requirements and the design are documents of the project that the exploration becomes

An exploration, its spec and its project have the same id: so the documents are the project's from the first one on, there can be no second
spec or project, and whoever knows one of them can read the others beside it.
"""

from typing import Any, Final

from shared.core.ids import derived_id
from shared.store import (
    BooleanAttribute,
    CountedEntity,
    CountedList,
    Entity,
    JSONAttribute,
    NumberAttribute,
    Row,
    UnicodeAttribute,
)

ORIGIN: Final = "exploration"
"""The origin of documents that were made by an exploration."""
REQUIREMENTS, DESIGN = "prd", "architecture"
"""The types of the two documents."""


def explorations_of(ws_id: str) -> CountedList:
    """Return the explorations of a workspace as a counted list, in the order in which they were started."""
    return CountedList(f"WS#{ws_id}", "EXPL", f"WS#{ws_id}#EXPL", lambda _: "exploration")


class Exploration(CountedEntity):
    KIND = "EXPL"
    NAME = "exploration"

    COLD = frozenset({"initial_idea"})

    initial_idea = UnicodeAttribute()
    language = UnicodeAttribute(default="en")
    provider = UnicodeAttribute(default="embedded")
    model = UnicodeAttribute(null=True)
    priced = BooleanAttribute(default=True)
    """Who writes, as it was chosen at the start, and whether its price is known."""
    asked = NumberAttribute(default=0)
    """How many questions were asked."""
    design_of = NumberAttribute(null=True)
    """The version of the requirements from which the design was made last."""
    title = UnicodeAttribute(null=True)
    """What is to be built; None before there are requirements."""
    initialized_at = UnicodeAttribute(null=True)
    cards_made = NumberAttribute(default=0)
    tasks_made = NumberAttribute(default=0)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"WS#{self.ws_id}#EXPL", self.place)}


class Question(Row):
    """A question. `status`: waiting | answered | none (nothing of the kind is needed) | open (nobody knows yet)."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="QUESTION")
    number = NumberAttribute()
    key = UnicodeAttribute()
    """What the question is about, for its author."""
    category = UnicodeAttribute()
    text = UnicodeAttribute()
    status = UnicodeAttribute(default="waiting")
    answer = UnicodeAttribute(null=True)
    answered_by = JSONAttribute(null=True)
    answered_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()

    @property
    def id(self) -> str:
        return f"q-{int(self.number)}"

    @classmethod
    def key_of(cls, exploration_id: str, number: int) -> tuple[str, str]:
        return f"EXPL#{exploration_id}", f"Q#{number:02d}"


class Spec(Entity):
    KIND = "SPEC"
    NAME = "spec"

    name = UnicodeAttribute()
    status = UnicodeAttribute(default="requirements_complete")  # requirements_complete | tasks_generated | executing
    requirements_number = NumberAttribute()
    design_number = NumberAttribute()
    """The versions of the documents of which the spec was made."""
    properties: Any = JSONAttribute(default=list)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"WS#{self.ws_id}#SPEC", f"{self.created_at}#{self.id}")}


def document_id(exploration_id: str, type_: str) -> str:
    return derived_id("exploration-document", exploration_id, type_)
