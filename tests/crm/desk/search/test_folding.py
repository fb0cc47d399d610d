"""The folding of PostgreSQL's function is that of Python."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm.desk.search.patterns import search_text
from customers.models import Customer
from customers.readings.folding import folded
from customers.readings.sql_functions import FUNCTION
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

#: Letters that fold, ones that decompose, ideographs, invisible ones, and any others of alphabets in use.
_INTERESTING = st.sampled_from(
    "AaÉé\u0301ßẞøØłŁæÆœþĳıİςΣЙйԱᲐᱠ'’`´\u1ffd\u02bc田中がガｶﾞ김철㈱ﬁŉ½㍿\u200b\u00ad\ufeff\u3000\u2028\x1f\t ｶ１٣یة٠۵ệĀ&%_"  # noqa: RUF001 - letters that look like others fold too
)
_LETTERS = st.characters(min_codepoint=1, max_codepoint=0x33FF, exclude_categories=["Cs", "Cn"])


@given(text=st.text(st.one_of(_INTERESTING, _LETTERS), max_size=40))
@example(text="".join(map(chr, range(1, 0x600))))
@example(text="".join(map(chr, range(0x1E00, 0x2100))))
@settings(max_examples=100, deadline=None)
def test_the_database_folds_like_python(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {FUNCTION}(%s)", [text])
        assert cursor.fetchone() == (f" {folded(text)}",)


def test_a_column_is_folded_like_a_text_where_sqlite_needs_no_python() -> None:
    """But for the case of ASCII letters, which SQLite's LIKE ignores."""
    for text in ("A  b     c", " O'Neil", "a-b", "x`y", "tab\tx", "Üb", "100%_[]*?^~{|}\\", "z.Z@x", ""):
        customer = make_customer(name=text, email="")
        rows = Customer.objects.annotate(text=search_text("name", "email")).filter(pk=customer.pk)
        (found,) = rows.values_list("text", flat=True)
        assert found.lower().rstrip() == f" {folded(text)}".rstrip()
