"""The Lambda functions. Python imports this package before the handler of any, so what was kept is handed over here."""

from shared.core import kept

START = kept.begin()
