// Keys and selection of a list: j and k move, x selects, Shift+X selects up to the current row, Enter opens, / searches.
"use strict";

const list = document.querySelector("[data-list]");
if (list) {
    const rows = [...list.querySelectorAll("tr[data-row]")];
    const box = (row) => row.querySelector(".cl-cb");
    const every = list.querySelector("[data-list-all]");
    const whole = list.querySelector("input[name=all][type=checkbox]");
    const words = list.querySelector("[data-list-count]");
    let current = -1;
    let last = -1;

    const count = () => {
        const chosen = rows.filter((row) => box(row)?.checked);
        if (every) {
            every.checked = chosen.length > 0 && chosen.length === rows.length;
            every.indeterminate = chosen.length > 0 && chosen.length < rows.length;
            every.classList.toggle("cl-mix", every.indeterminate);
        }
        if (whole && chosen.length < rows.length) {
            whole.checked = false;
        }
        if (words) {
            words.textContent = whole?.checked ? "All selected" : `${chosen.length} selected`;
        }
        for (const row of rows) {
            row.setAttribute("aria-selected", String(box(row)?.checked === true));
        }
    };

    const move = (to) => {
        rows[current]?.classList.remove("cl-cur");
        current = Math.min(Math.max(to, 0), rows.length - 1);
        rows[current]?.classList.add("cl-cur");
        rows[current]?.querySelector("a.cl-name")?.focus({ preventScroll: true });
        rows[current]?.scrollIntoView({ block: "nearest" });
    };

    const select = (from, to, value) => {
        for (const row of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) {
            box(row).checked = value;
        }
        last = to;
        count();
    };

    every?.addEventListener("change", () => {
        for (const row of rows) {
            box(row).checked = every.checked;
        }
        count();
    });
    whole?.addEventListener("change", () => {
        for (const row of rows) {
            box(row).checked = box(row).checked || whole.checked;
        }
        count();
    });
    list.querySelector(".cl-list-form")?.addEventListener("reset", () => window.setTimeout(count));
    for (const [place, row] of rows.entries()) {
        box(row)?.addEventListener("click", (event) => {
            if (event.shiftKey && last >= 0) {
                select(last, place, box(row).checked);
            }
            last = place;
            count();
        });
    }
    // Ticks that the browser kept when the user came back.
    count();

    document.addEventListener("keydown", (event) => {
        const element = event.target instanceof Element ? event.target : document.body;
        const isTyping = element.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog") !== null;
        const isOff = document.querySelector("[data-shortcuts=off]") !== null;
        if (isOff || isTyping || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        const has = current >= 0 && box(rows[current]) !== null;
        const acts = {
            j: () => move(current + 1),
            k: () => move(current - 1),
            x: () => has && select(current, current, !box(rows[current]).checked),
            X: () => has && select(last < 0 ? current : last, current, true),
            "/": () => list.querySelector("[data-list-search]").focus(),
        };
        if (acts[event.key] && (rows.length || event.key === "/")) {
            event.preventDefault();
            acts[event.key]();
        } else if (event.key === "Enter" && current >= 0 && element === document.body) {
            rows[current].querySelector("a.cl-name")?.click();
        } else if (event.key === "Escape" && !list.querySelector("details.cl-menu[open]") && rows.some((row) => box(row)?.checked)) {
            list.querySelector(".cl-list-form").reset();
        }
    });

    // A menu closes with Escape and with a click elsewhere.
    document.addEventListener("keydown", (event) => {
        const menu = list.querySelector("details.cl-menu[open]");
        if (event.key === "Escape" && menu) {
            menu.open = false;
            menu.querySelector("summary").focus();
        }
    });
    document.addEventListener("click", (event) => {
        for (const menu of list.querySelectorAll("details.cl-menu[open]")) {
            menu.open = menu.contains(event.target);
        }
    });
}
