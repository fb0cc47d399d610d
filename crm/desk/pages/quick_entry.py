"""POST views of the customer's page: log an activity, add notes, tags and tasks, complete and reassign tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.utils.timezone import localdate

from crm.desk.bulk.actions import change_tags
from crm.desk.bulk.undo import recorded
from crm.desk.form_fields import people_who_act
from crm.desk.pages.forms import AddTagsForm, ContactForm, NoteForm, TaskForm
from crm.desk.refresh import refresh_customers
from crm.desk.sheets.bulk import undo_url
from crm.desk.sheets.contact import log_from
from crm.models import Note, Tag, Task
from crm.notes import make_summary, pin_note, write_note
from crm.tasks import add_task, complete_task, reassign_task, reopen_task
from customers import clock
from customers.formats import customer_url, listed, user_name
from customers.models import Customer

View = Callable[..., HttpResponse]


def posted(permission: str) -> Callable[[View], View]:
    """Allow a view only by POST, and only for users with `permission` who may view customers."""

    def decorate(view: View) -> View:
        def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if not request.user.has_perms([permission, "customers.view_customer"]):
                raise PermissionDenied
            return view(request, *args, **options)

        return guarded

    return decorate


@posted("crm.add_activity")
def log(request: HttpRequest, customer_id: str) -> HttpResponse:
    customer = customer_of(customer_id)
    form = ContactForm(customer, None, request.POST)
    if not form.is_valid():
        return _refused(request, customer, form)
    values = form.cleaned_data
    if "yesterday" in request.POST:
        values["happened_on"] = localdate(clock.now()) - timedelta(days=1)
    messages.success(request, log_from(customer, values, by=request.user).message)
    refresh_customers([str(customer.pk)])
    return HttpResponseRedirect(customer_url(customer.pk))


@posted("crm.add_note")
def note(request: HttpRequest, customer_id: str) -> HttpResponse:
    customer = customer_of(customer_id)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _refused(request, customer, form)
    written = write_note(
        customer, form.cleaned_data["body"], by=request.user, is_pinned=form.cleaned_data["is_pinned"]
    )
    mentioned = [user_name(mention.user) for mention in written.mentions.select_related("user")]
    messages.success(
        request, f"Added the note and notified {listed(mentioned)}." if mentioned else "Added the note."
    )
    return back(customer)


@posted("crm.change_note")
def change_note(request: HttpRequest, note_id: str, act: str) -> HttpResponse:
    """Make a note the summary, pin it or unpin it, as `act` (summary, pin, unpin) says."""
    found = _row(Note, note_id)
    if act == "summary":
        make_summary(found, by=request.user)
        messages.success(request, "Made this note the summary.")
    else:
        pin_note(found, is_pinned=act == "pin", by=request.user)
    return back(found.customer)


@posted("crm.add_customertag")
def tag(request: HttpRequest, customer_id: str) -> HttpResponse:
    customer = customer_of(customer_id)
    form = AddTagsForm(request.POST)
    if not form.is_valid():
        return _refused(request, customer, form)
    only = Customer.objects.filter(pk=customer.pk)
    with recorded("tags", only) as change:
        change_tags(only, add=form.cleaned_data["add"], by=request.user)
    if change.rows:
        undo = undo_url(request, change)
        names = [f"“{name}”" for name in form.cleaned_data["add"]]
        messages.success(
            request,
            f"Added the tag{pluralize(len(names))} {listed(names)}.",
            extra_tags=f"undo:{undo}" if undo else "",
        )
    return back(customer)


@posted("crm.delete_customertag")
def remove_tag(request: HttpRequest, customer_id: str, tag_id: str) -> HttpResponse:
    customer = customer_of(customer_id)
    removed = _row(Tag, tag_id)
    only = Customer.objects.filter(pk=customer.pk)
    with recorded("tags", only) as change:
        change_tags(only, remove=[removed], by=request.user)
    if change.rows:
        undo = undo_url(request, change)
        messages.success(request, f"Removed the tag “{removed}”.", extra_tags=f"undo:{undo}" if undo else "")
    return back(customer)


@posted("crm.add_task")
def task(request: HttpRequest, customer_id: str) -> HttpResponse:
    customer = customer_of(customer_id)
    form = TaskForm(None, request.POST)
    if not form.is_valid():
        return _refused(request, customer, form)
    values = form.cleaned_data
    added = add_task(
        customer,
        values["title"],
        by=request.user,
        owner=values["owner"],
        due_on=values["due_on"],
        reminder_on=values["reminder_on"],
    )
    messages.success(request, f"Added the task for {user_name(added.owner)}.")
    return back(customer)


@posted("crm.change_task")
def change_task(request: HttpRequest, task_id: str, act: str) -> HttpResponse:
    """Complete, reopen or reassign a task, as `act` (done, reopen, hand-over) says."""
    found = _row(Task, task_id)
    if act == "done" and complete_task(found, by=request.user):
        messages.success(request, f"Completed “{found.title}”.")
    elif act == "reopen" and reopen_task(found, by=request.user):
        messages.success(request, f"Reopened “{found.title}”.")
    elif act == "hand-over":
        _reassign(request, found)
    return back(found.customer)


def _reassign(request: HttpRequest, task: Task) -> None:
    to = person_of(request.POST.get("owner", ""))
    if to is None:
        messages.error(request, "Couldn't reassign the task. Choose a person.")
    elif reassign_task(task, to, by=request.user):
        messages.success(request, f"Reassigned “{task.title}” to {to}.")
    else:
        messages.warning(request, f"Couldn't reassign the task. It's done, or {to} already has it.")


def person_of(key: str) -> Any:
    """The user with this ID who may be assigned work; None if there is none."""
    is_key = key.isascii() and key.isdigit() and len(key) < 10
    return people_who_act().filter(pk=key).first() if is_key else None


def customer_of(customer_id: str) -> Customer:
    """The customer with this key. Raises `Http404` for none and for a merged one."""
    found: Customer = _row(Customer, customer_id)
    if found.merged_into_id is not None:
        raise Http404(f"{customer_id} was merged into {found.merged_into_id}. Open that customer instead.")
    return found


def _row(model: Any, key: str) -> Any:
    try:
        found = model.objects.filter(pk=key).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404
    return found


def _refused(request: HttpRequest, customer: Customer, form: Form | ModelForm) -> HttpResponse:
    """Back to the page with the form's errors as messages."""
    for name, problems in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for problem in problems:
            messages.error(request, f"{label}: {problem}" if label else str(problem))
    return back(customer)


def back(customer: Customer) -> HttpResponse:
    """Bring the worklist, health and facts of the customer up to date, then return to its page."""
    refresh_customers([str(customer.pk)])
    return HttpResponseRedirect(customer_url(customer.pk))
