"""Credentials of model providers: `ANTHROPIC_API_KEY`, `OPENAI_BASE_URL`, ... (see `shared.core.credentials`)."""

from shared.core import credentials
from shared.core.credentials import clear_cache

__all__ = ["clear_cache", "value"]


def value(variable: str) -> str:
    """Return the credential with this name, or an empty string."""
    return credentials.value("provider_secret", variable)
