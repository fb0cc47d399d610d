"""Jobs: what runs behind the pages, on a schedule or on request."""
