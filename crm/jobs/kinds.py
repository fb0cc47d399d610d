"""The kinds of jobs. A new kind is an entry here."""

from __future__ import annotations

from datetime import time

from crm.account_emails import RESET_JOB
from crm.desk.refresh import is_anyone_due
from crm.desk.spreadsheets.exports import WRITE_EXPORT
from crm.imports.run import PREVIEW, REVERT, RUN
from crm.jobs.audit import seal_audit
from crm.jobs.backups import BACKUP, back_up
from crm.jobs.data_check import DOCTOR, check_data
from crm.jobs.duplicates import DUPLICATES, sweep_duplicates
from crm.jobs.events import (
    changes_wait,
    deliveries_wait,
    events_wait,
    send_webhooks,
    tell_of_changes,
    tell_of_due,
    tell_of_events,
)
from crm.jobs.exports import write_export
from crm.jobs.imports import import_file, preview_file, revert_file
from crm.jobs.kind import Kind, Lane
from crm.jobs.mail import emails_wait, queue_digests, reset_passwords, send_emails
from crm.jobs.refresh import (
    REFRESH,
    REVENUE,
    follow_changes,
    is_behind,
    refresh_all,
    refresh_due,
    refresh_revenue,
)
from crm.jobs.renewals import RENEW, renew_due
from crm.jobs.reports import REPORT_FIGURES, refresh_report_figures
from crm.jobs.resolve import RESOLVE, resolve_all
from crm.jobs.retention import RETENTION, delete_old
from crm.jobs.schedule import Daily, Every
from crm.queue import EXPORT_SEGMENT, IMPORT, PRUNE_CHANGES

_ALL = (
    Kind(
        name="follow_changes",
        title="Changed customers",
        about="Health, worklist and possible duplicates of customers that changed",
        run=follow_changes,
        lane=Lane.QUICK,
        is_wanted=is_behind,
    ),
    Kind(
        name=RENEW,
        title="Renewals",
        about="New periods, invoices and balance resets",
        run=renew_due,
        schedule=Every(5),
    ),
    Kind(
        name="refresh_due",
        title="Customers that time changes",
        about="Trials and snoozes that end, reminders, burn rates and days past due",
        run=refresh_due,
        lane=Lane.QUICK,
        is_wanted=is_anyone_due,
    ),
    Kind(
        name=REFRESH,
        title="Worklist, health and figures",
        about="All customers, in case anything was missed",
        run=refresh_all,
        schedule=Daily(time(4, 0)),
    ),
    Kind(
        name=RESOLVE,
        title="Trust order",
        about="Names and email addresses by the order of sources",
        run=resolve_all,
    ),
    Kind(
        name=REVENUE,
        title="Revenue figures",
        about="Monthly revenue and its movement",
        run=refresh_revenue,
        schedule=Every(60),
    ),
    Kind(
        name=REPORT_FIGURES,
        title="Report figures",
        about="Amounts due, usage and work by month",
        run=refresh_report_figures,
        schedule=Every(60),
    ),
    Kind(
        name=DUPLICATES,
        title="Duplicate check",
        about="Compares all customers",
        run=sweep_duplicates,
        schedule=Daily(time(2, 0)),
    ),
    Kind(
        name=DOCTOR,
        title="Data check",
        about="Looks for contradictions in the data",
        run=check_data,
        schedule=Daily(time(5, 0)),
    ),
    Kind(
        name="audit",
        title="Audit log",
        about="Seals new entries into the chain of hashes",
        run=seal_audit,
        schedule=Every(5),
        lane=Lane.QUICK,
    ),
    Kind(
        name=BACKUP,
        title="Backup",
        about="A verified copy of the database in the folder for backups",
        run=back_up,
        attempts=2,
        schedule=Daily(time(1, 0)),
    ),
    Kind(
        name=RETENTION,
        title="Cleanup",
        about="Exports, changes and jobs past their time",
        run=delete_old,
        schedule=Daily(time(3, 0)),
    ),
    Kind(
        name="events",
        title="Notifications",
        about="Tells users and webhooks what happened",
        run=tell_of_events,
        lane=Lane.QUICK,
        is_atomic=True,
        is_wanted=events_wait,
    ),
    Kind(
        name="due",
        title="Due dates",
        about="Past-due invoices, trials that end, and tasks",
        run=tell_of_due,
        lane=Lane.QUICK,
        is_atomic=True,
        schedule=Every(15),
    ),
    Kind(
        name="changes_to_webhooks",
        title="Changes for webhooks",
        about="Messages with the customers that changed",
        run=tell_of_changes,
        lane=Lane.QUICK,
        is_wanted=changes_wait,
    ),
    Kind(
        name="send_webhooks",
        title="Webhooks",
        about="Messages to other systems",
        run=send_webhooks,
        lane=Lane.OUTSIDE,
        is_wanted=deliveries_wait,
    ),
    Kind(
        name=RESET_JOB,
        title="Password resets",
        about="Links to set a new password",
        run=reset_passwords,
        lane=Lane.QUICK,
        is_atomic=True,
    ),
    Kind(
        name="digests",
        title="Daily digests",
        about="Emails with a day's notifications, at each user's hour",
        run=queue_digests,
        lane=Lane.QUICK,
        is_atomic=True,
        schedule=Every(15),
    ),
    Kind(
        name="send_emails",
        title="Emails to users",
        about="Notifications, invitations and password resets",
        run=send_emails,
        lane=Lane.OUTSIDE,
        is_wanted=emails_wait,
    ),
    Kind(
        name=PREVIEW,
        title="Import preview",
        about="What a file would change",
        run=preview_file,
    ),
    Kind(
        name=RUN,
        title="File import",
        about="Customers of an uploaded file",
        run=import_file,
    ),
    Kind(
        name=REVERT,
        title="Import revert",
        about="Puts back what an import changed",
        run=revert_file,
    ),
    Kind(
        name=WRITE_EXPORT,
        title="Export",
        about="A file of customers",
        run=write_export,
        lane=Lane.QUICK,
    ),
)

KINDS = {kind.name: kind for kind in _ALL}

#: Work that only commands do, and its title.
RECORDED = {IMPORT: "Import", PRUNE_CHANGES: "Cleanup of changes", EXPORT_SEGMENT: "Export of a segment"}
