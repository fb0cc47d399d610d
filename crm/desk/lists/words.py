"""What the search of a list finds by words."""

from __future__ import annotations

from django.db.models import Q

from crm.desk.search.patterns import SearchText, has_words
from crm.desk.search.term import read_term


def has_words_of(term: str, *texts: SearchText) -> Q:
    """Rows with all words of the term in one of the texts, in any spelling that the search knows."""
    condition = Q(pk__in=())
    read = read_term(term)
    for spelling in (*read.spellings, *read.loose) if read else ():
        for text in texts:
            words = has_words(text, spelling, even_short=True)
            if words is not None:
                condition |= words
    return condition
