"""The playbook of a project: short pieces of advice, each once, that completed tasks have left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.embeddings.hashed import HashedEmbedder
from shared.agents.embeddings.port import cosine
from shared.agents.embeddings.words import words_of
from shared.core import clock
from shared.core.ids import new_id
from shared.insight.memories.rows import Playbook

MAX_BULLETS: Final = 100
MAX_BULLET: Final = 300  # characters
_SAME: Final = 0.75  # the cosine of two bullets that say the same
_ABOUT: Final = 0.2  # the cosine of a bullet that is about a text
_SHOWN: Final = 5
_VECTORS: Final = HashedEmbedder()  # a service would be asked for a hundred texts each time


@dataclass(frozen=True)
class PlaybookDelta:
    """What a completed task has changed of a playbook."""

    added: list[dict[str, Any]] = field(default_factory=list)
    updated: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    """Bullets that gave way: those that helped least, then the oldest."""


def add_advice(playbook: Playbook, advice: Sequence[str], tags: Sequence[str], *, success: bool) -> PlaybookDelta:
    """Add what is new to a playbook, and count for what it says already that it was seen again. The caller writes it."""
    bullets: list[dict[str, Any]] = [dict(one) for one in playbook.bullets]
    vectors = _VECTORS.embed([one["content"] for one in bullets])
    added, updated = [], []
    for text, vector in zip(advice, _VECTORS.embed(advice), strict=True):
        near = max(((cosine(vector, one), at) for at, one in enumerate(vectors)), default=(0.0, -1))
        if near[0] >= _SAME:
            bullet = bullets[near[1]]
            bullet["helpful" if success else "harmful"] += 1
            bullet["updated_at"] = clock.iso()
            if bullet not in added and bullet not in updated:
                updated.append(bullet)
            continue
        bullet = {
            "id": new_id(),
            "content": text[:MAX_BULLET],
            "helpful": int(success),
            "harmful": int(not success),
            "tags": list(tags),
            "updated_at": clock.iso(),
        }
        bullets.append(bullet)
        vectors.append(vector)
        added.append(bullet)
    removed = sorted(bullets, key=lambda one: (one["helpful"] - one["harmful"], one["updated_at"]))[
        : max(0, len(bullets) - MAX_BULLETS)
    ]
    playbook.bullets = [one for one in bullets if one not in removed]
    return PlaybookDelta(added, updated, removed)


def entries_about(playbook: Playbook | None, text: str) -> list[dict[str, Any]]:
    """Return the bullets that are about a text, with their `similarity`, the nearest first."""
    bullets = list(playbook.bullets) if playbook is not None else []
    vectors = _VECTORS.embed([text, *(one["content"] for one in bullets)])
    said = set(words_of(text))
    scored = [(round(cosine(vectors[0], vector), 4), one) for vector, one in zip(vectors[1:], bullets, strict=True)]
    near = [(score, one) for score, one in scored if score >= _ABOUT and said.intersection(words_of(one["content"]))]
    near.sort(key=lambda pair: (-pair[0], pair[1]["id"]))
    return [one | {"similarity": score} for score, one in near[:_SHOWN]]


def bullets_about(playbook: Playbook | None, text: str) -> list[str]:
    """Return the advice of a playbook about a text. What did more harm than good is left out."""
    return [one["content"] for one in entries_about(playbook, text) if one["helpful"] >= one["harmful"]]
