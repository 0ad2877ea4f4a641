"""`python -m infra.nag` checks all templates with cdk-nag, those of a laptop and those of production."""

import sys

from aws_cdk import App

from infra.platform import compose
from infra.prepare import start_child
from infra.samples import DEV, EVERYTHING, LOCAL


def findings(app: App) -> list[str]:
    """The findings of cdk-nag in a composed app, one line for each resource and rule."""
    from cdk_nag import AwsSolutionsChecks

    report = AwsSolutionsChecks(app).validate_scope(app)
    return sorted(
        f"{resource.construct_path}: {violation.rule_name}: {violation.description}"
        for violation in report.violations
        for resource in violation.violating_resources
    )


def main() -> int:
    """Print the findings; 1 if there are any."""
    code, package, _ = start_child(LOCAL)()
    lines: list[str] = []
    for settings in (LOCAL, DEV, EVERYTHING):
        app = App(analytics_reporting=False)
        compose(app, settings, code, package, agent=package)
        lines += findings(app)
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, f"{len(lines)} findings"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
