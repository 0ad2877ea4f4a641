"""Where builds are deployed to: the port, and what stands behind it. A target, with its client, is imported when it is asked."""

import base64
import hmac
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.core.keys import key_for
from shared.core.settings import settings
from shared.delivery.targets.port import Target, TargetFailed

__all__ = ["hook_secret_of", "target_of"]


def target_of(config: Mapping[str, Any], project_id: str, environment: str, secret_number: int) -> Target:
    """Return the target that an environment is configured with. Raises TargetFailed for one that this deployment does not have."""
    if config["kind"] == "lambda":
        from shared.delivery.targets.lambda_alias import LambdaAlias

        return LambdaAlias(config["function"], config["alias"], config["role_arn"], project_id)
    from shared.delivery.targets.hook import Hook

    about = {"project_id": project_id, "environment": environment}
    if config["kind"] == "hook":
        return Hook(config["url"], hook_secret_of(f"{project_id}/{environment}", secret_number), about)
    if not settings().local_versions:
        raise TargetFailed("Processes are a target of the local stack only")
    return Hook(settings().local_versions, settings().local_versions_secret, about | {"command": config["command"]})


@cache
def hook_secret_of(place: str, number: int) -> str:
    """Return the secret of an environment's deploy hook: derived from the platform's key, so no row holds it."""
    return "whsec_" + base64.b64encode(hmac.digest(key_for("deploy-hooks"), f"{place}/{number}".encode(), "sha256")).decode()
