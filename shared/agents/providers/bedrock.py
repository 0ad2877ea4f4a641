"""Amazon Bedrock through Converse. Credentials are the function's role; nothing is configured but the region."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from shared.agents.providers.attempts import Patience, Progress, Transient, run
from shared.agents.providers.port import (
    Cancelled,
    Event,
    Part,
    Request,
    StopReason,
    Text,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolCallReady,
    never,
)
from shared.agents.providers.wire import PendingCalls, merged, scrubbed, whole
from shared.core.errors import Upstream
from shared.core.situations import Situation

_STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
}
_LIMITED = frozenset({"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"})
_AWAY = frozenset(
    {
        "ServiceUnavailableException",
        "InternalServerException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ModelErrorException",
        "ModelStreamErrorException",
    }
)
_REFUSED = frozenset(
    {
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "ExpiredToken",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
    }
)


@cache
def _client(region: str, endpoint: str, connect_s: float, read_s: float) -> Any:
    """One client for a region (building one takes 150 ms). Its own retries are off: ours know what was delivered."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=connect_s, read_timeout=read_s, retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client("bedrock-runtime", region_name=region or None, endpoint_url=endpoint or None, config=config)


@dataclass(frozen=True)
class BedrockProvider:
    name: str = "bedrock"
    region: str = ""  # empty: the region of the function
    endpoint: str = ""
    patience: Patience = field(default_factory=Patience)

    def stream(self, request: Request, cancelled: Cancelled = never) -> Iterator[Event]:
        return run(self.name, request, cancelled, self.patience, lambda progress: self._attempt(request, progress))

    def _attempt(self, request: Request, progress: Progress) -> Iterator[Event]:
        calls = PendingCalls(self.name, progress)
        stop: StopReason | None = None
        progress.model = request.model  # Converse does not say who answered behind an inference profile
        for event in self._events(request, progress):
            if start := event.get("contentBlockStart"):
                use = (start.get("start") or {}).get("toolUse")
                if use:
                    calls.add(whole(start.get("contentBlockIndex")), str(use.get("toolUseId") or ""), str(use.get("name") or ""))
            elif block := event.get("contentBlockDelta"):
                delta = block.get("delta") or {}
                if delta.get("text"):
                    yield TextDelta(str(delta["text"]))
                elif "toolUse" in delta:
                    calls.add(whole(block.get("contentBlockIndex")), arguments=str(delta["toolUse"].get("input") or ""))
            elif end := event.get("messageStop"):
                stop = _STOPS.get(str(end.get("stopReason")), "end")
            elif metadata := event.get("metadata"):
                progress.usage = _usage(metadata.get("usage"))
        if stop is None:
            raise Transient(
                Upstream(Situation.PROVIDER_UNAVAILABLE, f"{self.name} ended the stream before the answer was complete")
            )
        for call in calls.ready(stop):
            yield ToolCallReady(call)
        yield progress.finished(stop)

    def _events(self, request: Request, progress: Progress) -> Iterator[dict[str, Any]]:
        from botocore.eventstream import ParserError
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            EventStreamError,
            NoCredentialsError,
            NoRegionError,
            ParamValidationError,
            PartialCredentialsError,
            ReadTimeoutError,
        )
        from botocore.parsers import ResponseParserError
        from urllib3.exceptions import HTTPError

        try:
            client = _client(self.region, self.endpoint, self.patience.connect_s, self.patience.idle_s)
            stream = client.converse_stream(**_arguments(request))["stream"]
            try:
                for event in stream:
                    progress.check()
                    yield event
            finally:
                stream.close()
        except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
            told = "bedrock has no credentials or no region: give the function a role, or set AWS_PROFILE and AWS_REGION"
            raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, told) from error
        except (ClientError, EventStreamError) as error:  # the second arrives inside the stream
            raise _translated(error.response) from error
        except ReadTimeoutError as error:
            progress.check()
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"bedrock sent nothing for {self.patience.idle_s:g} s") from error
        except ParamValidationError as error:
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, "bedrock cannot take this request: " + scrubbed(str(error))) from error
        except (ResponseParserError, ParserError) as error:
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, "bedrock sent a chunk that cannot be read") from error
        except (BotoCoreError, HTTPError) as error:
            raise Transient(
                Upstream(Situation.PROVIDER_UNAVAILABLE, f"the connection to bedrock broke ({type(error).__name__})")
            ) from error
        except (ValueError, KeyError) as error:  # botocore parses event payloads without wrapping its own errors
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, "bedrock sent a chunk that cannot be read") from error


def _translated(response: Any) -> Exception:
    error = response.get("Error") or {}
    code, status = str(error.get("Code") or ""), (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    code = code[:1].upper() + code[1:]  # inside a stream it is throttlingException
    if code in _LIMITED or status == 429:
        return Transient(Upstream(Situation.PROVIDER_RATE_LIMITED, f"bedrock is limiting our requests ({code})"))
    if code in _REFUSED or status in (401, 403):
        return Upstream(
            Situation.PROVIDER_NOT_CONFIGURED, f"bedrock refused our credentials or the model is not enabled ({code})"
        )
    if code in _AWAY or (isinstance(status, int) and status >= 500):
        return Transient(Upstream(Situation.PROVIDER_UNAVAILABLE, f"bedrock is not available ({code or status})"))
    return Upstream(
        Situation.PROVIDER_UNAVAILABLE, f"bedrock refused the request ({code}: {scrubbed(str(error.get('Message') or ''))})"
    )


def _arguments(request: Request) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": request.max_tokens}
    if request.temperature is not None:
        inference["temperature"] = min(request.temperature, 1.0)
    arguments: dict[str, Any] = {
        "modelId": request.model,
        "messages": [
            {"role": message.role, "content": [_block(part) for part in message.parts]} for message in merged(request.messages)
        ],
        "inferenceConfig": inference,
    }
    if request.system:
        arguments["system"] = [{"text": request.system}]
    if request.tools:
        arguments["toolConfig"] = {
            "tools": [
                {"toolSpec": {"name": tool.name, "description": tool.description, "inputSchema": {"json": tool.parameters}}}
                for tool in request.tools
            ]
        }
    return arguments


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, ToolCall):
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.arguments}}
    status = "error" if part.is_error else "success"
    return {"toolResult": {"toolUseId": part.call_id, "content": [{"text": part.content or "(nothing)"}], "status": status}}


def _usage(raw: object) -> TokenUsage | None:
    """`inputTokens` excludes the cached ones here."""
    if not isinstance(raw, dict):
        return None
    return TokenUsage(
        whole(raw.get("inputTokens")),
        whole(raw.get("cacheReadInputTokens")),
        whole(raw.get("cacheWriteInputTokens")),
        whole(raw.get("outputTokens")),
    )
