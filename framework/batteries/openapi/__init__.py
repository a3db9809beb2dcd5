"""OpenAPI: the document that describes every endpoint (OpenAPI 3.1), made at start-up from what the code says."""

from framework.batteries.openapi.battery import OpenAPISettings, battery, document_of
from framework.batteries.openapi.channels import messages
from framework.batteries.openapi.examples import example

__all__ = ["OpenAPISettings", "battery", "document_of", "example", "messages"]
