"""What a run made and changed on the board: the effects of its tool calls, by kind."""

import json
from collections.abc import Iterable
from typing import Any, Final

from shared.runs.agent_runs.rows import Run, ToolCallRecord
from shared.store import iterate

_PLURALS: Final = {"discovery": "discoveries"}
_MAX_BYTES: Final = 100_000  # of the effects in a run's row, which holds 400 KB


def group_effects(effects: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the effects by kind. Those that no longer fit into the row are only counted, as `omitted`; one of each kind always fits."""
    groups: dict[str, list[dict[str, Any]]] = {}
    room, omitted = _MAX_BYTES, 0
    for one in effects:
        group = groups.setdefault(_PLURALS.get(one["kind"], f"{one['kind']}s"), [])
        effect = {key: value for key, value in one.items() if key not in ("kind", "ref")}
        room -= len(json.dumps(effect, ensure_ascii=False).encode())
        if room >= 0 or not group:
            group.append(effect)
        else:
            omitted += 1
    return groups | ({"omitted": omitted} if omitted else {})


def made_by(run: Run) -> dict[str, Any] | None:
    """Return what a run made, by kind. A completed run has it in its row; of a run that failed or was cancelled, one query reads it:
    no worker can add to it after its end. None before the end."""
    stored: dict[str, Any] | None = run.result_data
    if stored is not None or not run.ended or run.started_at is None:
        return stored
    records = list(iterate(ToolCallRecord, f"RUN#{run.id}", prefix="CALL#"))
    made = group_effects(record.effect for record in records if record.effect and not record.is_error)
    cut_off = sum(record.result is None for record in records)  # the effect is written, and its worker died before it named it
    omitted = made.get("omitted", 0) + cut_off
    return (made | ({"omitted": omitted} if omitted else {})) or None
