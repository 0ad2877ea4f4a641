"""The CDK app. Importing any module of it makes sure that jsii finds a Node."""

from infra.node import provide

provide()
