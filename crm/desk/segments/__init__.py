"""Narrowing customers: one vocabulary of criteria for lists, segments, commands and the JSON lists."""
