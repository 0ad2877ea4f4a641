"""Which build runner is in force: that of the laptop where its host runs, else CodeBuild where it is deployed."""

from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.delivery.building.runner import BuildRunner


def build_runner() -> BuildRunner:
    """Return the runner of this deployment. Raises Upstream(PROVIDER_NOT_CONFIGURED) if there is none."""
    if address := settings().build_host:
        from shared.delivery.building.local_runner import LocalRunner

        return LocalRunner(address, settings().need("build_host_key"))
    if project := settings().build_project:
        from shared.delivery.building.codebuild import CodeBuildRunner

        return CodeBuildRunner(project, settings().build_artifacts)
    raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, "Nothing in this deployment runs builds; record builds that ran elsewhere")
