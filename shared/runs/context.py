"""What a run's agent is told: its system prompt as the project has it, and the first message."""

from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.context import render_context
from shared.documents.reading import listed, texts_of
from shared.documents.rows import Document
from shared.items.rows import Item
from shared.projects.agent_configs import AgentConfig
from shared.projects.rows import Project
from shared.runs.rows import Run
from shared.store import fetch_all, get_many
from shared.toolbox.board import sibling_facts
from shared.toolbox.card import card_facts
from shared.toolbox.work import surroundings

DOCUMENTS: Final = 40  # named in the first message
IN_FULL: Final = 3  # with their content: the card's own and its parent's, the newest first


def system_prompt(agent: Agent, config: AgentConfig | None) -> str:
    added = (config.system_prompt_additions or "").strip() if config else ""
    return f"{agent.system_prompt}\n\nFor this project:\n{added}\n" if added else agent.system_prompt


def first_message(run: Run, card: Item, agent: Agent) -> tuple[str, str]:
    """The system prompt and the first message. About six reads."""
    found: list[Any] = get_many(
        [
            (Project, *Project.key(str(run.proj_id))),
            (AgentConfig, *AgentConfig.key_in(str(run.proj_id), run.agent_id)),
        ]
    )
    project, config = found
    near = surroundings(card.board_id)
    extra = "\n\n".join(
        part for part in ((config.context_instructions if config else None), run.input_context.get("context")) if part
    )
    text = render_context(
        card_facts(card, near, project),
        _documents(card),
        sibling_facts(card, near),
        extra,
        run.input_context.get("parameters") or {},
    )
    return system_prompt(agent, config), agent.prompt_template.replace("{context}", text)


def _documents(card: Item) -> list[dict[str, Any]]:
    rows = listed(str(card.proj_id))[:DOCUMENTS]
    near = [row.id for row in rows if row.f.get("item_id") in (card.id, card.parent_id)][:IN_FULL]
    full = texts_of(fetch_all(Document, near))
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
