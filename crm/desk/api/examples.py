"""Examples for the description of the API."""

_CUSTOMER_ID = "cus_01h3vjs3b16yc3f9q8q9pfrb78"

NOTE = {
    "id": "note_01h3vjs3b16yc3f9q8q9pfrb7j",
    "customer_id": _CUSTOMER_ID,
    "author": "manager",
    "body": "CIO is interested in trying out the product.",
    "is_summary": False,
    "is_pinned": True,
    "origin": "written",
    "created_at": "2026-08-26T12:15:00.000Z",
}

TASK = {
    "id": "task_01h3vjs3b16yc3f9q8q9pfrb7k",
    "customer_id": _CUSTOMER_ID,
    "title": "Send the offer",
    "body": "",
    "status": "open",
    "due_on": "2026-09-01",
    "reminder_on": None,
    "assignee": "manager",
    "created_at": "2026-08-26T12:15:00.000Z",
    "created_by": "manager",
    "done_at": None,
    "done_by": None,
}

WORKLIST_ENTRY = {
    "id": "wle_01h3vjs3b16yc3f9q8q9pfrb7m",
    "customer_id": _CUSTOMER_ID,
    "person": "manager",
    "weight": 60,
    "reasons": [
        {
            "id": "wlr_01h3vjs3b16yc3f9q8q9pfrb7n",
            "rule": "task_due",
            "words": "task “Send the offer” is due",
            "weight": 60,
            "since": "2026-09-01T00:00:00.000Z",
            "link": "/admin/customer/cus_01h3vjs3b16yc3f9q8q9pfrb78/",
        }
    ],
}

TIMELINE_ENTRY = {
    "kind": "balance",
    "at": "2026-08-26T12:15:00.000Z",
    "is_of_day": False,
    "title": "500 AI credits granted",
    "details": ["Reason: outage on Monday"],
    "text": None,
    "by": "manager",
    "url": None,
}
