"""What requests of several contracts carry. What only one contract has is in that contract's module."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

BEARER = "Bearer"
MAX_EMAIL = 254  # bytes; RFC 5321


def _email(value: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # 48 ms of CPU, 40 of them expressions: most functions need none

    value = value.strip()
    try:
        # Reserved domains such as `.test`, `.local` and `.localhost` are addresses too: of a company's own network, or a laptop's
        # tests. The library refuses them together with domains that have no dot, which we refuse ourselves.
        validate_email(value, check_deliverability=False, globally_deliverable=False, allow_quoted_local=True)
    except EmailNotValidError:
        value = ""
    if "." not in value.rpartition("@")[2] or len(value.encode()) > MAX_EMAIL:
        raise PydanticCustomError("email_format", "Invalid email format")
    return value  # as it was written: `normal_email` alone decides what counts as the same address


Email = Annotated[str, AfterValidator(_email)]
GivenEmail = Annotated[str, Field(max_length=MAX_EMAIL)]
"""An address at login, where the document has no word for a malformed one: it is simply nobody's."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
"""Of a person, a workspace, a project, a board, a lane."""
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""Of a card or a document."""
Comment = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Description = Annotated[str, Field(max_length=5_000)]
"""Of a project, a board, a lane."""
Offset = Annotated[int, Field(ge=0)]
