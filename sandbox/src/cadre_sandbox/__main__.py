"""`python -m cadre_sandbox`: the agent, told by its environment what it is. Exit status 3: the platform refuses its token."""

import ctypes
import os
import sys

from cadre_sandbox.agent import run
from cadre_sandbox.channel import TokenRefused
from cadre_sandbox.settings import Settings

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def main() -> None:
    if sys.platform == "linux":  # no tool that it starts may read its memory or its first environment, where the token is
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        run(Settings.taken_from(os.environ))
    except KeyError as missing:
        raise SystemExit(f"{missing.args[0]} is not set") from None
    except TokenRefused as refused:
        print(refused, file=sys.stderr)
        raise SystemExit(3) from None


if __name__ == "__main__":
    main()
