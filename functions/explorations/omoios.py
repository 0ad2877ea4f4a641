"""omoios, section 9: explorations and specs."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, Name, Offset, Seen
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.documents import document_status
from shared.edge.views.omoios.tickets import upper
from shared.planning.explorations import exploring, initializing, listing, papers, specs
from shared.planning.explorations.exploring import MAX_ANSWER, MAX_IDEA, Dialogue
from shared.planning.explorations.initializing import SpecCard
from shared.planning.explorations.papers import Paper
from shared.planning.explorations.rows import Question as QuestionRow
from shared.planning.explorations.specs import SpecView
from shared.planning.explorations.state import read_state
from shared.runs.authoring import choosing
from shared.work.boards.lanes import canonical_phase
from shared.work.documents.rows import Document

routes = Routes(OMOIOS, "explorations")

Idea = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_IDEA), Seen]
Answer = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_ANSWER), Seen]
Feedback = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_ANSWER)]
Change = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000), Seen]
SpecName = Annotated[
    str,
    Form(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", "Should be 1 to 80 letters, digits, hyphens and underscores, and begin with no sign"),
]
_WRONG_STEP = (Situation.DOCUMENT_STATUS,)
_BY_MODEL = (*_WRONG_STEP, Situation.USAGE_LIMIT, Situation.PROVIDER_UNAVAILABLE, Situation.TIMEOUT)


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


@routes.post("/projects/explore/start", "exploration.start", status=201, permission=Permission.DOCUMENT_WRITE)
async def start(body: StartExploration, caller: Caller) -> StartedExploration:
    """Start to explore an idea: the first questions about it, at most five."""
    caller.require_self(body.user_id)
    workspace, last = exploring.begin(caller, body.workspace_id)
    dialogue = exploring.start(caller, workspace, body.initial_idea, last, **asdict(choosing.choose(workspace)))
    row = dialogue.exploration
    return StartedExploration(
        exploration_id=row.id,
        current_stage=dialogue.stage,
        initial_idea=row.initial_idea,
        questions=[_question(one) for one in dialogue.waiting],
    )


@routes.get("/projects/explore", "exploration.list", permission=Permission.PROJECT_READ, addition=True)
async def list_all(
    caller: Caller,
    call: ThisCall,
    workspace_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=listing.MOST)] = 20,
    offset: Offset = 0,
) -> list[ListedExploration]:
    """List the explorations of a workspace (by default the organization's default one), started last first; `X-Total-Count` has their
    number."""
    found, total = listing.list_explorations(caller, workspace_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [
        ListedExploration(
            exploration_id=row.id,
            current_stage=one.stage,
            initial_idea=row.initial_idea[:500],
            title=row.title,
            project_id=row.id if row.initialized_at else None,
            created_by=(row.created_by or {}).get("id"),
            created_at=row.created_at,
        )
        for one in found
        for row in (one.exploration,)
    ]


@routes.get("/projects/explore/{exploration_id}", "exploration.get", permission=Permission.PROJECT_READ, addition=True)
async def get(exploration_id: str, caller: Caller) -> ExplorationDetails:
    """Get an exploration: its stage, its questions and answers, its documents."""
    state = read_state(caller, exploration_id, Permission.PROJECT_READ)
    dialogue, row = exploring.dialogue_of(state), state.exploration
    return ExplorationDetails(
        **_questions(dialogue).model_dump(),
        initial_idea=row.initial_idea,
        history=[_asked(one) for one in state.questions],
        requirements=_summary(state.requirements),
        design=_summary(state.design),
        spec_id=state.spec.id if state.spec else None,
        project_id=row.id if row.initialized_at else None,
        created_at=row.created_at,
    )


@routes.post(
    "/projects/explore/{exploration_id}/answer", "exploration.answer", permission=Permission.DOCUMENT_WRITE, errors=_BY_MODEL
)
async def answer(exploration_id: str, body: AnswerQuestion, caller: Caller) -> ExplorationQuestions:
    """Answer a question, or answer it anew; the response has all questions that wait, with those that follow from the answer."""
    return _questions(exploring.answer(caller, exploration_id, body.question_id, body.answer_text, choosing.author_of))


@routes.post(
    "/projects/explore/{exploration_id}/generate-requirements",
    "exploration.generateRequirements",
    permission=Permission.DOCUMENT_WRITE,
    errors=_BY_MODEL,
)
async def generate_requirements(exploration_id: str, caller: Caller) -> RequirementsDocument:
    """Generate the requirements document; what was not answered stands in it as an open question."""
    return _requirements(papers.generate_requirements(caller, exploration_id, choosing.author_of))


@routes.post(
    "/projects/explore/{exploration_id}/refine-requirements",
    "exploration.refineRequirements",
    permission=Permission.DOCUMENT_WRITE,
    errors=_BY_MODEL,
)
async def refine_requirements(exploration_id: str, body: RefineRequirements, caller: Caller) -> RequirementsDocument:
    """Write the next version of the requirements: what is not spoken of keeps its number and its text."""
    return _requirements(papers.refine_requirements(caller, exploration_id, body.feedback, body.changes, choosing.author_of))


@routes.post(
    "/projects/explore/{exploration_id}/generate-design",
    "exploration.generateDesign",
    permission=Permission.DOCUMENT_WRITE,
    errors=_BY_MODEL,
)
async def generate_design(exploration_id: str, caller: Caller) -> DesignDocument:
    """Generate the design document from the approved requirements."""
    paper = papers.generate_design(caller, exploration_id, choosing.author_of)
    document = paper.document
    return DesignDocument(
        document_id=document.version_id,
        title=document.title,
        status=document_status(document.status),
        version=int(document.number),
        sections=paper.sections,
        content=paper.text,
    )


@routes.post(
    "/projects/explore/{exploration_id}/generate-spec",
    "exploration.generateSpec",
    status=201,
    permission=Permission.DOCUMENT_WRITE,
    errors=_WRONG_STEP,
)
async def generate_spec(exploration_id: str, body: GenerateSpec, caller: Caller) -> Spec:
    """Make a spec of the approved requirements and design, which then change no more."""
    return _spec(specs.generate_spec(caller, exploration_id, body.spec_name))


@routes.post(
    "/projects/explore/{exploration_id}/initialize-project",
    "exploration.initializeProject",
    status=201,
    permission=Permission.PROJECT_CREATE,
    errors=(*_WRONG_STEP, Situation.TIMEOUT),
)
async def initialize_project(exploration_id: str, body: InitializeProject, caller: Caller) -> InitializedProject:
    """Make the project with its board, tickets, tasks and dependencies, each once. After a 504 the same request goes on."""
    made = initializing.initialize(caller, exploration_id, body.project_name, create_cards=body.create_tickets)
    return InitializedProject(project_id=made.project_id, tickets_created=made.cards, tasks_created=made.tasks)


@routes.get("/specs/{spec_id}", "specs.get", permission=Permission.PROJECT_READ, addition=True)
async def get_spec(spec_id: str, caller: Caller) -> Spec:
    """Get a spec."""
    return _spec(specs.get_spec(caller, spec_id))


@routes.get(
    "/specs/{spec_id}/files/{file_name}", "specs.file", permission=Permission.PROJECT_READ, addition=True, media="text/markdown"
)
async def get_file(spec_id: str, file_name: str, caller: Caller) -> Response:
    """Get `requirements.md`, `design.md` or `tasks.md` of a spec."""
    return Response(specs.spec_file(caller, spec_id, file_name), media_type="text/markdown; charset=utf-8")


@routes.post("/specs/{spec_id}/extract-properties", "specs.extractProperties", permission=Permission.DOCUMENT_WRITE)
async def extract_properties(spec_id: str, caller: Caller) -> list[SpecProperty]:
    """Extract testable properties from a spec's requirements. `test` is the text of a test, where the requirement's words make one."""
    return [
        SpecProperty(
            id=one.id,
            property_statement=one.statement,
            property_type=one.type,
            test_generated=bool(one.test),
            requirement=one.ref,
            test=one.test or None,
        )
        for one in specs.extract_properties(caller, spec_id)
    ]


@routes.post(
    "/specs/{spec_id}/generate-tasks",
    "specs.generateTasks",
    status=201,
    permission=Permission.CARD_CREATE,
    errors=(Situation.TIMEOUT,),
)
async def generate_tasks(spec_id: str, caller: Caller) -> list[SpecTicket]:
    """Plan the tickets of a spec; if its project is initialized, they are made. Asked again, the tickets are the same."""
    return [_ticket(one) for one in initializing.generate_tasks(caller, spec_id)]


def _question(row: QuestionRow) -> Question:
    return Question(id=row.id, question_text=row.text, question_category=row.category)


def _asked(row: QuestionRow) -> AskedQuestion:
    return AskedQuestion(
        id=row.id,
        question_text=row.text,
        question_category=row.category,
        status=row.status,
        answer_text=row.answer,
        answered_at=row.answered_at,
    )


def _questions(dialogue: Dialogue) -> ExplorationQuestions:
    return ExplorationQuestions(
        exploration_id=dialogue.exploration.id,
        current_stage=dialogue.stage,
        questions=[_question(one) for one in dialogue.waiting],
        ready_for_requirements=dialogue.ready,
    )


def _summary(document: Document | None) -> DocumentSummary | None:
    if document is None:
        return None
    return DocumentSummary(
        document_id=document.version_id,
        title=document.title,
        version=int(document.number),
        status=document_status(document.status),
    )


def _requirements(paper: Paper) -> RequirementsDocument:
    document = paper.document
    return RequirementsDocument(
        document_id=document.version_id,
        title=document.title,
        status=document_status(document.status),
        version=int(document.number),
        total_requirements=paper.total_requirements,
        content=paper.text,
    )


def _spec(view: SpecView) -> Spec:
    return Spec(
        spec_id=view.spec.id,
        spec_name=view.spec.name,
        status=view.status,
        exploration_id=view.spec.id,
        requirements_file_path=view.path("requirements.md"),
        design_file_path=view.path("design.md"),
        tasks_file_path=view.path("tasks.md"),
    )


def _ticket(card: SpecCard) -> SpecTicket:
    planned, item = card.planned, card.item
    return SpecTicket(
        id=planned.id,
        title=item.title if item else planned.title,
        priority=upper(item.priority if item else planned.priority),
        phase_id=item.phase_id if item else canonical_phase(planned.phase),
        requirement=planned.ref or None,
        task_ids=[task.id for task in planned.tasks],
        depends_on=[planned.blocked_by] if planned.blocked_by else [],
        created=item is not None,
    )
