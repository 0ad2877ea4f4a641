"""Credentials of model providers (`shared.core.vault`): `ANTHROPIC_API_KEY`, `OPENAI_BASE_URL`, ..."""

from shared.core import vault
from shared.core.vault import forget

__all__ = ["forget", "value"]


def value(variable: str) -> str:
    """The credential of that name, or an empty string."""
    return vault.value("provider_secret", variable)
