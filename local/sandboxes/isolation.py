"""What isolates a sandbox, in words: only what was measured inside of it."""

import os
import sys
from pathlib import Path
from typing import Any, Final

from local.sandboxes import Limits

_NAMESPACES: Final = {
    "mnt": "files",
    "pid": "processes",
    "net": "network",
    "ipc": "shared memory",
    "user": "users",
    "uts": "host name",
}
_NAMES: Final = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")
_PROGRAMS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS: Final = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ld.so.cache", "/etc/alternatives")
LIBRARIES: Final = "/opt/cadre/libraries"
AGENT: Final = "/opt/cadre/agent"


def own_namespaces() -> dict[str, str]:
    """Return the namespaces of this process, by name; none on a system without them."""
    place = Path("/proc/self/ns")
    return {name: os.readlink(place / name) for name in _NAMES if (place / name).is_symlink()}


def places(agent: Path, libraries: Path) -> tuple[list[list[str]], dict[str, str]]:
    """Return what a sandbox may read, `[place on the host, place inside]`, and the links beside it: programs, libraries, no data."""
    found, links = [], {}
    for name in _PROGRAMS:
        if os.path.islink(name):
            links[name] = os.readlink(name)
        elif os.path.isdir(name):
            found.append([name, name])
    found += [[name, name] for name in _SETTINGS if os.path.exists(name)]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        found.append([sys.base_prefix, sys.base_prefix])
    return [*found, [str(agent), AGENT], [str(libraries), LIBRARIES]], links


def words(facts: dict[str, Any], limits: Limits, why_not: str = "") -> list[str]:
    """Return what is in force, one sentence for each kind of protection; what is not in force is said too."""
    apart = [said for name, said in _NAMESPACES.items() if name in facts.get("namespaces", ())]
    said = [
        f"It has its own namespaces for {', '.join(apart)}" if apart else f"No namespaces: {why_not or 'this system has none'}"
    ]
    if "net" in facts.get("namespaces", ()) and not facts["interfaces"]:
        said.append("It has no network: one Unix socket leads to the platform's API for this sandbox, and nowhere else")
    else:
        said.append("Its network is not isolated: it can reach what this computer can reach")
    if "mnt" in facts.get("namespaces", ()) and facts["root_read_only"] and not facts["sees_host_files"]:
        said.append("Of this computer's files it sees only programs and libraries, and can write only in its own folder")
    else:
        said.append("Its files are not isolated: it can read and write what you can")
    if facts.get("without_rights"):
        said.append("It has no capabilities and cannot gain any, also not by a setuid program")
    if facts.get("calls_filtered"):
        said.append("A seccomp filter refuses system calls that it does not need (mounts, tracing, keys, namespaces)")
    said.append(
        f"Memory: {limits.memory_mb} MB {_kernel(facts, 'memory', 'for each process')}, all together are looked at 4 times a second"
    )
    tasks = f", and the kernel allows {facts['tasks']} threads and processes" if facts.get("tasks") else ""
    said.append(f"Processes: {limits.max_processes}, looked at 4 times a second{tasks}")
    said.append(f"CPU: {limits.cpu_cores:g} cores on average, by pausing it; it runs with the lowest priority")
    said.append(f"Files: {limits.disk_mb} MB {_kernel(facts, 'file', 'for each file')}, its folder is looked at once a second")
    return said


def _kernel(facts: dict[str, Any], name: str, of_what: str) -> str:
    return f"{of_what} by the kernel" if name in facts.get("limits", {}) else "in all"
