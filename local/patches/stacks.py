"""CloudFormation: resource types that have no use on one machine are accepted without effect."""

from typing import Any

from ministack.services.cloudformation import provisioners

_WITHOUT_EFFECT = (
    "AWS::ApiGateway::ClientCertificate",
    "AWS::ApiGatewayV2::IntegrationResponse",
    "AWS::ApiGatewayV2::Model",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::Budgets::Budget",
    "AWS::CertificateManager::Certificate",
    "AWS::CloudFront::MonitoringSubscription",
    "AWS::CloudWatch::AnomalyDetector",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::InsightRule",
    "AWS::Events::Archive",
    "AWS::Events::EventBusPolicy",
    "AWS::Lambda::CodeSigningConfig",
    "AWS::Logs::QueryDefinition",
    "AWS::ResourceGroups::Group",
    "AWS::Route53::RecordSet",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::SES::Template",
    "AWS::Synthetics::Canary",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
    "AWS::XRay::Group",
    "AWS::XRay::SamplingRule",
)


def apply() -> None:
    """Apply this module's patches."""
    accept_harmless_types()
    accept_metric_math()


def accept_harmless_types() -> None:
    """Fault: one resource of an unknown type refuses the whole template. Symptom: the stack cannot be deployed at all."""
    for kind in _WITHOUT_EFFECT:
        provisioners._RESOURCE_HANDLERS.setdefault(kind, {"create": _create, "update": _update, "delete": _delete})


def _create(logical_id: str, _props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    name = f"{stack_name}-{logical_id}"
    return name, {"Arn": f"arn:aws:local:::{name}", "Id": name}


def _update(physical_id: str, _old: dict[str, Any], _new: dict[str, Any], _stack_name: str) -> tuple[str, dict[str, Any]]:
    return physical_id, {"Arn": f"arn:aws:local:::{physical_id}", "Id": physical_id}


def _delete(_physical_id: str, _props: dict[str, Any]) -> None:
    return None


def accept_metric_math() -> None:
    """Fault: an alarm on an expression over metrics is refused. Symptom: the stack of the alarms rolls back.

    Locally nobody watches alarms: such an alarm is recorded and never fires.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    create, update = handlers["create"], handlers["update"]

    def creating(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        return _create(logical_id, props, stack_name) if props.get("Metrics") else create(logical_id, props, stack_name)

    def updating(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, *rest: Any, **named: Any) -> Any:
        if old.get("Metrics") or new.get("Metrics"):
            return _update(physical_id, old, new, stack_name)
        return update(physical_id, old, new, stack_name, *rest, **named)

    handlers["create"], handlers["update"] = creating, updating
