"""Collecting the results of a phase, which its gate looks at."""

import json
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, LimitExceeded
from shared.core.ids import bare_id, new_id
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.planning.phases.gates import faults_of
from shared.planning.phases.rows import PhaseArtifact, artifacts_of, partition_of
from shared.store import count, create, load, read_ahead, write
from shared.work.boards.counting import require_writable
from shared.work.items.rows import ItemHead
from shared.work.items.rules import refuse_archived

MAX_ARTIFACTS: Final = 100
"""Artifacts of a card: with contents of MAX_BYTES each, two megabytes are read for a gate at most. A race may add a few."""
MAX_BYTES: Final = 20_000
"""Bytes of an artifact's content as JSON; what is longer belongs into a document or a file, whose path the artifact names."""


@dataclass(frozen=True)
class NewArtifact:
    phase_id: str
    type: str
    path: str | None = None
    content: dict[str, Any] | None = None
    collected_by: str | None = None
    """Who collected it, as the caller says."""


def add_artifact(actor: Actor, item_id: str, new: NewArtifact) -> PhaseArtifact:
    """Add an artifact to a phase of a card. Two round trips. Raises NotFound, Forbidden, Invalid, LimitExceeded and Conflict (archived)."""
    partition = partition_of(bare_id(item_id))
    held = read_ahead(lambda: count(PhaseArtifact, partition, prefix=artifacts_of()))
    card = load(ItemHead, item_id, actor, Permission.CARD_EDIT)
    refuse_archived(card)
    if new.content and len(json.dumps(new.content, ensure_ascii=False).encode()) > MAX_BYTES:
        raise Invalid(FieldError("artifact_content", f"This takes at most {MAX_BYTES:,} bytes; name a file by `artifact_path`"))
    if held.result() >= MAX_ARTIFACTS:
        reason = Wording("A {card} takes at most {limit} artifacts", limit=MAX_ARTIFACTS)
        raise LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_ARTIFACTS})
    collected_by = actor.summary | ({"said": new.collected_by} if new.collected_by else {})
    artifact = PhaseArtifact.of(
        card,
        new_id(),
        new.phase_id,
        type=new.type,
        path=new.path,
        content=new.content,
        faults=faults_of(new.phase_id, new.type, new.path, new.content),
        collected_by=collected_by,
    )
    record(artifact, EventType.ARTIFACT_ADDED, actor, board_id=card.board_id, phase_id=new.phase_id, type=new.type)
    write(create(artifact), require_writable(card.board_id))
    return artifact
