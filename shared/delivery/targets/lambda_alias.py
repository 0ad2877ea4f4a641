"""A Lambda function of a customer, whose alias shares its traffic out between two versions.

We act under a role of the customer, which trusts us with the project's id as the external id: nobody else's project can use it. Each
build is an image; each deployment publishes it as a version of the function. The fence is kept in the alias's description, and each
change of the alias names the revision that it was decided on: a call that comes too late changes nothing.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import aws, clock
from shared.delivery.targets.port import FencedOut, Figures, Placed, Release, TargetFailed

_FENCE: Final = re.compile(r"cadre-fence=(\d+)")
_LATEST: Final = "$LATEST"
_GONE: Final = "ResourceNotFoundException"
_MINUTE: Final = 60
"""Seconds: the shortest period of CloudWatch's figures of Lambda."""


class LambdaAlias:
    """Calls of AWS that fail raise TargetFailed, except in the constructor's caller: the role is assumed at the first call."""

    def __init__(self, function: str, alias: str, role_arn: str, project_id: str) -> None:
        self._function, self._alias, self._role_arn, self._project_id = function, alias, role_arn, project_id
        self._region = function.split(":")[3]
        self._credentials: dict[str, Any] | None = None

    def deploy(self, release: Release, fence: int) -> Placed:
        """Publish the build's image as a version. Its description names the deployment, so that one that was published is found again."""
        if release.docker_image_url is None:
            raise TargetFailed("A build for a Lambda function needs its image (`docker_image_url`)")
        client = self._client("lambda")
        alias = self._call(client.get_alias, FunctionName=self._function, Name=self._alias)
        self._refuse_late(alias, fence)
        serving = _serving(alias)
        published = self._published(client, release.deployment_id)
        if published is None:
            published = self._publish(client, release)
        if published is None:
            return Placed(False, release.deployment_id, serving)
        state = self._call(client.get_function_configuration, FunctionName=self._function, Qualifier=published)
        if state.get("State", "Active") == "Failed":
            raise TargetFailed(f"Lambda could not make the version ready: {state.get('StateReason', 'no reason given')}")
        return Placed(state.get("State", "Active") == "Active", published, serving)

    def set_weights(self, weights: Mapping[str, int], fence: int) -> None:
        """Route to one version, or to two in their shares. An alias always has a version, so no weights leave it as it is."""
        client = self._client("lambda")
        alias = self._call(client.get_alias, FunctionName=self._function, Name=self._alias)
        self._refuse_late(alias, fence)
        if not weights:
            return
        main, *others = sorted(weights, key=lambda version: -weights[version])
        self._call(
            client.update_alias,
            FunctionName=self._function,
            Name=self._alias,
            FunctionVersion=main,
            Description=f"cadre-fence={fence}",
            RoutingConfig={"AdditionalVersionWeights": {version: weights[version] / 100 for version in others}},
            RevisionId=alias["RevisionId"],
        )

    def health(self, version: str) -> bool:
        state = self._call(self._client("lambda").get_function_configuration, FunctionName=self._function, Qualifier=version)
        return bool(state.get("State", "Active") == "Active")

    def figures(self, version: str, seconds: int) -> Figures:
        """Return CloudWatch's figures of the alias by version. They come in minutes, and some minutes late.

        They are by version only while the alias has two of them (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html): those
        of an alias that has one are that one's.
        """
        seconds = max(_MINUTE, -(-seconds // _MINUTE) * _MINUTE)
        end = clock.now()
        name, resource = self._function.rpartition(":")[2], f"{self._function.rpartition(':')[2]}:{self._alias}"
        dimensions = [
            {"Name": "FunctionName", "Value": name},
            {"Name": "Resource", "Value": resource},
        ]
        alias = self._call(self._client("lambda").get_alias, FunctionName=self._function, Name=self._alias)
        if alias["FunctionVersion"] != version or (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
            dimensions.append({"Name": "ExecutedVersion", "Value": version})

        def query(key: str, metric: str, statistic: str) -> dict[str, Any]:
            about = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
            return {"Id": key, "MetricStat": {"Metric": about, "Period": seconds, "Stat": statistic}}

        answer = self._call(
            self._client("cloudwatch").get_metric_data,
            MetricDataQueries=[
                query("requests", "Invocations", "Sum"),
                query("errors", "Errors", "Sum"),
                query("p95", "Duration", "p95"),
            ],
            StartTime=end - timedelta(seconds=seconds),
            EndTime=end,
        )
        values = {one["Id"]: one["Values"] for one in answer["MetricDataResults"]}
        requests, errors = int(sum(values.get("requests", []))), int(sum(values.get("errors", [])))
        p95 = max(values.get("p95", []), default=None)
        return Figures(requests, min(errors, requests), p95, float(seconds))

    def remove(self, version: str, fence: int) -> None:
        """Remove a published version, unless its name is that of a deployment which never was one."""
        if version.isdigit():
            client = self._client("lambda")
            self._call(client.delete_function, FunctionName=self._function, Qualifier=version, missing_ok=True)

    def _published(self, client: Any, deployment_id: str) -> str | None:
        """Return the version that was published for a deployment; None if there is none."""
        marker: dict[str, Any] = {}
        while True:
            page = self._call(client.list_versions_by_function, FunctionName=self._function, **marker)
            for version in page["Versions"]:
                if version.get("Description") == deployment_id and version["Version"] != _LATEST:
                    return str(version["Version"])
            if not page.get("NextMarker"):
                return None
            marker = {"Marker": page["NextMarker"]}

    def _publish(self, client: Any, release: Release) -> str | None:
        """Set the function's image and publish it; None while the function still takes the image in."""
        state = self._call(client.get_function, FunctionName=self._function)
        configuration = state["Configuration"]
        if configuration.get("LastUpdateStatus") == "InProgress":
            return None
        if state["Code"].get("ImageUri") != release.docker_image_url:
            self._call(client.update_function_code, FunctionName=self._function, ImageUri=release.docker_image_url)
            return None
        if configuration.get("LastUpdateStatus") == "Failed":
            reason = configuration.get("LastUpdateStatusReason", "no reason given")
            raise TargetFailed(f"Lambda did not take the image: {reason}")
        published = self._call(client.publish_version, FunctionName=self._function, Description=release.deployment_id)
        return str(published["Version"])

    def _refuse_late(self, alias: dict[str, Any], fence: int) -> None:
        seen = _FENCE.search(alias.get("Description") or "")
        if seen and int(seen.group(1)) > fence:
            raise FencedOut

    def _client(self, service: str) -> Any:
        if self._credentials is None:
            sts = aws.short_call_client("sts", within=10)
            assumed = self._call(
                sts.assume_role, RoleArn=self._role_arn, RoleSessionName="cadre-deployment", ExternalId=self._project_id
            )["Credentials"]
            self._credentials = {
                "aws_access_key_id": assumed["AccessKeyId"],
                "aws_secret_access_key": assumed["SecretAccessKey"],
                "aws_session_token": assumed["SessionToken"],
            }
        return aws.client(service, config=aws.short_calls(10), region_name=self._region, **self._credentials)

    def _call(self, call: Any, missing_ok: bool = False, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = call(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if missing_ok and code == _GONE:
                return {}
            if code == "PreconditionFailedException":
                raise FencedOut from error
            raise TargetFailed(f"AWS answered {code}: {error.response['Error'].get('Message', '')[:200]}") from error
        except BotoCoreError as error:
            raise TargetFailed(f"AWS could not be reached ({type(error).__name__})") from error
        return answer


def _serving(alias: Mapping[str, Any]) -> str:
    """Return the version with the most traffic: somebody else may have given most of it to the second one."""
    others: Mapping[str, float] = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    shares = {str(alias["FunctionVersion"]): 1 - sum(others.values()), **others}
    return max(shares, key=lambda version: shares[version])
