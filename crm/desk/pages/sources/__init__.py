"""The Sources page of a customer: each field with what the sources say, and the records that are linked."""
