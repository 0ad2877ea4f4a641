"""The Python client of aintandem: workspaces, their sandboxes, and the messages between the agents in them.

    from aintandem import AInTandemClient

    client = AInTandemClient(api_key="...")
    workspace = await client.workspaces.create(name="My Workspace")

Names are those of that API's own document.
"""

from ai_agents import errors
from ai_agents._calls import Retries
from ai_agents.pages import AsyncPage
from aintandem import models
from aintandem.client import AInTandemClient
from aintandem.sandbox import Sandbox
from aintandem.sockets import Frame

__all__ = ["AInTandemClient", "AsyncPage", "Frame", "Retries", "Sandbox", "errors", "models"]
