"""Field types of requests that several contracts use. Types of only one contract are in that contract's module."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.core import clock, registries, texts, web_addresses
from shared.core.emails import MAX_BYTES as MAX_EMAIL
from shared.core.emails import is_email

BEARER = "Bearer"


@dataclass(frozen=True)
class Form:
    """A text has the form of a pattern; `words` say it to who sent another text. The pattern itself is in the document only."""

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"pattern": self.pattern}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise PydanticCustomError("text_form", "{words}", {"words": self.words})
        return value


DOTS = (".", "\u3002", "\uff0e", "\uff61")  # what separates the parts of a domain (RFC 3490)


def _like_an_email(value: str) -> str:
    value = value.strip()
    local, _, domain = value.rpartition("@")
    dots = any(dot in domain.strip("".join(DOTS)) for dot in DOTS)
    odd = not value.isprintable() or any(one.isspace() for one in domain) or (" " in local and not local.startswith('"'))
    if not local or not dots or odd or len(value.encode()) > MAX_EMAIL:
        raise PydanticCustomError("email_format", "Invalid email format")
    return value


def _email(value: str) -> str:
    value = value.strip()
    if not is_email(value):
        raise PydanticCustomError("email_format", "Invalid email format")
    return value  # unchanged: only `normal_email` decides which addresses are the same


def _web_address(value: str) -> str:
    if value and web_addresses.parse_host(value) is None:
        raise ValueError(web_addresses.EXPECTED)
    return value


_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def _date(value: str) -> str:
    """Check that a value is a date, or a date with a time, in the form that every client can read (ISO 8601 allows more, e.g.
    week dates)."""
    if not _DATE.fullmatch(value):
        raise ValueError("must be a date such as 2026-12-01 or 2026-12-01T09:30:00Z")
    clock.parse(value)  # its ValueError becomes the field's message
    return value


_SCHEMA = WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL})
Email = Annotated[str, AfterValidator(_email), _SCHEMA]
"""An address that the platform will write to."""
KnownEmail = Annotated[str, AfterValidator(_like_an_email), _SCHEMA]
"""The address of an account that is looked up, not made: it may be older than what `Email` asks, and must still open it."""
LoginEmail = Annotated[str, Field(max_length=MAX_EMAIL)]
"""An address at login, where the document has no word for a malformed one: it is simply nobody's."""
OneLine = AfterValidator(texts.one_line)
Seen = AfterValidator(texts.seen)
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
"""The name of a person, a workspace, a project, a board or a lane."""
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), OneLine]
"""The title of a card or a document."""
Slug = Annotated[
    str,
    Field(min_length=1, max_length=63),
    Form(r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "Should be letters from a to z and digits, with single hyphens between them"),
]
"""The name of a workspace or a project in addresses."""
WebAddress = Annotated[str, Field(max_length=2_048), AfterValidator(_web_address)]
"""An address that a page can safely show as a link; may be empty."""
Country = Annotated[
    str,
    Field(description="ISO 3166-1 alpha-2"),
    Form(r"^[A-Z]{2}$", "Should be the two capital letters of a country, such as DE"),
    AfterValidator(registries.country),
]
TimeZone = Annotated[str, Field(max_length=64, description="A name of the tz database"), AfterValidator(registries.time_zone)]
CommentText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), Seen]
Description = Annotated[str, Field(max_length=5_000)]
"""The description of a project, a board or a lane."""
Date = Annotated[str, Field(max_length=40), AfterValidator(_date)]
"""A date, or a date with a time."""
Offset = Annotated[int, Field(ge=0)]
