"""`make cfn-lint` says what AWS would refuse, and fails then. Its run over all templates is a part of `make check`."""

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(("mode", "code"), [("PassThrough", 0), ("Sometimes", 2)])
def test_a_wrong_value_is_an_error(tmp_path: Path, mode: str, code: int) -> None:
    from infra.lint import lint

    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": "pass"},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::111111111111:role/one",
            "TracingConfig": {"Mode": mode},
        },
    }
    (tmp_path / "one.template.json").write_text(json.dumps({"Resources": {"One": function}}))
    assert lint(tmp_path).returncode & 2 == code
