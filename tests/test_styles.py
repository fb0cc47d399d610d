"""One set of styles: each class of the stylesheets is used, and the pages use no other prefix."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parent.parent
APPS = ("config", "customers", "billing", "crm")
STYLES = (
    "config/static/config/components.css",
    "config/static/config/clientele.css",
    "crm/static/crm/desk.css",
    "customers/static/customers/admin.css",
    "billing/static/billing/invoice.css",
)
#: Classes of the admin itself.
OF_THE_ADMIN = {
    "bg-primary-600",
    "border-b",
    "form-row",
    "leading-relaxed",
    "related-widget-wrapper",
    "selector-filter",
}
#: Classes whose names are put together.
COMPUTED = re.compile(r"cl-age-\d|cl-f\d|field-\w+")


def test_each_style_is_used_and_there_is_one_set() -> None:
    sources = chain(
        ROOT.glob("templates/**/*.html"),
        *(ROOT.glob(f"{app}/**/*.py") for app in APPS),
        *(ROOT.glob(f"{app}/static/**/*.js") for app in APPS),
    )
    texts = [file.read_text() for file in sources if "migrations" not in file.parts]
    used = set(chain.from_iterable(re.findall(r"[A-Za-z][\w-]*", text) for text in texts))
    for name in STYLES:
        text = re.sub(r"/\*.*?\*/", "", (ROOT / name).read_text(), flags=re.DOTALL)
        selectors = re.sub(r"\{[^{}]*\}", "{}", text)
        defined = set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))
        assert [
            each for each in sorted(defined - used - OF_THE_ADMIN) if not COMPUTED.fullmatch(each)
        ] == [], name
    classes = chain.from_iterable(re.findall(r'class="([^"]*)"', text) for text in texts)
    assert [each for each in classes if re.search(r"(?<![\w-])desk-", each)] == []
