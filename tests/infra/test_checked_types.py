"""What the type check leaves out (`pyproject.toml`), no code of ours uses: it would be unchecked there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_stack_uses_a_module_that_the_type_check_skips() -> None:
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    skipped = {name.split(".")[1] for entry in overrides if entry.get("follow_imports") == "skip" for name in entry["module"]}
    used = {name for path in (ROOT / "infra").rglob("*.py") for name in re.findall(r"\baws_[a-z0-9]+\b", path.read_text())}

    assert {"aws_lambda", "aws_iam"} <= used
    assert skipped
    assert not used & skipped
