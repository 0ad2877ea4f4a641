"""What the engine, and with it every function on this machine, learns of somebody's shell."""

from pathlib import Path

from local.engine import environment
from local.patches.workers import with_local_urls


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


def test_who_signs_tokens_is_found_at_the_port_that_was_asked_for(monkeypatch) -> None:
    """The metadata of an authorization server must have the issuer at whose address it was read (RFC 8414, 3.3)."""
    monkeypatch.setenv("GATEWAY_PORT", "4566")
    monkeypatch.setenv("CADRE_PUBLIC_URL", "http://localhost:8300")
    deployed = {"CADRE_PUBLIC_URL": "http://localhost:8000", "CADRE_ISSUER": "http://localhost:8000", "CADRE_APP_URL": "x"}
    assert with_local_urls(deployed) == {
        "CADRE_PUBLIC_URL": "http://localhost:8300",
        "CADRE_ISSUER": "http://localhost:8300",
        "CADRE_APP_URL": "x",
    }
    elsewhere = {"CADRE_PUBLIC_URL": "http://localhost:8000", "CADRE_ISSUER": "https://auth.example.com"}
    assert with_local_urls(elsewhere)["CADRE_ISSUER"] == "https://auth.example.com"
