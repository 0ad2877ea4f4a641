"""Small git repositories that builds clone."""

import subprocess
from pathlib import Path

JUNIT = (
    '<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>'
    '<testcase name="c"><skipped/></testcase></testsuite></testsuites>'
)
COBERTURA = '<coverage line-rate="0.875" lines-valid="40" lines-covered="35"/>'
SARIF = '{"version": "2.1.0", "runs": [{"results": [{"level": "error", "message": {"text": "A secret"}}]}]}'
WHOLE = f"""
version: 0.2
env:
  variables:
    GREETING: hello
phases:
  install:
    commands:
      - export MADE=in-install
      - mkdir -p out/reports
  build:
    commands:
      - echo "$GREETING $MADE" > out/app.txt
      - |
        printf '%s' '{JUNIT}' > out/reports/junit.xml
      - |
        printf '%s' '{COBERTURA}' > out/reports/cobertura.xml
      - |
        printf '%s' '{SARIF}' > out/scan.sarif
    finally:
      - echo "at the end"
  post_build:
    commands:
      - echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"
reports:
  tests:
    files: ['junit.xml']
    base-directory: out/reports
  coverage:
    files: ['out/reports/cobertura.xml']
    file-format: COBERTURAXML
artifacts:
  files: ['**/*']
  base-directory: out
"""
"""A buildspec with one of everything."""


def repository(folder: Path, buildspec: str | None = WHOLE) -> str:
    """Make a repository with one commit on the branch `main`; return its address."""
    folder.mkdir(parents=True)
    (folder / "README").write_text("A repository\n")
    if buildspec is not None:
        (folder / "buildspec.yml").write_text(buildspec)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return f"file://{folder}"


def commit(folder: Path) -> str:
    """Commit everything; return the commit's hash."""
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "--message", "A change")
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603, S607
