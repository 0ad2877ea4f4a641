"""The environment of somebody who has just opened a shell here: nothing of AWS, of the CDK or of Cadre is set in it.

The tests on moto name their tables and servers in the environment of this process. What runs in a process of its own, or is deployed,
must not see them.
"""

import os

_NOT_A_NEWCOMERS = ("AWS_", "CADRE_", "CDK_", "POWERTOOLS_")


def shell(**settings: str) -> dict[str, str]:
    """That environment, with these settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_A_NEWCOMERS)} | settings
