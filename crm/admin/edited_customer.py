"""The form for a customer that exists, which warns if an edit makes it look like another one."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from crm.admin.new_customer import COMPARED, warn_once
from crm.dedupe.duplicates.suggest import likely_matches
from crm.models import DuplicatePair
from customers.admin.customer import CustomerForm


class EditedCustomerForm(CustomerForm):
    """A customer. Saving again after the warning saves the edit."""

    def clean(self) -> dict[str, Any]:
        """Warn of possible duplicates that this edit makes, unless the user has seen exactly these."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or not set(COMPARED).intersection(self.changed_data):
            return cleaned
        row = self.instance
        before = {name: getattr(row, name) or "" for name in COMPARED}
        edited = before | {name: cleaned.get(name) or "" for name in COMPARED if name in cleaned}
        matches = likely_matches(**edited, env=row.env, besides=row.pk)
        if matches:
            known = {
                str(match.customer.pk) for match in likely_matches(**before, env=row.env, besides=row.pk)
            }
            known |= _decided(row.pk)
            matches = [match for match in matches if str(match.customer.pk) not in known]
        warn_once(self, matches, "Not saved yet. Save again to keep your changes.")
        return cleaned


def _decided(customer_id: str) -> set[str]:
    """The customers that people have compared with this one already."""
    pairs = DuplicatePair.objects.filter(Q(a=customer_id) | Q(b=customer_id))
    decided = pairs.exclude(decision=DuplicatePair.Decision.OPEN).values_list("a_id", "b_id")
    return {str(key) for pair in decided for key in pair} - {str(customer_id)}
