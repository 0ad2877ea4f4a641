"""Adapter for Amazon Bedrock's Converse API. It uses the function's role; only the region is configured."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from shared.agents.providers.attempts import AttemptState, RetryPolicy, TransientError, stream_with_retries
from shared.agents.providers.port import (
    CancelCheck,
    Event,
    Part,
    Request,
    StopReason,
    Text,
    TextDelta,
    ToolCall,
    ToolCallReady,
    never_cancelled,
)
from shared.agents.providers.tool_calls import PendingToolCalls
from shared.agents.providers.wire import merge_messages, object_of, redact, stop_reason, text_of
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
_RATE_LIMITED = frozenset({"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"})
_UNAVAILABLE = frozenset(
    {
        "ServiceUnavailableException",
        "InternalServerException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ModelErrorException",
        "ModelStreamErrorException",
    }
)
_CREDENTIALS_REFUSED = frozenset(
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
    """Return one client for each region (150 ms to build), without botocore's retries: ours know whether events were delivered."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=connect_s, read_timeout=read_s, retries={"total_max_attempts": 1, "mode": "standard"})
    return boto3.client("bedrock-runtime", region_name=region or None, endpoint_url=endpoint or None, config=config)


@dataclass(frozen=True)
class BedrockProvider:
    name: str = "bedrock"
    region: str = ""  # empty: the function's own region
    endpoint: str = ""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        return stream_with_retries(self.name, request, cancelled, self.retry_policy, lambda state: self._attempt(request, state))

    def _attempt(self, request: Request, state: AttemptState) -> Iterator[Event]:
        calls = PendingToolCalls(self.name, state)
        reason: object = None
        state.model = request.model  # Converse does not report which model an inference profile used
        for event in self._events(request, state):
            if start := object_of(event.get("contentBlockStart")):
                if use := object_of(object_of(start.get("start")).get("toolUse")):
                    calls.add(start.get("contentBlockIndex"), text_of(use.get("toolUseId")), text_of(use.get("name")))
            elif block := object_of(event.get("contentBlockDelta")):
                delta = object_of(block.get("delta"))
                if text := text_of(delta.get("text")):
                    yield TextDelta(text)
                elif use := object_of(delta.get("toolUse")):
                    calls.add(block.get("contentBlockIndex"), arguments=use.get("input"))
                state.written += text_of(object_of(delta.get("reasoningContent")).get("text"))
            elif end := object_of(event.get("messageStop")):
                reason = end.get("stopReason")
            elif metadata := object_of(event.get("metadata")):
                state.report(metadata.get("usage"))
        stop = stop_reason(self.name, _STOPS, reason)
        for call in calls.ready(stop):
            yield ToolCallReady(call)
        yield state.finished(stop)

    def _events(self, request: Request, state: AttemptState) -> Iterator[dict[str, Any]]:
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
            client = _client(self.region, self.endpoint, self.retry_policy.connect_timeout_s, self.retry_policy.idle_timeout_s)
            stream = client.converse_stream(**_arguments(request))["stream"]
            try:
                state.answering = True
                for event in stream:
                    state.raise_if_stopped()
                    yield event
            finally:
                stream.close()
        except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
            message = "bedrock has no credentials or no region: give the function a role, or set AWS_PROFILE and AWS_REGION"
            raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, message) from error
        except (ClientError, EventStreamError) as error:  # EventStreamError arrives inside the stream
            raise _error_from_response(error.response) from error
        except ReadTimeoutError as error:
            state.raise_if_stopped()
            raise Upstream(
                Situation.PROVIDER_UNAVAILABLE, f"bedrock sent nothing for {self.retry_policy.idle_timeout_s:g} s"
            ) from error
        except ParamValidationError as error:
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, "bedrock cannot take this request: " + redact(str(error))) from error
        except (ResponseParserError, ParserError) as error:
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, "bedrock sent a chunk that cannot be read") from error
        except (BotoCoreError, HTTPError) as error:
            raise TransientError(
                Upstream(Situation.PROVIDER_UNAVAILABLE, f"the connection to bedrock broke ({type(error).__name__})")
            ) from error
        except (ValueError, KeyError) as error:  # botocore does not wrap errors in event payloads
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, "bedrock sent a chunk that cannot be read") from error


def _error_from_response(response: Any) -> Exception:
    error = response.get("Error") or {}
    code, status = str(error.get("Code") or ""), (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    code = code[:1].upper() + code[1:]  # inside a stream the code is throttlingException
    if code in _RATE_LIMITED or status == 429:
        return TransientError(Upstream(Situation.PROVIDER_RATE_LIMITED, f"bedrock is limiting our requests ({code})"))
    if code in _CREDENTIALS_REFUSED or status in (401, 403):
        return Upstream(
            Situation.PROVIDER_NOT_CONFIGURED, f"bedrock refused our credentials or the model is not enabled ({code})"
        )
    if code in _UNAVAILABLE or (isinstance(status, int) and status >= 500):
        return TransientError(Upstream(Situation.PROVIDER_UNAVAILABLE, f"bedrock is not available ({code or status})"))
    return Upstream(
        Situation.PROVIDER_UNAVAILABLE, f"bedrock refused the request ({code}: {redact(str(error.get('Message') or ''))})"
    )


def _arguments(request: Request) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": request.max_tokens}
    if request.temperature is not None:
        inference["temperature"] = min(request.temperature, 1.0)
    arguments: dict[str, Any] = {
        "modelId": request.model,
        "messages": [
            {"role": message.role, "content": [_block(part) for part in message.parts]}
            for message in merge_messages(request.messages)
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
