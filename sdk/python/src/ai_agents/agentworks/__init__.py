"""The part of the agentworks API that works on a board: projects, boards, cards, agents, their runs and the terminal of a card.

    from ai_agents.agentworks import AgentWorks

    with AgentWorks(token="...", base_url="https://api.example.com/agentworks/v1") as board:
        cards = board.cards.list(board_id)

Names are those of that API's own document.
"""

from ai_agents.agentworks import models
from ai_agents.agentworks.client import AgentWorks, AsyncAgentWorks
from ai_agents.agentworks.terminal import Line

__all__ = ["AgentWorks", "AsyncAgentWorks", "Line", "models"]
