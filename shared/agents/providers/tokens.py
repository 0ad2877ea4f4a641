"""Count tokens without a tokenizer.

`count_tokens` is the embedded model's exact rule, and the estimate for every provider that sends no count: one token for every
four bytes of UTF-8, rounded up (never zero for a text that is not empty). `upper_bound` is the number that a budget reserves
before a call: one token for every two bytes, more than the tokenizers of the catalogue's models need for prose, code or CJK text.
"""

import json

from shared.agents.providers.port import Message, Part, Request, Text, TokenUsage, ToolCall

BYTES_PER_TOKEN = 4
MIN_BYTES_PER_TOKEN = 2
MESSAGE_OVERHEAD = 4  # role and separators of one message, as OpenAI's cookbook counts them
MAX_MESSAGE_OVERHEAD = 16
TOOLS_OVERHEAD = 700  # Anthropic adds up to 676 tokens of hidden tool instructions; the others add less


def count_tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def likely_tokens(text: str) -> int:
    """Estimate what a small window holds: four characters of English are a token, and two bytes of any other writing.

    A Chinese or Japanese character is a token or more, and `count_tokens` has three quarters of one.
    """
    plain = len(text.encode("ascii", "ignore"))
    others = len(text.encode("utf-8", "surrogatepass")) - plain
    return -(-plain // BYTES_PER_TOKEN) + -(-others // MIN_BYTES_PER_TOKEN)


def part_text(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, ToolCall):
        return part.name + json.dumps(part.arguments, ensure_ascii=False, sort_keys=True)
    return part.content


def message_tokens(message: Message) -> int:
    return MESSAGE_OVERHEAD + sum(count_tokens(part_text(part)) for part in message.parts)


def _tools_text(request: Request) -> str:
    return "".join(
        tool.name + tool.description + json.dumps(tool.parameters, ensure_ascii=False, sort_keys=True) for tool in request.tools
    )


def input_tokens(request: Request) -> int:
    """Count the input tokens of a request: exact for the embedded model, an estimate for every other model."""
    return count_tokens(request.system) + count_tokens(_tools_text(request)) + sum(map(message_tokens, request.messages))


def upper_bound(request: Request) -> int:
    """Return an upper bound of the request's input tokens; a budget reserves this number."""
    texts = [request.system, _tools_text(request)]
    texts += [part_text(part) for message in request.messages for part in message.parts]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    overhead = MAX_MESSAGE_OVERHEAD * (1 + len(request.messages)) + (TOOLS_OVERHEAD if request.tools else 0)
    return -(-size // MIN_BYTES_PER_TOKEN) + overhead


def estimated_usage(request: Request, output_text: str) -> TokenUsage:
    """Estimate the usage of a call for which the provider sent no counts."""
    return TokenUsage(input=input_tokens(request), output=count_tokens(output_text))
