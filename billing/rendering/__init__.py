"""Show customers, plans and features as billing documents."""

from billing.rendering.catalogue import Catalogue, render_catalogue
from billing.rendering.customer import render_customer, render_customers

__all__ = ["Catalogue", "render_catalogue", "render_customer", "render_customers"]
