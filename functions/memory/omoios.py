"""omoios, what the document counts as existing: memories of tasks, and the patterns in them."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AfterValidator, Field, StringConstraints

from functions.memory import quality
from functions.memory.telling import Listeners
from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import OneLine, Seen
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.insight.memories.advising import PatternQuery, UsedPattern, get_task_context, list_patterns
from shared.insight.memories.completing import Learned, learn_from_task
from shared.insight.memories.learning import JUDGEMENT, PatternRequest, extract_pattern, judge_pattern
from shared.insight.memories.ranking import KEYWORD_WEIGHT, SEMANTIC_WEIGHT, SearchQuery
from shared.insight.memories.reflecting import Report, ToolUse
from shared.insight.memories.searching import Found, search_memories
from shared.insight.memories.storing import NewMemory, store_memory
from shared.insight.memories.vectors import THRESHOLD

routes = Routes(OMOIOS, "memory")

MAX_JSON = 20_000
"""Characters of an object as JSON."""
MAX_TOOLS = 200
WRITTEN = (Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)
EMBEDDED = (Situation.PROVIDER_UNAVAILABLE,)
"""How a search may fail where a service makes the vectors."""
Description = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), Seen]
Reported = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=10_000), Seen]
Share = Annotated[float, Field(ge=0, le=1)]
MemoryType = Literal["error_fix", "discovery", "decision", "learning", "warning", "codebase_knowledge"]
PatternType = Literal["success", "failure", "optimization"]
TaskTypePattern = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), OneLine]


def _bounded(value: Any) -> Any:
    if len(write_json(value)) > MAX_JSON:
        raise ValueError(f"Takes at most {MAX_JSON:,} characters as JSON")
    return value


Object = Annotated[dict[str, Any], AfterValidator(_bounded)]


class StoreExecutionRequest(Request):
    """Without a `memory_type` it is `learning` if the task succeeded, else `warning`."""

    task_id: Id
    execution_summary: Description
    success: bool
    error_patterns: Object | None = None
    auto_extract_patterns: bool = True
    memory_type: MemoryType | None = None


class MemoryStored(Shape):
    """`pattern_id`: the pattern that this memory has completed or changed."""

    memory_id: str
    task_id: str
    status: str
    pattern_id: str | None = None


class SearchSimilarRequest(Request):
    """`similarity_threshold` is one of meaning: hybrid mode also finds what shares enough words with the description, keyword mode only
    that. Of the weights only their ratio counts."""

    task_description: Description
    top_k: Annotated[int, Field(ge=1, le=100)] = 5
    similarity_threshold: Share = THRESHOLD
    success_only: bool = False
    memory_types: Annotated[list[MemoryType], Field(max_length=6)] | None = None
    search_mode: Literal["semantic", "keyword", "hybrid"] = "hybrid"
    semantic_weight: Share = SEMANTIC_WEIGHT
    keyword_weight: Share = KEYWORD_WEIGHT
    project_id: Annotated[Id | None, Field(description="Not in the document; by default all projects of the caller")] = None


class SimilarTaskResponse(Shape):
    """`similarity_score` is from 0 to 1, by the search mode. `reused_count` counts how often it was handed out, this time too."""

    task_id: str
    memory_id: str
    summary: str
    success: bool
    similarity_score: float
    reused_count: int
    memory_type: str


class PatternResponse(Shape):
    pattern_id: str
    pattern_type: str
    task_type_pattern: str
    success_indicators: list[str]
    failure_indicators: list[str]
    recommended_context: dict[str, Any]
    confidence_score: float
    usage_count: int


class TaskContextResponse(Shape):
    similar_tasks: list[SimilarTaskResponse]
    matching_patterns: list[PatternResponse]
    recommendations: list[str]


class ExtractPatternRequest(Request):
    """`task_type_pattern` is a type of tasks, several with `*`, or words that the memories have."""

    task_type_pattern: TaskTypePattern
    pattern_type: PatternType = "success"
    min_samples: Annotated[int, Field(ge=2, le=10)] = 3
    project_id: Annotated[
        Id | None, Field(description="Not in the document; by default the organization's default workspace")
    ] = None


class PatternExtracted(Shape):
    pattern_id: str
    confidence: float
    confidence_score: float
    sample_count: int
    status: str


class PatternFeedbackRequest(Request):
    """Without an adjustment it is 0.2, or -0.2 if the pattern did not help."""

    helpful: bool
    confidence_adjustment: Annotated[float, Field(ge=-JUDGEMENT, le=JUDGEMENT)] | None = None


class FeedbackRecorded(Shape):
    pattern_id: str
    status: str
    new_confidence: float
    confidence_score: float


class ToolUsage(Request):
    tool_name: Annotated[str, Field(min_length=1, max_length=200)]
    arguments: Object
    result: Annotated[str, Field(max_length=20_000)] | None = None


class CompleteTaskRequest(Request):
    task_id: Id
    goal: Reported
    result: Reported
    tool_usage: Annotated[list[ToolUsage], Field(max_length=MAX_TOOLS)]
    feedback: Annotated[str, Field(max_length=10_000)]
    agent_id: Annotated[str, Field(min_length=1, max_length=100), OneLine]


class PlaybookBullet(Shape):
    id: str
    content: str
    helpful: int
    harmful: int
    tags: list[str]
    updated_at: str
    similarity: float | None = None


class PlaybookDelta(Shape):
    added: list[PlaybookBullet]
    updated: list[PlaybookBullet]
    removed: list[PlaybookBullet]


class AceResult(Shape):
    """`change_id` names the change of the project's playbook; null if nothing changed there."""

    memory_id: str
    memory_type: str
    files_linked: list[str]
    tags_added: list[str]
    insights_found: list[str]
    errors_identified: list[str]
    related_playbook_entries: list[PlaybookBullet]
    playbook_delta: PlaybookDelta
    updated_bullets: list[PlaybookBullet]
    change_id: str | None


class CompleteTaskResponse(Shape):
    success: bool
    ace_result: AceResult


Limit = Annotated[int, Query(ge=1, le=200)]
TopK = Annotated[int, Query(ge=1, le=100)]


@routes.post("/memory/store", "memory.store", status=201, permission=Permission.CARD_EDIT, errors=(*WRITTEN, *EMBEDDED))
async def store(body: StoreExecutionRequest, caller: Caller) -> MemoryStored:
    """Store what was done at a task and how it ended. A workspace keeps 10,000 memories; then the oldest goes.

    With `auto_extract_patterns` the third memory that is like others of its type of tasks and outcome makes a pattern.
    """
    new = NewMemory(
        body.execution_summary,
        body.success,
        body.error_patterns,
        body.memory_type,
        extract_patterns=body.auto_extract_patterns,
    )
    stored = store_memory(caller, body.task_id, new)
    return MemoryStored(
        memory_id=stored.memory.id,
        task_id=stored.memory.task_id,
        status="stored",
        pattern_id=stored.pattern.id if stored.pattern else None,
    )


@routes.post("/memory/search", "memory.search", permission=Permission.CARD_READ, errors=EMBEDDED)
async def search(body: SearchSimilarRequest, caller: Caller) -> list[SimilarTaskResponse]:
    """Find memories of similar tasks, best first: by meaning, by words, or by both (reciprocal rank fusion)."""
    query = SearchQuery(
        body.task_description,
        body.top_k,
        body.similarity_threshold,
        body.success_only,
        body.memory_types or (),
        body.search_mode,
        body.semantic_weight,
        body.keyword_weight,
        body.project_id,
    )
    listeners = Listeners()
    found = search_memories(caller, query, listeners.ask)
    listeners.tell(query.mode)
    return [_similar(one) for one in found]


def _similar(found: Found) -> SimilarTaskResponse:
    return SimilarTaskResponse(
        task_id=found.memory.task_id,
        memory_id=found.memory.id,
        summary=found.memory.summary,
        success=found.memory.success,
        similarity_score=found.score,
        reused_count=found.uses,
        memory_type=found.memory.memory_type,
    )


def _pattern(used: UsedPattern) -> PatternResponse:
    row = used.pattern
    return PatternResponse(
        pattern_id=row.id,
        pattern_type=row.pattern_type,
        task_type_pattern=row.task_type_pattern,
        success_indicators=row.success_indicators,
        failure_indicators=row.failure_indicators,
        recommended_context=row.recommended_context,
        confidence_score=row.confidence,
        usage_count=used.uses,
    )


@routes.get("/memory/tasks/{task_id}/context", "memory.taskContext", permission=Permission.CARD_READ, errors=EMBEDDED)
async def task_context(task_id: str, caller: Caller, top_k: TopK = 3) -> TaskContextResponse:
    """Get what is known for a task: similar tasks of its workspace, the patterns that fit, and what follows from both."""
    found = get_task_context(caller, task_id, top_k)
    return TaskContextResponse(
        similar_tasks=[_similar(one) for one in found.similar],
        matching_patterns=[_pattern(one) for one in found.patterns],
        recommendations=found.recommendations,
    )


@routes.get("/memory/patterns", "memory.patterns", permission=Permission.CARD_READ)
async def patterns(
    caller: Caller,
    call: ThisCall,
    task_type: Annotated[str | None, Query(max_length=200)] = None,
    pattern_type: PatternType | None = None,
    limit: Limit = 10,
) -> list[PatternResponse]:
    """List the patterns of all the caller's workspaces, the surest first; `X-Total-Count` has their number."""
    found, total = list_patterns(caller, PatternQuery(task_type, pattern_type, limit))
    call.headers.append(("X-Total-Count", str(total)))
    return [_pattern(one) for one in found]


@routes.post(
    "/memory/patterns/extract",
    "memory.extract",
    status=201,
    permission=Permission.CARD_EDIT,
    errors=(Situation.SAMPLES_TOO_FEW,),
)
async def extract(body: ExtractPatternRequest, caller: Caller) -> PatternExtracted:
    """Make a pattern of all memories of a kind; the same request later makes it anew. 400 if there are fewer than `min_samples`."""
    asked = PatternRequest(body.task_type_pattern, body.pattern_type, body.min_samples, body.project_id)
    made = extract_pattern(caller, asked)
    return PatternExtracted(
        pattern_id=made.id,
        confidence=made.confidence,
        confidence_score=made.confidence,
        sample_count=int(made.samples),
        status="extracted",
    )


@routes.post("/memory/patterns/{pattern_id}/feedback", "memory.feedback", permission=Permission.CARD_EDIT)
async def feedback(pattern_id: str, body: PatternFeedbackRequest, caller: Caller) -> FeedbackRecorded:
    """Say whether a pattern has helped: its confidence goes up or down, and stays between 0 and 1."""
    judged = judge_pattern(caller, pattern_id, helpful=body.helpful, adjustment=body.confidence_adjustment)
    return FeedbackRecorded(
        pattern_id=judged.id,
        status="feedback_recorded",
        new_confidence=judged.confidence,
        confidence_score=judged.confidence,
    )


@routes.post("/memory/complete-task", "memory.completeTask", permission=Permission.CARD_EDIT, errors=(*WRITTEN, *EMBEDDED))
async def complete_task(body: CompleteTaskRequest, caller: Caller) -> CompleteTaskResponse:
    """Learn from the report of a completed task: a memory, and advice in the project's playbook. The status of the task stays as it is."""
    tools = [ToolUse(one.tool_name, one.arguments, one.result) for one in body.tool_usage]
    learned = learn_from_task(caller, body.task_id, Report(body.goal, body.result, tools, body.feedback), body.agent_id)
    return CompleteTaskResponse(success=True, ace_result=_ace_result(learned))


def _ace_result(learned: Learned) -> AceResult:
    found = learned.reflection
    updated = _bullets(learned.delta.updated)
    return AceResult(
        memory_id=learned.memory.id,
        memory_type=learned.memory.memory_type,
        files_linked=found.files,
        tags_added=found.tags,
        insights_found=found.insights,
        errors_identified=found.errors,
        related_playbook_entries=_bullets(learned.related),
        playbook_delta=PlaybookDelta(
            added=_bullets(learned.delta.added), updated=updated, removed=_bullets(learned.delta.removed)
        ),
        updated_bullets=updated,
        change_id=learned.change_id,
    )


def _bullets(bullets: list[dict[str, Any]]) -> list[PlaybookBullet]:
    return [PlaybookBullet(**one) for one in bullets]


quality.publish(routes)
