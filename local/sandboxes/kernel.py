"""What Python's library lacks of Linux: mounts without a command, capabilities, and a filter of system calls."""

import ctypes
import os
import platform
import struct
from typing import Final

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH: Final = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000  # linux/sched.h
_MOUNT_SETATTR, _PIVOT_ROOT = 442, {"x86_64": 155, "aarch64": 41}
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 4, 24, 38, 22
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION: Final = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_LAST_CAPABILITY: Final = 63

# What a sandboxed program has no use for and what has opened many a sandbox: other processes, mounts, namespaces, keys, tracing,
# asynchronous rings; and memory that belongs to no process, which nobody could count. Numbers: asm/unistd_64.h, asm-generic/unistd.h
_DENIED: Final = {
    "x86_64": (
        *(101, 103, 155, 165, 166, 167, 168, 169, 175, 176, 246, 248, 249, 250, 272, 298, 300, 303, 304, 308, 310, 311, 312, 313),
        *(319, 320, 321, 323, 29, 240, 134),
    ),
    "aarch64": (
        *(117, 116, 41, 40, 39, 224, 225, 142, 105, 106, 104, 217, 218, 219, 97, 241, 262, 264, 265, 268, 270, 271, 272, 273),
        *(279, 294, 280, 282, 194, 180),
    ),
}
_DENIED_EVERYWHERE: Final = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442, 447)
_ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_X32: Final = 0x40000000
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050001  # SECCOMP_RET_*; the last is EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None),
        f"mount {target}",
    )


def restrict_mount(target: str, flags: int, *, recursive: bool = True) -> None:
    """Add MS_RDONLY, MS_NOSUID, MS_NODEV or MS_NOEXEC to a mount, and to all below it."""
    attributes = struct.pack("QQQQ", flags, 0, 0, 0)  # these four flags are the same as MOUNT_ATTR_*
    place = ctypes.c_char_p(target.encode())
    how = _AT_RECURSIVE if recursive else 0
    _check(_libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, place, how, attributes, ctypes.c_size_t(32)), f"mount_setattr {target}")


def enter_root(folder: str) -> None:
    """Make a folder the root of all files; nothing of the old tree can be reached afterwards."""
    os.chdir(folder)
    _check(_libc.syscall(_PIVOT_ROOT[platform.machine()], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


def set_dumpable() -> None:
    """After a change of the user: the process may write its own files in /proc again."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def drop_capabilities() -> None:
    """Give up every capability for good, and forbid to gain any by a program."""
    for number in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # those that this kernel does not have are an error
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    head, nothing = struct.pack("Ii", _CAPABILITY_VERSION, 0), struct.pack("6I", *[0] * 6)
    _check(_libc.syscall(_CAPSET[platform.machine()], head, nothing), "capset")
    forbid_new_rights()


def forbid_new_rights() -> None:
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")


def filter_calls() -> None:
    """Refuse the system calls of `_DENIED` with EPERM, in this process and in all that it starts."""
    machine = platform.machine()
    denied = sorted({*_DENIED[machine], *_DENIED_EVERYWHERE})
    rules = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 1, 0, _ARCHITECTURE[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the number of the call
    ]
    if machine == "x86_64":
        rules += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE)]
    for number in denied:
        rules += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    rules.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
    _check(_libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0), "prctl(PR_SET_SECCOMP)")
