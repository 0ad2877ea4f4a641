"""CloudFormation's own schemas and advice over every template, as `cdk synth` applies them. Their check is switched off in our
process (`infra.node`), so it runs in another."""

import subprocess
import sys
from pathlib import Path

from tests.shell import shell

SCRIPT = """
import sys
from pathlib import Path
from infra.samples import PROD
from tests.infra.conftest import synthesize
synthesize(PROD, Path(sys.argv[1]))
"""


def test_cloudformation_has_nothing_against_the_templates(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=shell(CDK_VALIDATION="true"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "CloudFormation Validate" not in done.stdout + done.stderr
    assert (tmp_path / "manifest.json").is_file()
