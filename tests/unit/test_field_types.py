"""Field types of requests, and what validation errors say of them."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from functions.delivery.enterprise import Branch, Commit, Version
from shared.edge.contracts.field_errors import to_field_errors
from shared.edge.contracts.fields import Name, Slug, Title, WebAddress


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    maxTokens: int = 0
    apiKey: int = 0
    size: int | bool = 0


class Circle(BaseModel):
    kind: Literal["circle"]
    radius: int


class Square(BaseModel):
    kind: Literal["square"]
    side: int


class Drawing(BaseModel):
    shapes: list[Annotated[Circle | Square, Field(discriminator="kind")]] = []
    circle: Circle | None = None


def faults(body: dict) -> list[tuple[str, object]]:
    with pytest.raises(ValidationError) as error:
        Body.model_validate(body)
    return [(one.field, one.value) for one in to_field_errors(error.value.errors())]


def test_a_field_keeps_its_name_whatever_it_is_called():
    assert faults({"int": 1, "str": 2}) == [("int", 1), ("str", 2)]
    assert faults({"size": "large"}) == [("size", "large")], "one error for a field of several types"


def test_a_field_of_a_union_of_models_is_named_as_it_was_sent():
    body = {
        "shapes": [{"kind": "circle", "radius": 1}, {"kind": "square", "side": "x"}, {"kind": "circle"}],
        "circle": {"kind": "circle"},
    }
    with pytest.raises(ValidationError) as error:
        Drawing.model_validate(body)
    issues = error.value.errors()
    named = ["shapes.1.side", "shapes.2.radius", "circle.radius"]
    assert [one.field for one in to_field_errors(issues, body)] == named
    assert [one.field for one in to_field_errors([{**one, "loc": ("body", *one["loc"])} for one in issues], body)] == named


def test_secrets_are_not_repeated_and_counts_are():
    assert faults({"maxTokens": "many", "apiKey": "s3cret"}) == [("maxTokens", "many"), ("apiKey", None)]


def test_a_response_names_a_bounded_number_of_faults():
    found = faults({f"{number}{'x' * 1_000}": "y" * 1_000 for number in range(1_000)})
    assert len(found) == 50
    assert {(len(name), len(str(value))) for name, value in found} == {(200, 200)}


@pytest.mark.parametrize("kind", [Name, Title])
def test_names_are_one_line(kind):
    assert TypeAdapter(kind).validate_python(" Ada\r\n\tLovelace ") == "Ada Lovelace"
    with pytest.raises(ValidationError, match="Control characters"):
        TypeAdapter(kind).validate_python("Ada\x00Lovelace")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://", "//example.com", "https://user@example.com", "https://a b.com"]
)
def test_a_web_address_is_one(url):
    with pytest.raises(ValidationError):
        TypeAdapter(WebAddress).validate_python(url)
    assert TypeAdapter(WebAddress).validate_python("https://example.com/a?b") == "https://example.com/a?b"


@pytest.mark.parametrize(
    ("field", "good", "bad", "words"),
    [
        (Version, "1.2.0-rc.1+7", ["v1.2.0", "1.2", "1.2.0\n"], "Should be a semantic version (semver.org), such as 1.2.0"),
        (Commit, "abc123", ["abc", "main"], "Should be the hash of a commit: 4 to 64 hexadecimal digits"),
        (Branch, "feature/pay", ["-x", "a b", "a..~"], "Should be the name of a branch as git takes it, such as main"),
        (Slug, "my-shop", ["My shop", "a--b"], "Should be letters from a to z and digits, with single hyphens between them"),
    ],
)
def test_who_sends_a_text_of_another_form_is_told_in_words_and_the_document_has_the_pattern(field, good, bad, words):
    kind = TypeAdapter(field)
    assert kind.validate_python(good) == good
    for one in bad:
        with pytest.raises(ValidationError) as error:
            kind.validate_python(one)
        assert [fault.message for fault in to_field_errors(error.value.errors())] == [words]
    assert kind.json_schema()["pattern"].startswith("^")
    assert kind.json_schema()["type"] == "string"
