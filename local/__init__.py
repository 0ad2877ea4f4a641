"""The local cloud behind `python -m local run`: the engine, the deployment, the front door on one port, the demo."""

ENGINE_VERSION = "1.5.33"
"""The release of ministack that `local/patches` is written for; another one is refused."""


class LocalError(Exception):
    """Something that the user can repair; the message says how. The command ends with exit code 2."""
