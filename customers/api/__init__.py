"""The JSON API: access, parameters, pages, errors and the OpenAPI description."""
