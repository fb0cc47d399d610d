"""The billing part of merging customers."""
