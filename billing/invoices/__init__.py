"""Invoices from what is charged to what is paid or credited: prices, sums, numbers, payments, credit notes."""
