"""Models of the client: what they show of themselves."""

import re

import pytest

from ai_agents import models
from ai_agents._model import Model
from ai_agents.agentworks import models as board_models
from cadre_cli.profiles import Profile

ALL = [
    one for module in (models, board_models) for one in vars(module).values() if isinstance(one, type) and issubclass(one, Model)
]
LOOKS_SECRET = re.compile(r"secret|token(?!s)|password|^key$", re.IGNORECASE)
NO_SECRETS = {("CustomField", "key"), ("TagInfo", "key"), ("TokenAnswer", "token_type")}


def looking_secret() -> list[tuple[type[Model], str]]:
    return [(model, name) for model in ALL for name in model.model_fields if LOOKS_SECRET.search(name)]


@pytest.mark.parametrize(("model", "field"), looking_secret(), ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_a_secret_is_in_its_field_and_in_nothing_that_is_printed(model, field):
    made = model.model_construct(**{field: "sk-one-time"})
    assert getattr(made, field) == "sk-one-time"
    shown = ("sk-one-time" in repr(made), "sk-one-time" in str(made), "sk-one-time" in f"{[made]}")
    assert shown == ((model.__name__, field) in NO_SECRETS,) * 3
    assert "sk-one-time" in made.model_dump_json(warnings=False)


def test_a_secret_that_this_version_does_not_know_is_not_printed_and_an_absent_one_is_seen_to_be_absent():
    made = models.NewClient.model_construct(client_secret=None, old_secret="s3cret", name="CI")
    assert "s3cret" not in repr(made)
    assert "client_secret=None" in repr(made)
    assert "name='CI'" in repr(made)


def test_tokens_of_a_login_are_not_printed():
    tokens = {"access_token": "one-token", "refresh_token": "two-token", "expires_at": 1.0}
    shown = repr(Profile(url="https://cadre.example", email="ada@example.com", organization="o-1", **tokens))
    assert "-token" not in shown
    assert "ada@example.com" in shown
