"""The commands for operators: what they say when they cannot be executed."""

import pytest
from botocore.exceptions import ClientError

from tools import admin, mail, redrive
from tools.deployment import Deployment

EVERY = [(admin.main, []), (mail.main, ["ada@example.com"]), (redrive.main, []), (redrive.main, ["emails"])]


@pytest.mark.parametrize(("command", "arguments"), EVERY)
def test_a_command_without_an_account_says_what_to_set(monkeypatch, capsys, tmp_path, command, arguments):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert command(arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, "region" in printed.err, "AWS_SHARED_CREDENTIALS_FILE=.cadre/credentials" in printed.err) == (
        "",
        True,
        True,
    )


@pytest.mark.parametrize(("command", "arguments"), EVERY)
def test_what_aws_refuses_is_said(monkeypatch, capsys, command, arguments):
    def refuse(*_):
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "The token is too old"}}, "GetQueueAttributes")

    monkeypatch.setattr(Deployment, "find", refuse)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert command(arguments) == 2
    assert "The token is too old" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["not-an-address", "a@x.example,b@y.example", "Bob<a@b.example>"])
def test_what_is_no_address_does_not_get_mail(capsys, text):
    assert mail.main([text]) == 2
    assert capsys.readouterr() == ("", f"{text} is no e-mail address\n")
