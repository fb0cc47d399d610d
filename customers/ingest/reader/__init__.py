"""The one strict reader for all incoming JSON: files to import, request bodies, form fields.

`read_value` reads one JSON value. `open_input` and `read_records` read a file of any size record by record: a
JSON array, an envelope with a list, one object, or newline-delimited JSON. `error_line` writes a refused
record so that it can be corrected and read again. `canonical` is the form for digests.
"""

from customers.ingest.reader.canonical import canonical
from customers.ingest.reader.inputs import Unreadable, open_input
from customers.ingest.reader.records import BadRecord, Record, error_line
from customers.ingest.reader.splitting import DOCUMENT_KEYS, LIST_NAMES, RECORD_LIMIT, read_records
from customers.ingest.reader.strict import MAX_DEPTH, read_value

__all__ = [
    "DOCUMENT_KEYS",
    "LIST_NAMES",
    "MAX_DEPTH",
    "RECORD_LIMIT",
    "BadRecord",
    "Record",
    "Unreadable",
    "canonical",
    "error_line",
    "open_input",
    "read_records",
    "read_value",
]
