"""What a platform team may say, from where, and what is refused before anything is deployed."""

import re
import shlex
import sys
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from infra.settings import LOG_LEVELS, PROVIDERS, Settings, SettingsError, camel, load
from local.synth import app_settings
from shared.agents.providers.embedded import MODEL as EMBEDDED
from shared.agents.providers.registry import LOCAL, NAMES

ROOT = Path(__file__).parents[2]
CERTIFICATE = "arn:aws:acm:us-east-1:111111111111:certificate/1"


def test_the_environment_wins_over_the_context() -> None:
    settings = load({"mailSender": "a@context.dev", "throttleRate": 7, "throttleBurst": 9}, {"CADRE_MAIL_SENDER": "a@env.dev"})
    assert (settings.mail_sender, settings.throttle_rate, settings.throttle_burst) == ("a@env.dev", 7, 9)


def test_text_becomes_what_the_field_holds() -> None:
    settings = load(
        {},
        {
            "CADRE_STAGE": "dev",
            "CADRE_MAIL_SENDER": "a@o.dev",
            "CADRE_KEEP_DATA": "true",
            "CADRE_GATEWAY_LOG_ROLE": "0",
            "CADRE_LOG_RETENTION_DAYS": "90",
            "CADRE_BEDROCK_MODEL_ARNS": "arn:aws:bedrock:a, arn:aws:bedrock:b",
            "CADRE_DOMAINS": '{"omoios": "o.dev"}',
            "CADRE_CERTIFICATE_ARN": "arn:aws:acm:us-east-1:1:certificate/1",
        },
    )
    assert settings.protected
    assert not settings.gateway_log_role
    assert settings.log_retention_days == 90
    assert settings.bedrock_model_arns == ("arn:aws:bedrock:a", "arn:aws:bedrock:b")
    assert settings.domains == {"omoios": "o.dev"}
    assert settings.url == "https://o.dev"


def test_a_laptop_needs_to_say_nothing() -> None:
    settings = load({}, {})
    assert (settings.stage, settings.bundle, settings.protected, settings.url) == (
        "local",
        "venv",
        False,
        "http://localhost:8000",
    )


def test_production_keeps_its_data_and_ships_its_dependencies() -> None:
    settings = load({"stage": "prod", "publicUrl": "https://cadre.example/", "mailSender": "hello@cadre.example"}, {})
    assert (settings.bundle, settings.protected, settings.url) == ("lambda", True, "https://cadre.example")


@pytest.mark.parametrize(
    ("context", "named"),
    [
        ({"stage": "live"}, "stage"),
        ({"stage": "prod", "mailSender": "hello@cadre.example"}, "publicUrl"),
        ({"stage": "prod", "publicUrl": "https://cadre.example"}, "mailSender: SES sends nothing from cadre@localhost"),
        ({"stage": "dev"}, "mailSender"),
        ({"stage": "dev", "bundle": "venv"}, "bundle"),
        ({"logRetentionDays": 31}, "logRetentionDays"),
        ({"logRetentionDays": "a week"}, "logRetentionDays"),
        ({"keepData": "perhaps"}, "keepData"),
        ({"domains": {"nobody": "x.dev"}}, "nobody"),
        ({"domains": {"omoios": "x.dev"}}, "certificateArn"),
        ({"domains": "omoios=x.dev"}, "domains"),
        ({"hostedZoneId": "Z1"}, "hostedZoneName"),
        ({"bedrockModelArns": ["claude"]}, "claude"),
        ({"embeddings": "titan"}, "embeddings"),
        ({"bedrockModelArns": ["arn:aws:bedrock:eu-west-1:1:inference-profile/eu.claude"]}, "foundation models"),
        ({"edgeKeyNumber": 0}, "edgeKeyNumber"),
        ({"clientKeyNumber": 0}, "clientKeyNumber"),
        ({"runtime": "python2.7"}, "runtime"),
        ({"gradualShift": "Slowly"}, "gradualShift"),
        ({"tableMaxReads": -1}, "tableMaxReads"),
        ({"reservedConcurrency": '{"auth": "many"}'}, "reservedConcurrency"),
        ({"throttleRate": 10, "throttleBurst": 5}, "throttleBurst"),
        ({"mailSender": "nobody"}, "mailSender"),
        ({"deployment": "Not a name"}, "deployment"),
        ({"architecture": "mips"}, "architecture"),
        ({"logLevel": "LOUD"}, "logLevel: 'LOUD' is not one of TRACE, DEBUG, INFO, WARN, WARNING, ERROR, FATAL, CRITICAL"),
        ({"revision": "the key, again"}, "revision"),
        ({"alarmEmail": "the team"}, "alarmEmail"),
        ({"revision": "Zo\u00eb"}, "revision"),
        ({"revision": "a" * 65}, "revision"),
        ({"mailSender": "Cadre<hello@cadre.example>"}, "mailSender"),
        ({"mailSender": "a@b.example,c@d.example"}, "mailSender"),
        ({"stage": "dev", "mailSender": "CADRE@localhost.localdomain"}, "mailSender"),
        ({"stage": "dev", "publicUrl": "http://cadre.example"}, "publicUrl"),
        ({"publicUrl": "https://cadre.example/?a=b"}, "publicUrl"),
        ({"webAclArn": "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/a/1"}, "webAclArn"),
        ({"providerSecretArn": "arn:aws:secretsmanager:eu-west-1:1:secret:a b"}, "providerSecretArn"),
        ({"paymentSecretArn": "cadre-payments"}, "paymentSecretArn"),
        ({"oauthSecretArn": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:oauth"}, "oauthSecretArn"),
        ({"stage": "dev", "defaultProvider": "openAI", "defaultModel": "gpt"}, "defaultProvider"),
        ({"stage": "dev", "defaultModel": "gpt"}, "defaultProvider"),
        ({"stage": "dev", "defaultProvider": "openai"}, "defaultModel"),
        ({"stage": "dev", "defaultProvider": "openai", "defaultModel": "gpt"}, "providerSecretArn"),
        ({"stage": "dev", "defaultProvider": "bedrock", "defaultModel": "a"}, "bedrockModelArns"),
        ({"domains": {"omoios": "https://o.dev"}, "certificateArn": CERTIFICATE}, "domains: omoios"),
        ({"domains": {"omoios": "O.dev"}, "certificateArn": CERTIFICATE}, "domains: omoios"),
        ({"domains": {"omoios": 5}, "certificateArn": CERTIFICATE}, "domains: omoios"),
        ({"domains": {"omoios": "o.dev", "agentworks": "o.dev"}, "certificateArn": CERTIFICATE}, "of one contract"),
        (
            {"domains": {"omoios": "o.dev"}, "certificateArn": CERTIFICATE, "hostedZoneId": "Z1", "hostedZoneName": "po.dev"},
            "hostedZoneName",
        ),
        ({"hostedZoneId": "Z1", "hostedZoneName": "o.dev"}, "hostedZoneName"),
        ({"allowedOrigins": "https://app.example/"}, "allowedOrigins"),
        ({"allowedOrigins": "app.example"}, "allowedOrigins"),
        ({"allowedOrigins": "https://a.example'"}, "allowedOrigins"),
        ({"allowedOrigins": "*, https://app.example"}, "allowedOrigins"),
        ({"throttleRate": True}, "throttleRate"),
        ({"logRetentionDays": 30.5}, "logRetentionDays"),
        ({"reservedConcurrency": {"auth": True}}, "reservedConcurrency"),
        ({"defaultModel": ["a"]}, "defaultModel"),
        ({"webAclARN": "arn:aws:wafv2:..."}, "webAclARN is no setting; did you mean webAclArn"),
        ({"mailsender": "hello@cadre.example"}, "did you mean mailSender"),
        ({"edgeKeyNumbr": 2}, "did you mean edgeKeyNumber"),
        ({"somethingElse": 2}, "somethingElse is no setting"),
        ({"publicUrl": "cadre.example"}, "publicUrl"),
        ({"appUrl": "ftp://app.example"}, "appUrl"),
        ({"priceMultiplier": "five"}, "priceMultiplier"),
        ({"priceStepMicros": "0.25"}, "priceStepMicros"),
    ],
)
def test_what_cannot_be_deployed_is_refused_by_name(context: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(context, {})


@pytest.mark.parametrize(("written", "held"), [*LOG_LEVELS.items(), ("warning", "WARNING"), ("Warn", "WARNING")])
def test_a_log_level_is_what_people_write(written: str, held: str) -> None:
    assert load({"logLevel": written}, {}).log_level == held


def test_a_laptop_takes_no_setting_of_a_deployment() -> None:
    """`cdk.json` may hold what production needs, and `make run` goes on working in the same checkout."""
    kept = {
        "stage": "prod",
        "publicUrl": "https://cadre.example",
        "runtime": "python3.12",
        "keepData": True,
        "snapStart": "cards,runs",
    }
    assert load(kept, app_settings({"CADRE_STAGE": "prod"})) == load({}, {})


def test_where_no_other_model_can_be_called_new_workspaces_have_the_embedded_one() -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:models-AbCdEf"
    embedded = ("embedded", EMBEDDED)
    assert Settings(stage="dev").first_model == Settings().first_model == embedded
    assert Settings(stage="dev", default_provider="embedded").first_model == embedded
    assert Settings(stage="dev", provider_secret_arn=secret).first_model == ("", "")  # each agent's own
    named = Settings(stage="dev", provider_secret_arn=secret, default_provider="openai", default_model="gpt-4o")
    assert named.first_model == ("openai", "gpt-4o")


def test_the_providers_of_a_deployment_are_those_that_the_platform_has() -> None:
    assert set(PROVIDERS) == set(NAMES) - {LOCAL}


def test_a_variable_with_another_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="CADRE_WEBACLARN is no variable of a setting; did you mean CADRE_WEB_ACL_ARN"):
        load({}, {"CADRE_WEBACLARN": "arn:aws:wafv2:..."})
    assert load({}, {"CADRE_PORT": "8001", "CADRE_DATA": "elsewhere"}) == load({}, {})  # of the laptop


def test_an_empty_variable_sets_nothing() -> None:
    """A pipeline passes variables on that it does not have: that must not take the firewall away."""
    firewall = "arn:aws:wafv2:us-east-1:111111111111:global/webacl/a/1"
    settings = load({"webAclArn": firewall, "edgeKeyNumber": 3}, {"CADRE_WEB_ACL_ARN": "", "CADRE_EDGE_KEY_NUMBER": ""})
    assert (settings.web_acl_arn, settings.edge_key_number) == (firewall, 3)


def test_the_context_of_the_cdk_is_not_ours() -> None:
    cdks = {
        "aws:cdk:enable-path-metadata": True,
        "@aws-cdk/core:bootstrapQualifier": "team",
        "acknowledged-issue-numbers": [1],
        "hosted-zone:account=1:domainName=o.dev:region=eu-west-1": {},
    }
    assert load(cdks, {}) == load({}, {})


def test_the_runtime_is_one_for_which_the_lock_has_wheels_and_which_made_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load({}, {}).runtime == f"python{sys.version_info.major}.{sys.version_info.minor}"
    monkeypatch.setattr("infra.settings.THIS_RUNTIME", "python3.10")
    assert load({}, {}).runtime == "python3.10"  # a laptop runs functions with the Python that it has
    with pytest.raises(SettingsError, match=r"runtime: 'python3\.10' is not one of python3\.11"):
        load({"stage": "dev"}, {})
    with pytest.raises(SettingsError, match=r"must be run by python3\.13"):
        load({"stage": "dev", "runtime": "python3.13", "mailSender": "hello@cadre.example"}, {})


def test_snapshots_need_a_python_that_has_them() -> None:
    assert Settings(runtime="python3.13", snap_start=("cards",)).versions
    assert not Settings(runtime="python3.13").versions
    with pytest.raises(SettingsError, match="snapStart"):
        Settings(runtime="python3.11", snap_start=("all",))


def test_stack_names_tell_deployments_apart() -> None:
    assert Settings(stage="dev", deployment="team").stack_name("data") == "team-dev-data"
    assert camel("log_retention_days") == "logRetentionDays"


def test_a_contract_is_served_on_its_own_domain_or_below_the_shared_address() -> None:
    settings = Settings(domains={"omoios": "o.dev"}, certificate_arn="arn:aws:acm:us-east-1:1:certificate/1")
    assert settings.url_of("omoios") == "https://o.dev/api/v1"
    assert settings.url_of("agentworks") == "https://o.dev/agentworks/v1"
    assert Settings().url_of("agentworks") == "http://localhost:8000/agentworks/v1"


def printed(page: str) -> list[str]:
    """The calls of the CDK CLI in a page, each on one line."""
    text = (ROOT / page).read_text().replace("\\\n", " ")
    return re.findall(r"^cdk (?:synth|diff|deploy) .*|(?<=`)cdk (?:synth|diff|deploy) [^`]*-c [^`]*(?=`)", text, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/deploying.md"])
def test_an_account_is_bootstrapped_without_the_app(page: str) -> None:
    """The CLI runs the app of `cdk.json` for it, and without a stage the app refuses."""
    commands = re.findall(r"cdk bootstrap .*", (ROOT / page).read_text())
    assert commands
    assert all(command.startswith("cdk bootstrap --app '' aws://") for command in commands)


@pytest.mark.parametrize("page", ["README.md", "docs/deploying.md", "docs/operations.md"])
def test_the_commands_that_are_printed_are_taken_by_the_app(page: str) -> None:
    """In the README and for a first deployment as they stand; the others may count on what is in `cdk.json`."""
    kept = {"publicUrl": "https://cadre.example", "mailSender": "hello@cadre.example"}
    assert printed(page)
    for command in printed(page):
        words = shlex.split(command, comments=True)
        context = dict(word.split("=", 1) for flag, word in pairwise(words) if flag in ("-c", "--context"))
        assert set(context) <= {camel(field.name) for field in fields(Settings)}, command
        first = "--all" in words and page != "docs/operations.md"
        assert not load(context if first else kept | context, {}).local, command
