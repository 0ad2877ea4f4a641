"""The input of a run's agent: its system prompt with the project's additions, and the first message."""

from collections.abc import Mapping
from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.providers.budget import first_message_tokens, fit
from shared.agents.providers.context import render_context
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.rows import Run
from shared.runs.toolbox.board_tools import nearest_siblings
from shared.runs.toolbox.call_context import read_board_lanes
from shared.runs.toolbox.card_tools import card_facts
from shared.store import fetch_all, get_many
from shared.work.documents.reading import newest_rows, read_texts
from shared.work.documents.rows import Document
from shared.work.items.rows import Item
from shared.work.projects.agent_configs import AgentConfig, workspace_defaults
from shared.work.projects.rows import Project

MAX_DOCUMENTS: Final = 40  # listed in the first message
MAX_FULL_DOCUMENTS: Final = 3  # with their content: those of the card and its parent, newest first


def system_prompt(agent: Agent, config: AgentConfig | None, template: Mapping[str, Any]) -> str:
    """Return the agent's system prompt with the additions of the project, or else of the workspace."""
    added = ((config.system_prompt_additions if config else None) or template.get("systemPromptAdditions") or "").strip()
    return f"{agent.system_prompt}\n\nFor this project:\n{added}\n" if added else agent.system_prompt


def first_message(run: Run, card: Item, agent: Agent) -> tuple[str, str]:
    """Return the system prompt and the first message; about six reads."""
    rows: list[Any] = get_many(
        [
            (Project, *Project.key(str(run.proj_id))),
            (AgentConfig, *AgentConfig.key_in(str(run.proj_id), run.agent_id)),
            (Workspace, *Workspace.key(str(run.ws_id))),
        ]
    )
    project, config, workspace = rows
    template = workspace_defaults(workspace.settings, agent) if workspace else {}
    board = read_board_lanes(card.board_id)
    extra = "\n\n".join(
        part for part in ((config.context_instructions if config else None), run.input_context.get("context")) if part
    )
    material = (
        card_facts(card, board, project),
        _documents(card),
        nearest_siblings(card, board)[0],
        extra,
        run.input_context.get("parameters") or {},
    )
    budget = first_message_tokens(run.provider, run.model)
    message = fit(lambda limits: agent.first_message(render_context(*material, limits)), budget)
    return system_prompt(agent, config, template), message


def _documents(card: Item) -> list[dict[str, Any]]:
    rows = newest_rows(str(card.proj_id), MAX_DOCUMENTS)[0][:MAX_DOCUMENTS]
    own = [row.id for row in rows if row.f.get("item_id") in (card.id, card.parent_id)][:MAX_FULL_DOCUMENTS]
    full = read_texts(fetch_all(Document, own))
    shown = []
    for row in rows:
        facts = {
            "id": row.id,
            "type": row.f["type"],
            "title": row.f["title"],
            "status": row.f["status"],
            "version": row.f["number"],
        }
        if row.id in full:
            facts["content"] = full[row.id]
        shown.append(facts)
    return shown
