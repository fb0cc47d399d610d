"""Filters of customers, the same ones for the admin list, segments, commands and the JSON lists."""
