"""What the engine, and with it every function on this machine, learns of somebody's shell."""

from pathlib import Path

from local.engine import environment


def test_credentials_reach_the_functions_and_nothing_else_does(monkeypatch) -> None:
    credentials = {
        "ANTHROPIC_API_KEY",
        "OPENAI_BASE_URL",
        "OAUTH_GITHUB_CLIENT_ID",
        "OAUTH_CORP_ISSUER",
        "LOCAL_CONTEXT",
        "OPENAI_TOOLS",
        "AWS_BEARER_TOKEN_BEDROCK",
    }
    for name in (*credentials, "MY_SECRET", "DOCKER_CONTEXT", "AWS_PROFILE", "EDITOR"):
        monkeypatch.setenv(name, "x")
    told = environment(Path("/nowhere"), 1, "of this start")
    passed = {name for name, value in told.items() if value == "x"}
    assert passed == credentials
