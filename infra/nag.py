"""cdk-nag: `python -m infra.nag` checks everything that a deployment may hold."""

import sys

from aws_cdk import App

from infra.platform import compose
from infra.prepare import start
from infra.settings import Settings


def findings(app: App) -> list[str]:
    """What cdk-nag has against a composed app, one line per resource and rule."""
    from cdk_nag import AwsSolutionsChecks

    report = AwsSolutionsChecks(app).validate_scope(app)
    return sorted(
        f"{resource.construct_path}: {violation.rule_name}: {violation.description}"
        for violation in report.violations
        for resource in violation.violating_resources
    )


def main() -> int:
    code, package = start(Settings())()
    found: list[str] = []
    for settings in (Settings(), Settings(stage="prod", bundle="venv", public_url="https://cadre.example")):
        app = App(analytics_reporting=False)
        compose(app, settings, code, package)
        found += findings(app)
    sys.stdout.write("".join(f"{line}\n" for line in [*found, f"{len(found)} findings"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
