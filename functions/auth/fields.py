"""Fields that several contracts' requests share."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.edge.contracts.fields import MAX_EMAIL, Email

__all__ = ["BEARER", "Email", "GivenEmail", "Name"]

BEARER = "Bearer"
GivenEmail = Annotated[str, Field(max_length=MAX_EMAIL)]
"""An address at login, where the document has no word for a malformed one: it is simply nobody's."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
