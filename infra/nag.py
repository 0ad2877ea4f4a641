"""cdk-nag: `python -m infra.nag` checks the whole app; `exempt` records an exception next to the resource it is for."""

import sys

from aws_cdk import CfnResource


def exempt(resource: CfnResource, rule: str, reason: str) -> None:
    """Record in the resource's metadata why one rule does not hold for it; cdk-nag reads it there."""
    metadata = resource.get_metadata("cdk_nag") or {"rules_to_suppress": []}
    rules = [*metadata["rules_to_suppress"], {"id": rule, "reason": reason}]
    resource.add_metadata("cdk_nag", {"rules_to_suppress": rules})


def main() -> int:
    from infra.platform import findings

    found = findings()
    for line in found:
        print(line)  # noqa: T201
    print(f"{len(found)} findings")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
