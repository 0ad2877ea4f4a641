"""The Python client of the AI Agent System API.

from ai_agents import Client

client = Client(api_key="sk-...", base_url="https://api.example.com/v1")
projects = client.projects.list(org_id="org-uuid-1")
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ai_agents import errors, models, webhooks
    from ai_agents._calls import Retries
    from ai_agents.client import AsyncClient, Client
    from ai_agents.credentials import APIKey, BearerToken, ClientCredentials, UserTokens
    from ai_agents.errors import AIAgentsError, APIConnectionError, APIError, OperationFailedError
    from ai_agents.pages import AsyncPage, Page

__all__ = [
    "AIAgentsError",
    "APIConnectionError",
    "APIError",
    "APIKey",
    "AsyncClient",
    "AsyncPage",
    "BearerToken",
    "Client",
    "ClientCredentials",
    "OperationFailedError",
    "Page",
    "Retries",
    "UserTokens",
    "errors",
    "models",
    "webhooks",
]

_PLACES = {
    "Retries": "ai_agents._calls",
    "AsyncClient": "ai_agents.client",
    "Client": "ai_agents.client",
    "APIKey": "ai_agents.credentials",
    "BearerToken": "ai_agents.credentials",
    "ClientCredentials": "ai_agents.credentials",
    "UserTokens": "ai_agents.credentials",
    "AIAgentsError": "ai_agents.errors",
    "APIConnectionError": "ai_agents.errors",
    "APIError": "ai_agents.errors",
    "OperationFailedError": "ai_agents.errors",
    "AsyncPage": "ai_agents.pages",
    "Page": "ai_agents.pages",
}


def __getattr__(name: str) -> Any:
    """Import what is used, when it is used: all of it takes half a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = _PLACES.get(name)
    return getattr(importlib.import_module(place), name) if place else importlib.import_module(f"{__name__}.{name}")
