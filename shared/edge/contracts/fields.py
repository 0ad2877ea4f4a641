"""Fields that several contracts' requests share."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

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
