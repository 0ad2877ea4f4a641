"""The longest chain of a graph."""

from collections.abc import Iterable


def longest_chain(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """Return the nodes on the longest chain of edges `(before, after)`, in order; of several one whose end comes first.

    Each node and each edge is looked at once. Nodes on a cycle are left out, and edges to what is no node.
    """
    following: dict[str, list[str]] = {node: [] for node in nodes}
    waits_for = dict.fromkeys(following, 0)
    for before, after in edges:
        if before in following and after in following:
            following[before].append(after)
            waits_for[after] += 1
    length = dict.fromkeys(following, 1)
    came_from: dict[str, str] = {}
    ready = [node for node, number in waits_for.items() if number == 0]
    for node in ready:  # grows while it is walked
        for after in following[node]:
            if length[node] + 1 > length[after]:
                length[after] = length[node] + 1
                came_from[after] = node
            waits_for[after] -= 1
            if waits_for[after] == 0:
                ready.append(after)
    return _back(came_from, max(ready, key=length.__getitem__, default=None))


def _back(came_from: dict[str, str], end: str | None) -> list[str]:
    chain = []
    while end is not None:
        chain.append(end)
        end = came_from.get(end)
    return chain[::-1]
