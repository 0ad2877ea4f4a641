"""Show new measurements of a sandbox to those who watch it."""

from collections.abc import Mapping
from typing import Any

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.frames import Frame, compact
from shared.channels.sockets.publish import publish
from shared.channels.sockets.topics import sandbox_topic
from shared.core import clock


def publish_usage(sandbox_id: str, ws_id: str | None, usage: Mapping[str, Any]) -> None:
    """Send measurements to those who listen to them."""
    topic = sandbox_topic(sandbox_id, "metrics")
    if has_subscribers(topic):
        publish(topic, {"aintandem": [Frame(usage_frame(sandbox_id, usage, clock.iso()))]}, ws_id=ws_id)


def usage_frame(sandbox_id: str, usage: Mapping[str, Any], at: str) -> str:
    """Return measurements as a message. Its number is its time: there are no earlier ones to ask for."""
    data = {
        "sandbox_id": f"sb_{sandbox_id}",
        "cpu_usage_percent": usage.get("cpu_percent"),
        "memory_usage_mb": usage.get("memory_mb"),
        "disk_usage_mb": usage.get("disk_mb"),
        "network_in_bytes": usage.get("network_in_bytes"),
        "network_out_bytes": usage.get("network_out_bytes"),
        "processes": usage.get("processes"),
    }
    return compact({"channel": "metrics", "event": "metrics_updated", "data": data, "timestamp": at, "sequence": at})
