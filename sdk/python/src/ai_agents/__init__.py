"""The Python client of the AI Agent System API.

from ai_agents import Client

client = Client(api_key="sk-...", base_url="https://api.example.com/v1")
projects = client.projects.list(org_id="org-uuid-1")
"""

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
