"""Where builds are deployed to: the port, and what stands behind it."""

from collections.abc import Mapping
from typing import Any

from shared.core.settings import settings
from shared.delivery.targets.hook import Hook, secret_of
from shared.delivery.targets.port import Target, TargetFailed

__all__ = ["target_of"]


def target_of(config: Mapping[str, Any], project_id: str, environment: str, secret_number: int) -> Target:
    """Return the target that an environment is configured with. Raises TargetFailed for one that this deployment does not have."""
    place = f"{project_id}/{environment}"
    if config["kind"] == "lambda":
        from shared.delivery.targets.lambda_alias import LambdaAlias

        return LambdaAlias(config["function"], config["alias"], config["role_arn"], project_id)
    about = {"project_id": project_id, "environment": environment}
    if config["kind"] == "hook":
        return Hook(config["url"], secret_of(place, secret_number), about)
    if not settings().local_versions:
        raise TargetFailed("Processes are a target of the local stack only")
    return Hook(settings().local_versions, settings().local_versions_secret, about | {"command": config["command"]})
