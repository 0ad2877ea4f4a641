"""The launcher: `python -m local.sandboxes.launch`, the first process of a sandbox.

Its standard input has the `Plan` as one line of JSON; the end of that input ends the sandbox, so that none outlives its host. Its standard
output has lines of JSON: `{"pid"}`, `{"facts"}` as measured inside, `{"exit"}` how the agent ended, or `{"error"}`.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any, Final

from local.sandboxes import Limits, Plan

INSIDE_UID: Final = 1000
_NAMESPACES: Final = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_LAST: Final = 19  # nice: whatever a sandbox does, the rest of the machine goes first
_NAMES: Final = {"passwd": f"sandbox:x:{INSIDE_UID}:{INSIDE_UID}::/sandbox:/bin/sh\n", "group": f"sandbox:x:{INSIDE_UID}:\n"}


def main() -> None:
    """Build the sandbox, run its agent, and end with it or with the host."""
    plan = Plan(**json.loads(_first_line()))
    limits = Limits(**plan.limits)
    os.nice(_LAST)
    try:
        if plan.isolate:
            _isolate(plan, limits)
        else:
            _say(pid=os.getpid())
            os.setsid()
            os.chdir(plan.folder)
            limit(limits)
        facts = measure(plan, limits)
    except OSError as error:
        _say(error=f"{error.strerror or error}")
        os._exit(1)
    _say(facts=facts)
    _run(plan)


def _first_line() -> bytes:
    """Read byte by byte: what comes after the line is not ours to read."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            os._exit(1)
        line += byte
    return line


def _say(**what: Any) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _isolate(plan: Plan, limits: Limits) -> None:
    """Become the first process of new namespaces, whose files are a tree of their own, without any right."""
    from local.sandboxes import kernel

    is_root = os.geteuid() == 0
    uid, gid = os.geteuid(), os.getegid()
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC
    flags |= kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
    kernel.unshare(flags if is_root else flags | kernel.CLONE_NEWUSER)
    if not is_root:
        _map(0, uid, gid)
    if (pid := os.fork()) != 0:
        _say(pid=pid)
        os._exit(0)  # the host adopts the child
    os.setsid()
    _build_tree(plan)
    if is_root:
        os.setgroups([])
        os.setresgid(plan.outer_uid, plan.outer_uid, plan.outer_uid)
        os.setresuid(plan.outer_uid, plan.outer_uid, plan.outer_uid)
        kernel.set_dumpable()
        uid = gid = plan.outer_uid
    else:
        uid = gid = 0
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.set_dumpable()
    _map(INSIDE_UID, uid, gid)
    with contextlib.suppress(OSError):  # measured below
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
    limit(limits)
    kernel.drop_capabilities()
    kernel.filter_calls()


def _map(inside: int, uid: int, gid: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{inside} {gid} 1")


def _build_tree(plan: Plan) -> None:
    """Build the tree of files and enter it: programs and libraries to read, the sandbox's own folder to write."""
    from local.sandboxes import kernel

    base = plan.base
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("sandbox", base, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m")
    read_only = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
    for outside, inside in [*plan.read_only, [plan.proxy, "/run/cadre"]]:
        _bind(outside, base + inside, read_only)
    for link, target in plan.links.items():
        os.symlink(target, base + link)
    no_rights = kernel.MS_NOSUID | kernel.MS_NODEV
    _bind(plan.folder, f"{base}/sandbox", no_rights)
    _bind(f"{plan.folder}/.tmp", f"{base}/tmp", no_rights)  # noqa: S108 - of the sandbox alone
    for folder in ("etc", "dev", "proc"):
        os.makedirs(f"{base}/{folder}", exist_ok=True)
    for name, text in _NAMES.items():
        Path(f"{base}/etc/{name}").write_text(text)
    for name in _DEVICES:
        Path(f"{base}/dev/{name}").touch()
        kernel.mount(f"/dev/{name}", f"{base}/dev/{name}", flags=kernel.MS_BIND)
    shared = f"{base}/dev/shm"  # noqa: S108 - of the sandbox alone
    os.mkdir(shared)
    kernel.mount("shm", shared, "tmpfs", no_rights | kernel.MS_NOEXEC, "mode=1777,size=16m,nr_inodes=1000")
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        os.symlink(f"/proc/self/fd/{number}", f"{base}/dev/{name}")
    kernel.mount("proc", f"{base}/proc", "proc", no_rights | kernel.MS_NOEXEC)
    kernel.enter_root(base)
    kernel.restrict_mount("/", kernel.MS_RDONLY, recursive=False)


def _bind(outside: str, inside: str, flags: int) -> None:
    from local.sandboxes import kernel

    if os.path.isdir(outside):
        os.makedirs(inside, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        Path(inside).touch()
    kernel.mount(outside, inside, flags=kernel.MS_BIND | kernel.MS_REC)
    kernel.restrict_mount(inside, flags)


def limit(limits: Limits) -> None:
    """Set what the kernel limits by itself. A system that lacks one of them, or has a lower one, goes on with its own."""
    bounds = {
        "RLIMIT_DATA": limits.memory_mb * 1024**2,  # what is written to; Node and the JVM only reserve far more than they use
        "RLIMIT_FSIZE": limits.disk_mb * 1024**2,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 65536,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NPROC": limits.tasks,
    }
    for name, bound in bounds.items():
        if name == "RLIMIT_NPROC" and not _counts_own_processes():
            continue  # it would count all processes of the person
        with contextlib.suppress(OSError, ValueError, AttributeError):
            number = getattr(resource, name)
            _, hard = resource.getrlimit(number)
            least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(number, (least, least))


def _counts_own_processes() -> bool:
    """Tell whether the kernel counts the processes of a user namespace by themselves (Linux 5.14) and this is one of its own."""
    if sys.platform != "linux" or os.getpid() != 1:
        return False
    version = tuple(int(part) for part in os.uname().release.split(".")[:2])
    return version >= (5, 14)


def measure(plan: Plan, limits: Limits) -> dict[str, Any]:
    """Return what isolates this process, by trying it. Empty values mean: not in force."""
    if sys.platform != "linux":
        return {"namespaces": [], "limits": _limits_in_force()}
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    other = [name for name in _NAMESPACES if plan.namespaces.get(name) and _namespace(name) != plan.namespaces[name]]
    interfaces = [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    return {
        "namespaces": other,
        "interfaces": [name for name in interfaces if name != "lo"],
        "without_rights": int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1",
        "calls_filtered": status.get("Seccomp") == "2",
        "sees_host_files": os.path.exists(plan.folder) or os.path.exists("/home") or os.path.exists("/etc/shadow"),
        "root_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "new_user_namespaces": _new_user_namespaces(),
        "tasks": limits.tasks if _tasks_are_limited() else None,
        "limits": _limits_in_force(),
    }


def _namespace(name: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/ns/{name}")
    return ""


def _new_user_namespaces() -> bool:
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/sys/user/max_user_namespaces").read_text()) > 0
    return True


def _tasks_are_limited() -> bool:
    """Lower the limit to what runs, and see whether the kernel refuses one more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if os.getpid() != 1:
        return False
    resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
    try:
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    except BlockingIOError:
        return True
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    return False


def _limits_in_force() -> dict[str, int]:
    names = {"RLIMIT_DATA": "memory", "RLIMIT_FSIZE": "file", "RLIMIT_NOFILE": "open_files", "RLIMIT_CORE": "core"}
    found = {named: resource.getrlimit(getattr(resource, name))[0] for name, named in names.items() if hasattr(resource, name)}
    return {name: bound for name, bound in found.items() if bound != resource.RLIM_INFINITY}


def _run(plan: Plan) -> None:
    """Run the agent, reap whatever loses its parent, and end when the agent or the host has ended."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # only the host ends it
    agent = _start_agent(plan, (wake, woken))
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if 0 in ready and not os.read(0, 1000):
            os._exit(0) if plan.isolate else os.killpg(0, signal.SIGKILL)  # with the first process of a namespace all others end
        if wake in ready:
            os.read(wake, 1000)
        while (ended := _reap()) is not None:
            if ended[0] == agent:
                _say(exit=os.waitstatus_to_exitcode(ended[1]))
                os._exit(0) if plan.isolate else os.killpg(0, signal.SIGKILL)


def _start_agent(plan: Plan, ours: tuple[int, ...]) -> int:
    pid = os.fork()
    if pid != 0:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    for number in ours:
        os.close(number)
    os.chdir("/sandbox" if plan.isolate else plan.folder)
    try:
        os.execve(plan.arguments[0], plan.arguments, plan.environment)  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(2, f"The agent cannot be started: {error}\n".encode())
        os._exit(127)


def _reap() -> tuple[int, int] | None:
    with contextlib.suppress(ChildProcessError):
        pid, status = os.waitpid(-1, os.WNOHANG)
        return (pid, status) if pid else None
    return None


if __name__ == "__main__":
    main()
