"""Names, credentials, and what is said when they are missing."""

import json

import boto3
import pytest
from moto import mock_aws

from shared.agents.providers import credentials
from shared.agents.providers.anthropic import AnthropicProvider
from shared.agents.providers.attempts import retry_after_seconds
from shared.agents.providers.embedded.model import EmbeddedProvider
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.port import Message, Request, TokenUsage
from shared.agents.providers.registry import NAMES, available_providers, provider
from shared.agents.providers.tokens import count_tokens, input_tokens, upper_bound
from shared.agents.providers.wire import redact
from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GOOGLE_API_KEY", "QWEN_API_KEY", "GLM_API_KEY")


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in (*KEYS, *(key.replace("API_KEY", "BASE_URL") for key in KEYS), "CADRE_PROVIDER_SECRET"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    credentials.clear_cache()
    yield
    settings.cache_clear()
    credentials.clear_cache()


def test_the_embedded_model_needs_nothing():
    assert isinstance(provider("embedded"), EmbeddedProvider)
    assert available_providers()[0] == "embedded"


@pytest.mark.parametrize(
    ("name", "variable"),
    [("anthropic", KEYS[0]), ("claude", KEYS[0]), ("openai", KEYS[1]), ("google", KEYS[2]), ("qwen", KEYS[3]), ("glm", KEYS[4])],
)
def test_without_credentials_the_variable_is_named(name, variable):
    with pytest.raises(Upstream, match=f"has no credentials: set {variable}") as caught:
        provider(name)
    assert caught.value.situation is Situation.PROVIDER_NOT_CONFIGURED


def test_with_a_key(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-anthropic")
    monkeypatch.setenv("QWEN_API_KEY", "k-qwen")
    assert isinstance(provider("claude"), AnthropicProvider)
    qwen = provider("qwen")
    assert isinstance(qwen, OpenAIProvider)
    assert "dashscope" in qwen.base_url
    assert "k-qwen" not in repr(qwen)
    assert {"anthropic", "qwen"} <= set(available_providers())
    assert "openai" not in available_providers()


def test_a_server_of_ones_own_needs_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1")
    local = provider("openai")
    assert isinstance(local, OpenAIProvider)
    assert (local.base_url, local.api_key) == ("http://127.0.0.1:11434/v1", "")


def test_nobody_of_that_name():
    with pytest.raises(Upstream, match="there is no provider 'nanobanana'; there are embedded") as caught:
        provider("nanobanana")
    assert caught.value.situation is Situation.PROVIDER_UNAVAILABLE
    assert "bedrock" in NAMES


@mock_aws
def test_credentials_from_the_secret(monkeypatch):
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    secrets.create_secret(Name="models", SecretString=json.dumps({"GLM_API_KEY": "k-glm"}))
    monkeypatch.setenv("CADRE_PROVIDER_SECRET", "models")
    settings.cache_clear()
    assert provider("glm").api_key == "k-glm"
    secrets.put_secret_value(SecretId="models", SecretString="not json")
    assert provider("glm").api_key == "k-glm"
    credentials.clear_cache()
    with pytest.raises(Upstream, match="is not JSON"):
        provider("glm")


@mock_aws
def test_a_secret_that_cannot_be_read_says_so_without_its_content(monkeypatch):
    monkeypatch.setenv("CADRE_PROVIDER_SECRET", "nowhere")
    settings.cache_clear()
    with pytest.raises(Upstream, match="cannot be read") as caught:
        provider("glm")
    assert caught.value.situation is Situation.PROVIDER_NOT_CONFIGURED


def test_bedrock_without_a_region(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(Upstream, match="no region") as caught:
        provider("bedrock")
    assert caught.value.situation is Situation.PROVIDER_NOT_CONFIGURED


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3), ("0.5", 0.5), ("-1", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), (None, None)]
)
def test_retry_after(header, seconds):
    assert retry_after_seconds(header) == seconds


@pytest.mark.parametrize(
    "text", ["Incorrect key sk-proj-abc123def456", "Bearer abc.def.ghi is wrong", "AIzaSyA1234567890 expired"]
)
def test_scrubbing(text):
    assert "***" in redact(text)
    assert "abc" not in redact(text)
    assert "SyA1" not in redact(text)


def test_buckets_are_disjoint():
    usage = TokenUsage.including_cache(120, 100, 7, cache_write=50)
    assert usage == TokenUsage(input=0, cache_read=100, cache_write=20, output=7)
    assert usage.total_input == 120
    with pytest.raises(ValueError, match="negative"):
        TokenUsage(input=-1)


def test_counting():
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde", "ÄÄ")] == [0, 1, 1, 2, 1]
    request = Request("m", (Message.user("word " * 400),), system="s" * 400)
    assert input_tokens(request) < upper_bound(request)
