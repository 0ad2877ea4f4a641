"""The configuration row of a workspace, `WS#<id>, CONFIG`. Limits and the policy are in the workspace's settings."""

from shared.store import JSONAttribute, NumberAttribute, Row


class WorkspaceConfig(Row):
    TABLE = "core_table"

    providers = JSONAttribute(default=list)
    """`[{name, models, default_model, base_url, parameters, sealed_key, key_hint}]`: the key is sealed by KMS for `WS#<id>`, the hint is
    its last four characters."""
    mcp_servers = JSONAttribute(default=list)
    """`[{name, transport, url | command, arguments, enabled}]`."""
    secrets = JSONAttribute(default=dict)
    """By name, sealed: what the egress puts into requests of sandboxes."""
    version = NumberAttribute(default=0)

    @classmethod
    def of(cls, ws_id: str) -> "WorkspaceConfig":
        return cls(pk=f"WS#{ws_id}", sk="CONFIG")
