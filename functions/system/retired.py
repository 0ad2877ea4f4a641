"""What enterprise's version 0 was: its paths are served no more, and say where they are now."""

import re
from functools import cache
from urllib.parse import quote

from functions.system.docs import document
from shared.core.settings import settings
from shared.edge.contracts.enterprise import ENTERPRISE
from shared.edge.http.operation import Deprecation, Retired

_RETIRED = "/v0"
SUNSET = "2024-12-31T00:00:00Z"
"""From the document: “v0: Deprecated (sunset date: 2024-12-31)”."""
_ADVICE = f"This endpoint is deprecated. Please migrate to {ENTERPRISE.base} API."
_VARIABLE = re.compile(r"\\\{[^}]*\\\}")


def find_retired(path: str) -> Retired | None:
    """Return what a path below the retired base was. Its successor is the same path of this version, or what there is to read about it."""
    if not f"{path}/".startswith(f"{_RETIRED}/"):
        return None
    same = path.removeprefix(_RETIRED)
    known = any(pattern.fullmatch(same) for pattern in _paths())
    base = settings().base_of(ENTERPRISE.name, ENTERPRISE.base)
    return Retired(Deprecation(SUNSET, base + (quote(same) if known else "/docs")), _ADVICE)


@cache
def _paths() -> tuple[re.Pattern[str], ...]:
    """The published paths of this version. Without a deployment none are known."""
    paths = (document(ENTERPRISE.name) or {}).get("paths", ())
    return tuple(re.compile(_VARIABLE.sub("[^/]+", re.escape(path))) for path in paths)
