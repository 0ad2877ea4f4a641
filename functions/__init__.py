"""The Lambda functions. Python imports this package before the handler of any, so a start begins here."""

from shared.core import start

start.begin()

from shared.core import kept  # noqa: E402 - its own imports are a part of the start

START = kept.begin()
