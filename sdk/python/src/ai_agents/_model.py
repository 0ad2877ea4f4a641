"""What all models of answers have in common."""

from collections.abc import Iterator
from typing import Any

import pydantic


class Model(pydantic.BaseModel):
    """Part of an answer. Fields that this version does not know are kept: an API may add some.

    Secrets are left out of what is printed or logged of it; the fields have them.
    """

    model_config = pydantic.ConfigDict(
        extra="allow",
        defer_build=True,  # a program builds only the models that it uses
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            hidden = value is not None and _is_secret(type(self).__name__, name or "")
            yield name, _Hidden() if hidden else value


class _Hidden:
    def __repr__(self) -> str:
        return "..."


def _is_secret(model: str, field: str) -> bool:
    return field.endswith(("secret", "_token")) or (model, field) == ("NewApiKey", "key")
