"""Texts that were marked by hand: `tests/data/<name>.yaml`."""

from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time


def marked(name: str) -> Any:
    return yaml.load((DATA / f"{name}.yaml").read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader
