"""Credentials of model providers (`shared.core.credentials`): `ANTHROPIC_API_KEY`, `OPENAI_BASE_URL`, ..."""

from shared.core import credentials
from shared.core.credentials import forget

__all__ = ["forget", "value"]


def value(variable: str) -> str:
    """The credential of that name, or an empty string."""
    return credentials.value("provider_secret", variable)
