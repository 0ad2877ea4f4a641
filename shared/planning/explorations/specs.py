"""Specs: what was approved, under a name, with three files; its testable properties; its tickets and tasks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.planning.explorations.authors import Subject
from shared.planning.explorations.papers import still_approved
from shared.planning.explorations.planning import PlannedCard, Property, plan_cards, properties_of, tasks_text
from shared.planning.explorations.requirements import RequirementsText, parse
from shared.planning.explorations.rows import DESIGN, REQUIREMENTS, Exploration, Spec, document_id
from shared.planning.explorations.state import State, read_state
from shared.store import authorize, create, get, get_many, id_of, load_text, save, stale, write
from shared.work.boards.counting import require_writable
from shared.work.boards.creating import board_id_of
from shared.work.documents.reading import is_text_of, latest_text, stored_text
from shared.work.documents.rows import Document, DocumentText, DocumentVersion

FILES: Final = ("requirements.md", "design.md", "tasks.md")


class _SpecExists(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.DOCUMENT_STATUS, "The exploration has a spec already")


@dataclass(frozen=True)
class SpecView:
    """A spec with the stage of its exploration."""

    spec: Spec
    initialized: bool

    @property
    def status(self) -> str:
        return "executing" if self.initialized else str(self.spec.status)

    def path(self, file: str) -> str:
        return f"specs/{self.spec.name}/{file}"


def generate_spec(actor: Actor, exploration_id: str, name: str) -> SpecView:
    """Make a spec of the approved requirements and design. Asked again with the same name, it answers with the same spec.

    Two round trips. Raises NotFound, Forbidden, Conflict before both are approved, or for another name.
    """
    state = read_state(actor, exploration_id, Permission.DOCUMENT_WRITE)
    if state.spec is not None:
        if state.spec.name != name:
            raise Conflict(
                Situation.DOCUMENT_STATUS, f"The exploration has the spec {state.spec.name} already", {"spec_id": state.spec.id}
            )
        return SpecView(state.spec, bool(state.exploration.initialized_at))
    state.require("design_approved", instead=_missing_step(state))
    exploration, requirements, design = state.exploration, state.requirements, state.design
    spec = Spec.new(
        exploration.id,
        org_id=exploration.org_id,
        ws_id=exploration.ws_id,
        name=name,
        requirements_number=requirements.number if requirements else 1,
        design_number=design.number if design else 1,
        created_by=actor.summary,
    )
    record(spec, EventType.SPEC_GENERATED, actor, name=name)
    write(create(spec, _SpecExists), save(exploration), still_approved(requirements), still_approved(design))
    return SpecView(spec, initialized=False)


def _missing_step(state: State) -> str:
    steps = {
        "exploring": "generate the requirements first",
        "requirements_generated": "approve the requirements first",
        "requirements_approved": "generate the design first",
        "design_generated": "approve the design first",
    }
    return steps.get(state.stage, "generate the spec first")


@dataclass(frozen=True)
class LoadedSpec:
    """A spec with its exploration and its requirements."""

    spec: Spec
    exploration: Exploration
    text: RequirementsText

    @property
    def title(self) -> str:
        return str(self.exploration.title or self.spec.name)

    @property
    def cards(self) -> list[PlannedCard]:
        return plan_cards(self.exploration.id, self.title, self.text.requirements, self.text.language)

    @property
    def view(self) -> SpecView:
        return SpecView(self.spec, bool(self.exploration.initialized_at))


def get_spec(actor: Actor, spec_id: str) -> SpecView:
    """Return a spec. One round trip. Raises NotFound, Forbidden."""
    spec, exploration = _read(actor, spec_id, Permission.PROJECT_READ)
    return SpecView(spec, bool(exploration.initialized_at))


def load_spec(actor: Actor, spec_id: str, permission: Permission) -> LoadedSpec:
    """Return a spec with the requirements of which it was made. One round trip; one or two more if these were changed since.

    Raises NotFound, Forbidden.
    """
    texts = latest_text(document_id(bare_id(spec_id), REQUIREMENTS))
    spec, exploration = _read(actor, spec_id, permission)
    text = version_text(exploration.id, REQUIREMENTS, int(spec.requirements_number), texts.result())
    return LoadedSpec(spec, exploration, parse(text))


def spec_file(actor: Actor, spec_id: str, file: str) -> str:
    """Return the text of one of a spec's files. Raises NotFound, Forbidden."""
    if file not in FILES:
        raise NotFound("file")
    if file == "design.md":
        texts = latest_text(document_id(bare_id(spec_id), DESIGN))
        spec, exploration = _read(actor, spec_id, Permission.PROJECT_READ)
        return version_text(exploration.id, DESIGN, int(spec.design_number), texts.result())
    loaded = load_spec(actor, spec_id, Permission.PROJECT_READ)
    return loaded.text.text if file == "requirements.md" else tasks_text(loaded.title, loaded.cards, loaded.text.language)


def extract_properties(actor: Actor, spec_id: str) -> list[Property]:
    """Extract the testable properties of a spec's requirements, and keep them. Safe to repeat. Raises NotFound, Forbidden."""
    loaded = load_spec(actor, spec_id, Permission.DOCUMENT_WRITE)
    found = properties_of(loaded.spec.id, loaded.text.requirements)
    stored: list[Any] = [asdict(one) for one in found]
    if loaded.spec.properties != stored:
        loaded.spec.properties = stored
        record(loaded.spec, EventType.SPEC_UPDATED, actor, name=loaded.spec.name)
        write(save(loaded.spec, stale), require_writable(board_id_of(loaded.spec.id)))
    return found


def mark_tasks_generated(actor: Actor, spec: Spec) -> None:
    """Note that the tickets of a spec are planned. Safe to repeat."""
    if spec.status != "tasks_generated":
        before, spec.status = spec.status, "tasks_generated"
        record(spec, EventType.SPEC_UPDATED, actor, changes={"status": [before, spec.status]}, name=spec.name)
        write(save(spec, stale), require_writable(board_id_of(spec.id)))


def version_text(exploration_id: str, type_: str, number: int, latest: DocumentText | None) -> str:
    """Return the text of a version of an exploration's document; `latest` is the newest text, as it was read. Raises NotFound."""
    document = Document.new(document_id(exploration_id, type_), text=number)
    if latest is not None and is_text_of(latest, document):
        return load_text(latest.content)
    version = get(DocumentVersion, *DocumentVersion.key_of(document.id, number))
    if version is None:
        raise NotFound(Document.NAME)
    return load_text(stored_text(document, int(version.text)))


def _read(actor: Actor, spec_id: str, permission: Permission) -> tuple[Spec, Exploration]:
    bare = id_of(Spec, spec_id)
    spec, exploration = get_many([(Spec, *Spec.key(bare)), (Exploration, *Exploration.key(bare))])
    if not isinstance(spec, Spec) or not isinstance(exploration, Exploration) or exploration.deleted_at:
        raise NotFound(Spec.NAME)
    return authorize(spec, actor, permission), exploration


def planned(state: State) -> Sequence[PlannedCard]:
    """Return the cards of an exploration's spec. Raises Conflict before there is one."""
    if state.spec is None:
        raise Conflict(
            Situation.DOCUMENT_STATUS,
            f"The exploration is at the stage {state.stage}: {_missing_step(state)}",
            {"current_stage": state.stage},
        )
    exploration = state.exploration
    text = parse(version_text(exploration.id, REQUIREMENTS, int(state.spec.requirements_number), state.newest.get(REQUIREMENTS)))
    title = exploration.title or Subject(exploration.initial_idea, state.asked).title
    return plan_cards(exploration.id, title, text.requirements, text.language)
