"""cdk-nag: `python -m infra.nag` checks everything that a deployment may hold; `exempt` records an exception beside its resource."""

import sys

from aws_cdk import Acknowledgment, App, CfnResource, Validations


def exempt(resource: CfnResource, rule: str, reason: str) -> None:
    """Record why one rule does not hold for one resource. A rule with findings names the finding: `AwsSolutions-IAM5[Resource::*]`."""
    Validations.of(resource).acknowledge(Acknowledgment(id=rule, reason=reason))


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
    from infra.platform import compose
    from infra.prepare import start
    from infra.settings import Settings

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
