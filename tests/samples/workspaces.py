"""Requests of the area `workspaces`."""

from tests.samples.stage import Sample, Samples, Stage, nothing, of_workspace


def _workspace_to_delete(stage: Stage) -> Sample:
    made = stage.world.ada("workspaces", "POST", "/workspaces", body={"name": "Gone", "slug": stage.slug()})
    return Sample({"id": made.json["id"]})


def _invited(stage: Stage) -> Sample:
    invitee = stage.new_user()
    token = stage.invitation(invitee.user["email"])["invitationUrl"].rpartition("token=")[2]
    return Sample({"id": stage.world.ws_id, "token": token}, {"token": token}, caller=invitee)


def _one(stage: Stage) -> Sample:
    return Sample({"workspace_id": stage.world.ws_id})


def _one_to_delete(stage: Stage) -> Sample:
    made = stage.world.ada("workspaces", "POST", "/workspaces", body={"name": "Gone", "slug": stage.slug()})
    return Sample({"workspace_id": made.json["id"]})


SAMPLES: Samples = {
    ("aintandem", "workspaces.list"): nothing,
    ("aintandem", "workspaces.get"): _one,
    ("aintandem", "workspaces.create"): lambda s: Sample(
        {},
        {
            "name": s.slug(),
            "settings": {"max_sandboxes": 10, "default_llm_provider": "qwen", "collaboration_policy": "allow_list"},
        },
    ),
    ("aintandem", "config.getWorkspace"): _one,
    ("aintandem", "config.updateWorkspace"): lambda s: Sample(
        {"workspace_id": s.world.ws_id},
        {"settings": {"max_sandboxes": 20}, "mcp_servers": [{"name": "tools", "command": ["tools"]}]},
    ),
    ("aintandem", "workspaces.update"): lambda s: Sample({"workspace_id": s.world.ws_id}, {"settings": {"max_sandboxes": 20}}),
    ("agentworks", "workspaces.list"): nothing,
    ("agentworks", "workspaces.get"): of_workspace,
    ("agentworks", "workspaces.create"): lambda s: Sample({}, {"name": "Another", "slug": s.slug()}),
    ("agentworks", "workspaces.update"): lambda s: Sample({"id": s.world.ws_id}, {"description": "Ours"}),
    # the default one, which stays its owner's
    ("agentworks", "workspaces.transfer"): lambda s: Sample({"id": s.world.ws_id}, {"userId": s.member()}, status=409),
    ("agentworks", "members.list"): of_workspace,
    ("agentworks", "members.invite"): lambda s: Sample(
        {"id": s.world.ws_id}, {"email": f"{s.slug()}@matrix.example", "role": "member", "message": "Come"}
    ),
    ("agentworks", "members.update"): lambda s: Sample(
        {"id": s.world.ws_id, "userId": s.member()}, {"role": "member", "permissions": []}
    ),
    ("agentworks", "members.remove"): lambda s: Sample({"id": s.world.ws_id, "userId": s.member()}),
    ("agentworks", "invitations.cancel"): lambda s: Sample(
        {"id": s.world.ws_id, "invitationId": s.invitation(f"{s.slug()}@matrix.example")["invitation"]["id"]}
    ),
}

ALONE: Samples = {
    ("aintandem", "workspaces.delete"): _one_to_delete,
    ("agentworks", "workspaces.delete"): _workspace_to_delete,
    ("agentworks", "invitations.accept"): _invited,
}
"""Only the owner's own person can make these, or anybody."""
