"""Becomes the process of a version: `python child.py <parent> <command...>`. It has limits, and ends with the host that started it."""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIMITS = {
    resource.RLIMIT_AS: 2 * 1024**3,  # bytes of address space
    resource.RLIMIT_FSIZE: 256 * 1024**2,  # bytes of a file
    resource.RLIMIT_NOFILE: 512,
    resource.RLIMIT_CORE: 0,
}


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            raise SystemExit(1)
    for limit, value in _LIMITS.items():
        _, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard),) * 2)
    os.execvp(command[0], command)  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    main()
