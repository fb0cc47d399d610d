"""Show customers, plans and features as billing documents."""

from billing.document.renderer.catalog import Catalogue, render_catalogue
from billing.document.renderer.customer import render_customer, render_customers

__all__ = ["Catalogue", "render_catalogue", "render_customer", "render_customers"]
