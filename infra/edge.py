"""The edge: one CloudFront distribution before all APIs, so that every documented address works.

A CloudFront function (`viewer_request.js`) selects the origin by host and path: several contracts have the base path `/v1`, which cache
behaviours cannot tell apart. Nothing is cached, because every response belongs to one caller.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import CfnOutput, Fn, aws_cloudfront, aws_route53
from constructs import Construct

from infra.exemptions import exempt
from infra.names import CONTRACTS, STAGE_NAME, WELL_KNOWN
from infra.rest_api import ALLOWED_HEADERS, RestApi
from infra.settings import Settings
from infra.socket import Socket
from infra.stack import PlatformStack

# Ids of policies that CloudFront manages
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # API Gateway refuses a Host that is not its own
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"  # the hosted zone of every distribution
EXPOSED_HEADERS = (
    "X-Request-ID",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Window",
    "Retry-After",
    "ETag",
    "Location",
    "Deprecation",
    "Sunset",
    "Link",
    "Content-Disposition",
    "X-Total-Count",
    "X-Next-Cursor",
)
_SOURCE = Path(__file__).with_name("viewer_request.js")


class Edge(PlatformStack):
    """The distribution, its function and headers, and the DNS records of the contracts' domains."""

    def __init__(self, scope: Construct, settings: Settings, apis: Mapping[str, RestApi], socket: Socket, key: str) -> None:
        super().__init__(scope, settings, "edge", "the edge")
        function = aws_cloudfront.CfnFunction(
            self,
            "Router",
            name=Fn.join("-", [settings.stack_name("router"), self.region]),
            auto_publish=True,
            function_code=router_code(settings.domains),
            function_config=aws_cloudfront.CfnFunction.FunctionConfigProperty(
                comment="Documented addresses to the APIs behind them", runtime="cloudfront-js-2.0"
            ),
        )
        hosts = {name: api.host for name, api in apis.items()} | {"socket": Fn.select(2, Fn.split("/", socket.endpoint))}
        distribution = aws_cloudfront.CfnDistribution(
            self,
            "Distribution",
            distribution_config=aws_cloudfront.CfnDistribution.DistributionConfigProperty(
                enabled=True,
                http_version="http2and3",
                ipv6_enabled=True,
                # a changed comment makes CloudFormation read the edge's key again
                comment=f"{settings.stack_name('edge')} {settings.revision}".strip(),
                price_class="PriceClass_100",
                web_acl_id=settings.web_acl_arn or None,
                aliases=sorted(settings.domains.values()) or None,
                viewer_certificate=self._certificate(),
                origins=[self._origin(name, host, key) for name, host in hosts.items()],
                default_cache_behavior=aws_cloudfront.CfnDistribution.DefaultCacheBehaviorProperty(
                    target_origin_id=CONTRACTS[0].name,
                    viewer_protocol_policy="https-only",
                    allowed_methods=["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
                    cache_policy_id=CACHING_DISABLED,
                    origin_request_policy_id=ALL_BUT_HOST,
                    response_headers_policy_id=self._headers().ref,
                    compress=True,
                    function_associations=[
                        aws_cloudfront.CfnDistribution.FunctionAssociationProperty(
                            event_type="viewer-request", function_arn=function.attr_function_metadata_function_arn
                        )
                    ],
                ),
            ),
        )
        exempt(distribution, "AwsSolutions-CFR1", "Customers are everywhere; a country list is the operator's choice.")
        exempt(distribution, "AwsSolutions-CFR2", "A firewall costs money without traffic too: webAclArn attaches one.")
        exempt(
            distribution,
            "AwsSolutions-CFR3",
            "Paths and query strings hold one-time tokens; the APIs' access logs leave them out.",
        )
        if not settings.domains:
            exempt(
                distribution, "AwsSolutions-CFR4", "CloudFront's own certificate sets this; with domains it is TLS 1.2 of 2021."
            )
        self._records(distribution)
        CfnOutput(self, "EdgeUrl", value=Fn.join("", ["https://", distribution.attr_domain_name]))
        CfnOutput(self, "DistributionId", value=distribution.ref)

    def _certificate(self) -> aws_cloudfront.CfnDistribution.ViewerCertificateProperty:
        if not self.settings.domains:
            return aws_cloudfront.CfnDistribution.ViewerCertificateProperty(cloud_front_default_certificate=True)
        return aws_cloudfront.CfnDistribution.ViewerCertificateProperty(
            acm_certificate_arn=self.settings.certificate_arn,
            minimum_protocol_version="TLSv1.2_2021",
            ssl_support_method="sni-only",
        )

    def _origin(self, name: str, host: str, key: str) -> aws_cloudfront.CfnDistribution.OriginProperty:
        return aws_cloudfront.CfnDistribution.OriginProperty(
            id=name,
            domain_name=host,
            # replaces the viewer's own header; functions refuse what comes without a key (`shared.core.edge_keys`)
            origin_custom_headers=[
                aws_cloudfront.CfnDistribution.OriginCustomHeaderProperty(header_name="X-Cadre-Edge", header_value=key)
            ],
            custom_origin_config=aws_cloudfront.CfnDistribution.CustomOriginConfigProperty(
                origin_protocol_policy="https-only",
                origin_ssl_protocols=["TLSv1.2"],
                origin_read_timeout=30,
                origin_keepalive_timeout=60,
            ),
        )

    def _headers(self) -> aws_cloudfront.CfnResponseHeadersPolicy:
        """CORS and security headers of every response, also those of API Gateway and CloudFront."""
        policy = aws_cloudfront.CfnResponseHeadersPolicy
        return aws_cloudfront.CfnResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_config=policy.ResponseHeadersPolicyConfigProperty(
                name=Fn.join("-", [self.settings.stack_name("headers"), self.region]),
                cors_config=policy.CorsConfigProperty(
                    # browsers allow no credentials with `*`; a list of origins allows the session cookie of agentworks
                    access_control_allow_credentials="*" not in self.settings.allowed_origins,
                    access_control_allow_origins=policy.AccessControlAllowOriginsProperty(
                        items=list(self.settings.allowed_origins)
                    ),
                    access_control_allow_methods=policy.AccessControlAllowMethodsProperty(items=["ALL"]),
                    access_control_allow_headers=policy.AccessControlAllowHeadersProperty(items=list(ALLOWED_HEADERS)),
                    access_control_expose_headers=policy.AccessControlExposeHeadersProperty(items=list(EXPOSED_HEADERS)),
                    access_control_max_age_sec=7200,
                    origin_override=True,
                ),
                security_headers_config=policy.SecurityHeadersConfigProperty(
                    strict_transport_security=policy.StrictTransportSecurityProperty(
                        access_control_max_age_sec=63_072_000, include_subdomains=True, override=True
                    ),
                    content_type_options=policy.ContentTypeOptionsProperty(override=True),
                    referrer_policy=policy.ReferrerPolicyProperty(referrer_policy="no-referrer", override=False),
                    frame_options=policy.FrameOptionsProperty(frame_option="DENY", override=False),
                ),
            ),
        )

    def _records(self, distribution: aws_cloudfront.CfnDistribution) -> None:
        settings = self.settings
        for contract, host in sorted(settings.zone_domains.items()):
            for kind in ("A", "AAAA"):
                aws_route53.CfnRecordSet(
                    self,
                    f"{contract.capitalize()}{kind}",
                    hosted_zone_id=settings.hosted_zone_id,
                    name=host,
                    type=kind,
                    alias_target=aws_route53.CfnRecordSet.AliasTargetProperty(
                        dns_name=distribution.attr_domain_name, hosted_zone_id=CLOUDFRONT_ZONE
                    ),
                )


def router_code(domains: Mapping[str, str]) -> str:
    """The source of the CloudFront function with this deployment's contracts and hosts."""
    contracts = {
        contract.name: {
            "base": contract.base,
            "sockets": list(contract.sockets),
            "pages": list(contract.pages),
            "beside": [list(one) for one in contract.beside],
            "retired": list(contract.retired),
        }
        for contract in CONTRACTS
    }
    hosts = {host.lower(): contract for contract, host in domains.items()}
    source = _SOURCE.read_text()
    marks = {
        "CONTRACTS": json.dumps(contracts),
        "HOSTS": json.dumps(hosts),
        "WELL_KNOWN": json.dumps(WELL_KNOWN),
        "STAGE": STAGE_NAME,
    }
    for mark, value in marks.items():
        source = source.replace(f"__{mark}__", value)
    return source
