"""Deployments whose templates are checked: a laptop's, a small one, production, and production with every setting that adds something."""

from dataclasses import replace

from infra.settings import Settings

LOCAL = Settings(stage="local", socket_endpoint="http://127.0.0.1:4566/_aws/execute-api/{api}/v1")
DEV = Settings(stage="dev", bundle="venv")
PROD = Settings(
    stage="prod",
    bundle="venv",
    domains={"agentworks": "api.agentworks.dev", "aintandem": "api.aintandem.com"},
    certificate_arn="arn:aws:acm:us-east-1:111111111111:certificate/1",
    hosted_zone_id="Z1",
    hosted_zone_name="agentworks.dev",
    mail_sender="hello@agentworks.dev",
    provider_secret_arn="arn:aws:secretsmanager:eu-west-1:111111111111:secret:models-abcdef",  # noqa: S106 - a name
    payment_secret_arn="arn:aws:secretsmanager:eu-west-1:111111111111:secret:payments-abcdef",  # noqa: S106 - a name
    github_app_secret_arn="arn:aws:secretsmanager:eu-west-1:111111111111:secret:github-app-abcdef",  # noqa: S106 - a name
    oauth_secret_arn="arn:aws:secretsmanager:eu-west-1:111111111111:secret:oauth-abcdef",  # noqa: S106 - a name
    bedrock_model_arns=(
        "arn:aws:bedrock:eu-west-1:111111111111:inference-profile/eu.anthropic.claude",
        "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude",
        "arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude",
    ),
    alarm_email="ops@agentworks.dev",
)
EVERYTHING = replace(
    PROD,
    client_key_number=2,
    edge_key_number=3,
    runtime="python3.13",
    snap_start=("all",),
    kept_start=False,
    gradual_shift="Canary10Percent5Minutes",
    reserved_concurrency={"run_steps": 50, "ws_pusher": 100},
    table_max_reads=4000,
    table_max_writes=2000,
    embeddings="bedrock:amazon.titan-embed-text-v2:0",
    sandboxes="agentcore",
    sandbox_zones=("eu-west-1a", "eu-west-1b"),
)  # every setting that adds something
