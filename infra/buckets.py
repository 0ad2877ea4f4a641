"""Buckets: private, encrypted, versioned, by TLS only."""

from collections.abc import Sequence

from aws_cdk import aws_s3

from infra.exemptions import exempt
from infra.stack import PlatformStack, only_tls

_Rule = aws_s3.CfnBucket.RuleProperty


def bucket(
    stack: PlatformStack,
    name: str,
    rules: Sequence[_Rule],
    *,
    unlogged: str,
    cors: aws_s3.CfnBucket.CorsConfigurationProperty | None = None,
) -> aws_s3.CfnBucket:
    """A bucket with its policy. `unlogged` says why it has no access log."""
    made = aws_s3.CfnBucket(
        stack,
        name,
        bucket_encryption=aws_s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                aws_s3.CfnBucket.ServerSideEncryptionRuleProperty(
                    server_side_encryption_by_default=aws_s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                        sse_algorithm="AES256"
                    )
                )
            ]
        ),
        public_access_block_configuration=aws_s3.CfnBucket.PublicAccessBlockConfigurationProperty(
            block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
        ),
        ownership_controls=aws_s3.CfnBucket.OwnershipControlsProperty(
            rules=[aws_s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
        ),
        versioning_configuration=aws_s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        cors_configuration=cors,
        lifecycle_configuration=aws_s3.CfnBucket.LifecycleConfigurationProperty(rules=list(rules)),
    )
    stack.keep(made)
    aws_s3.CfnBucketPolicy(
        stack,
        f"{name}Policy",
        bucket=made.ref,
        policy_document=only_tls(["s3:*"], [made.attr_arn, f"{made.attr_arn}/*"]),
    )
    exempt(made, "AwsSolutions-S1", unlogged)
    return made


def unfinished_uploads(days: int) -> _Rule:
    """Remove the parts of uploads that were never completed."""
    after = aws_s3.CfnBucket.AbortIncompleteMultipartUploadProperty(days_after_initiation=days)
    return _Rule(id="unfinished-uploads", status="Enabled", abort_incomplete_multipart_upload=after)


def old_versions(days: int) -> _Rule:
    """Remove versions that were replaced or deleted so many days ago."""
    after = aws_s3.CfnBucket.NoncurrentVersionExpirationProperty(noncurrent_days=days)
    return _Rule(id="old-versions", status="Enabled", noncurrent_version_expiration=after)
