"""Answers are looked at on the local engine, as in tests/properties."""

from tests.properties.conftest import _engine, engine_tables

__all__ = ["_engine", "engine_tables"]
