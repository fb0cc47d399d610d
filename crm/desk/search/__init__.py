"""Customer search: the term that was typed, the lookups that find it, the ranked results."""
