"""The CDK app. Importing this package sets the environment that the CDK needs."""

from infra.node import provide

provide()
