"""The local cloud behind `python -m local run`: the engine, the deployment, the front door on one port, the demo."""

ENGINE_VERSION = "1.5.33"
"""The ministack release whose faults `local/patches` mends; another version is refused."""

ACCOUNT = "000000000000"
"""The engine's default account: the only one in which unsigned API calls resolve."""

REGION = "us-east-1"


class LocalError(Exception):
    """Something the person at the keyboard can put right; the message says how. Ends the command with exit code 2."""
