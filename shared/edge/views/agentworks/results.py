"""The result of a run as agentworks shows it: the agent's last words, and what exists now that did not before, with links."""

from collections.abc import Mapping
from typing import Any, Final

from shared.core.settings import settings
from shared.runs.agent_runs.rows import Run

_SHOWN: Final = 20  # of each kind; `resultData` has all
_KINDS: Final = {  # the path of one, or of the card where it is found
    "documents": ("document", "documents", "/documents/{id}"),
    "cards": ("card", "cards", "/cards/{id}"),
    "tasks": ("task", "tasks", "/cards/{card}"),
    "discoveries": ("discovery", "discoveries", "/cards/{card}"),
    "comments": ("comment", "comments", "/cards/{card}/comments"),
}


def result_summary(run: Run) -> str | None:
    """Return the summary of a run that is completed. What was made is taken from what its tools did, never from what the model says."""
    if run.result_summary is None:
        return None
    made = run.result_data or {}
    lines = [line for kind in _KINDS for line in _lines(kind, made.get(kind) or [], run.item_id)]
    omitted = [f"- {made['omitted']} more"] if made.get("omitted") else []
    return "\n".join([run.result_summary, "", "Made by this run:", *lines, *omitted]) if lines else run.result_summary


def _lines(kind: str, made: list[Mapping[str, Any]], card_id: str) -> list[str]:
    one, many, path = _KINDS[kind]
    lines = [
        f"- {one}: {' '.join(str(each.get('title', '')).split())} <{settings().agentworks_base}{path.format(id=each['id'], card=card_id)}>"
        for each in made[:_SHOWN]
    ]
    return [*lines, f"- {len(made) - _SHOWN} more {many}"] if len(made) > _SHOWN else lines
