"""Renders customers, plans and features as billing documents."""

from billing.document.renderer.catalog import RenderedCatalog, render_catalog
from billing.document.renderer.customer import render_accounts, render_customer, render_customers

__all__ = ["RenderedCatalog", "render_accounts", "render_catalog", "render_customer", "render_customers"]
