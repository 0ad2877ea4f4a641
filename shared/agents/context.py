"""The first message of a run. The format lives with the embedded model that reads it back: `shared/providers/context.py`."""

from shared.providers.context import Context, parse_context, render_context

__all__ = ["Context", "parse_context", "render_context"]
