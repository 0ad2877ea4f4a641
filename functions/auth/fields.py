"""Fields that several contracts' requests share."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

BEARER = "Bearer"
MAX_EMAIL = 254  # RFC 5321


def _email(value: str) -> str:
    value = value.strip()
    local, _, domain = value.rpartition("@")
    if not local or "." not in domain.strip(".") or any(ch.isspace() or not ch.isprintable() for ch in value):
        raise PydanticCustomError("email_format", "Invalid email format")
    if len(value.encode()) > MAX_EMAIL:
        raise PydanticCustomError("email_format", "Invalid email format")
    return value


Email = Annotated[str, AfterValidator(_email)]
GivenEmail = Annotated[str, Field(max_length=MAX_EMAIL)]
"""An address at login, where the document has no word for a malformed one: it is simply nobody's."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
