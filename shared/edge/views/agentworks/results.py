"""The result of a run as agentworks shows it, in Markdown: what exists now that did not before, with links, then the agent's last words.

What was made is taken from what the tools did. It stands before what the model says, so that no words of it can hide or change it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.core.settings import settings
from shared.runs.agent_runs.rows import Run

_SHOWN: Final = 20  # of each kind; `resultData` has all
_TITLE: Final = 120  # characters
_KINDS: Final = {  # the path of one, or of the card where it is found
    "documents": ("document", "documents", "/documents/{id}"),
    "cards": ("card", "cards", "/cards/{id}"),
    "tasks": ("task", "tasks", "/cards/{card}"),
    "discoveries": ("discovery", "discoveries", "/cards/{card}"),
    "comments": ("comment", "comments", "/cards/{card}/comments"),
    "updates": ("changed card", "changes of the card", "/cards/{id}"),
    "moves": ("moved to", "moves", "/cards/{id}"),
    "blocks": ("blocked", "blocks", "/cards/{id}"),
}


def result_summary(run: Run, made: Mapping[str, Any] | None) -> str | None:
    """Return the summary of a run with what it made (`made_by`); None for a run that has not ended, or ended with nothing to show."""
    lines = [line for kind in _KINDS for line in _lines(kind, (made or {}).get(kind) or [], run.item_id)]
    if omitted := (made or {}).get("omitted"):
        lines.append(f"- {omitted} more")
    if run.result_summary is None:
        return "\n".join(["Made by this run before it ended:", *lines]) if lines else None
    words = ["", "In the agent's words:", "", run.result_summary]
    return "\n".join(["Made by this run:", *lines, *words] if lines else ["Made by this run: nothing.", *words])


def _lines(kind: str, made: list[Mapping[str, Any]], card_id: str) -> list[str]:
    one, many, path = _KINDS[kind]
    each_once = list({each["id"]: each for each in made}.values())  # a document may be written again
    base = settings().agentworks_base
    lines = [
        f"- {one}: {_literal(str(each.get('title', '')))} <{base}{path.format(id=each['id'], card=card_id)}>"
        for each in each_once[:_SHOWN]
    ]
    return [*lines, f"- {len(each_once) - _SHOWN} more {many}"] if len(each_once) > _SHOWN else lines


def _literal(title: str) -> str:
    """Return a title as a code span: nothing in it is a link, HTML or any other mark."""
    line = " ".join(title.split())
    line = line if len(line) <= _TITLE else line[:_TITLE] + "…"
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    edge = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return f"{fence}{edge}{line}{edge}{fence}"
