"""omoios, section 9: explorations and specs."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.fields import Offset
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.documents import document_status
from shared.edge.views.omoios.exploration_fields import (
    AnswerQuestion,
    AskedQuestion,
    DesignDocument,
    DocumentSummary,
    ExplorationDetails,
    ExplorationQuestions,
    GenerateSpec,
    InitializedProject,
    InitializeProject,
    ListedExploration,
    Question,
    RefineRequirements,
    RequirementsDocument,
    Spec,
    SpecProperty,
    SpecTicket,
    StartedExploration,
    StartExploration,
)
from shared.edge.views.omoios.tickets import upper
from shared.planning.explorations import exploring, initializing, listing, papers, specs
from shared.planning.explorations.exploring import Dialogue
from shared.planning.explorations.initializing import SpecCard
from shared.planning.explorations.papers import Paper
from shared.planning.explorations.rows import Question as QuestionRow
from shared.planning.explorations.specs import SpecView
from shared.planning.explorations.state import read_state
from shared.runs.authoring import choosing
from shared.work.boards.lanes import canonical_phase
from shared.work.documents.rows import Document

routes = Routes(OMOIOS, "explorations")

_WRONG_STEP = (Situation.DOCUMENT_STATUS,)
_BY_MODEL = (*_WRONG_STEP, Situation.USAGE_LIMIT, Situation.PROVIDER_UNAVAILABLE, Situation.TIMEOUT)


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
