"""Every table and every text of the database is decided: what erasure does with it."""

from django.db import connection, models

from crm.privacy.places import OF_NO_CUSTOMER, PEOPLE, PLACES, SEARCHED
from tests.crm.privacy.canaries import database_tables


def test_each_table_has_a_place(db):
    placed = [place.model for place in (*PLACES, PEOPLE)]
    known = {model._meta.db_table for model in placed}
    known |= {model.history.model._meta.db_table for model in placed if hasattr(model, "history")}
    known |= {searched.model._meta.db_table for searched in SEARCHED}
    known |= {table for tables in OF_NO_CUSTOMER.values() for table in tables}
    # Tests have no table for the cache.
    assert database_tables() ^ known <= {"cache"}


def test_each_text_of_a_kept_row_is_decided():
    texts = (models.CharField, models.TextField, models.JSONField)
    undecided = [
        f"{place.label}.{column.name}"
        for place in PLACES
        if place.blanks is not None
        for column in place.model._meta.concrete_fields
        if isinstance(column, texts)
        and not column.choices
        and not column.primary_key
        and column.name not in {*place.blanks, *place.keeps}
    ]
    assert undecided == []


def test_the_guards_on_sqlite_name_every_column(db):
    """A column added to a table that is written once must be in its trigger, or an erasure could change it."""
    if connection.vendor != "sqlite":
        return
    for place in PLACES:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = %s",
                [f"{place.model._meta.db_table}_no_update"],
            )
            found = cursor.fetchone()
        if found is not None and "customers_erasure" in found[0]:
            missing = [
                column.column
                for column in place.model._meta.concrete_fields
                if f"OLD.{column.column} IS NOT" not in found[0] and column.name not in (place.blanks or ())
            ]
            assert missing == [], place.label
