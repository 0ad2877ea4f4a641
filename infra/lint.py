"""`python -m infra.lint` checks all templates with cfn-lint: CloudFormation's schemas and limits, before AWS refuses them."""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aws_cdk import App

from infra.platform import compose
from infra.prepare import start_child
from infra.samples import DEV, EVERYTHING, LOCAL
from infra.settings import Settings

CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))
PROCESSES = 2


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """cfn-lint over the templates of a cloud assembly."""
    templates = sorted(map(str, folder.glob("*.template.json")))
    return subprocess.run(  # noqa: S603 - our own interpreter and files
        [CFN_LINT, "--non-zero-exit-code", "error", *templates],
        capture_output=True,
        text=True,
        check=False,
    )


def main(*samples: Settings) -> int:
    """Print what cfn-lint says; 1 if there are errors."""
    code, package, _ = start_child(LOCAL)()
    with tempfile.TemporaryDirectory() as name:
        folders = []
        for number, settings in enumerate(samples):
            folders.append(Path(name, str(number)))
            app = App(analytics_reporting=False, outdir=str(folders[-1]))
            compose(app, settings, code, package, agent=package)
            app.synth()
        with ThreadPoolExecutor(PROCESSES) as pool:
            results = list(pool.map(lint, folders))
    sys.stdout.write("".join(result.stdout + result.stderr for result in results))
    return max(int(result.returncode != 0) for result in results)


if __name__ == "__main__":
    sys.exit(main(LOCAL, DEV, EVERYTHING))
