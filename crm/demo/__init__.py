"""The demo: invented customers as documents of the three platforms, with users, activities and usage."""
