"""omoios, section 9: the fields of explorations and their specs."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, Name, Seen
from shared.edge.contracts.omoios import Id
from shared.planning.explorations.exploring import MAX_ANSWER, MAX_IDEA

Idea = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_IDEA), Seen]
Answer = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_ANSWER), Seen]
Feedback = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_ANSWER)]
Change = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000), Seen]
SpecName = Annotated[
    str,
    Form(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", "Should be 1 to 80 letters, digits, hyphens and underscores, and begin with no sign"),
]


class StartExploration(Request):
    initial_idea: Idea
    user_id: Annotated[Id | None, Field(description="The caller")] = None
    workspace_id: Annotated[
        Id | None, Field(description="Not in the document; by default the organization's default workspace")
    ] = None


class AnswerQuestion(Request):
    question_id: Id
    answer_text: Annotated[Answer, Field(description="`I don't know` leaves the question open")]


class RefineRequirements(Request):
    feedback: Feedback
    changes: Annotated[list[Change], Field(max_length=50)] = []


class GenerateSpec(Request):
    spec_name: SpecName


class InitializeProject(Request):
    project_name: Name
    create_tickets: bool = True


class Question(Shape):
    id: str
    question_text: str
    question_category: str


class StartedExploration(Shape):
    exploration_id: str
    current_stage: str
    initial_idea: str
    questions: list[Question]


class ExplorationQuestions(Shape):
    """`questions` are all that wait for an answer."""

    exploration_id: str
    current_stage: str
    questions: list[Question]
    ready_for_requirements: bool


class AskedQuestion(Question):
    status: str
    """waiting, answered, none (nothing of the kind is needed) or open (nobody knows yet)."""
    answer_text: str | None
    answered_at: str | None


class ListedExploration(Shape):
    exploration_id: str
    current_stage: str
    initial_idea: str
    """At most 500 characters of it."""
    title: str | None
    project_id: str | None
    created_by: str | None
    created_at: str


class DocumentSummary(Shape):
    document_id: str
    title: str
    version: int
    status: str


class ExplorationDetails(ExplorationQuestions):
    initial_idea: str
    history: list[AskedQuestion]
    requirements: DocumentSummary | None
    design: DocumentSummary | None
    spec_id: str | None
    project_id: str | None
    created_at: str


class RequirementsDocument(Shape):
    document_id: str
    title: str
    status: str
    version: int
    total_requirements: int
    content: str


class DesignDocument(Shape):
    document_id: str
    title: str
    status: str
    version: int
    sections: list[str]
    content: str


class Spec(Shape):
    spec_id: str
    spec_name: str
    status: str
    exploration_id: str
    requirements_file_path: str
    design_file_path: str
    tasks_file_path: str


class SpecProperty(Shape):
    id: str
    property_statement: str
    property_type: str
    test_generated: bool
    requirement: str
    test: str | None


class SpecTicket(Shape):
    """A ticket of a spec. `created` is false before the project is initialized: it will be made with this id."""

    id: str
    title: str
    priority: str
    phase_id: str
    requirement: str | None
    task_ids: list[str]
    depends_on: list[str]
    created: bool


class InitializedProject(Shape):
    project_id: str
    tickets_created: int
    tasks_created: int
