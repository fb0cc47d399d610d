"""The URLs of the acts on accounts, below the admin's."""

from __future__ import annotations

from django.urls import URLPattern

from crm.desk.sheets.contact import LogContact
from crm.desk.sheets.custom_field import EditField
from crm.desk.sheets.field_value import PERMISSIONS as VALUE
from crm.desk.sheets.field_value import EnterValue, undo_value
from crm.desk.sheets.link import LinkRecord, TakeOut
from crm.desk.sheets.merge import MergeWith
from crm.desk.sheets.owner import PERMISSIONS, Assign, undo_assign
from crm.desk.sheets.task import AddTask
from customers.models import Customer
from customers.sheets import act_path, undo_path

urlpatterns: list[URLPattern] = [
    act_path(Assign),
    act_path(AddTask),
    act_path(LogContact),
    act_path(EditField),
    act_path(EnterValue),
    act_path(MergeWith),
    act_path(LinkRecord),
    act_path(TakeOut),
    undo_path("assign", [Customer], PERMISSIONS, undo_assign),
    undo_path("value", [Customer], VALUE, undo_value),
]
