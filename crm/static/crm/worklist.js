// The worklist by keyboard: j and k move, x selects (with Shift a range), e marks done, s snoozes, Enter opens.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("[data-worklist]");
    const pane = document.getElementById("worklist-pane");
    if (!form) {
        return;
    }
    const rows = [...form.querySelectorAll("li[data-account]")];
    const box = (row) => row.querySelector("input[name=account]");
    let current = Math.max(rows.findIndex((row) => row.classList.contains("cl-cur")), 0);
    let ticked = current;
    let wanted = "";

    const count = () => {
        const chosen = rows.filter((row) => box(row)?.checked);
        for (const row of rows) {
            row.classList.toggle("cl-sel", chosen.includes(row));
        }
        const words = form.querySelector("[data-count]");
        if (words) {
            words.textContent = `${chosen.length} selected`;
        }
    };

    // What was decided last leaves the list: the row after it is the next one to look at.
    const remember = () => {
        const next = rows[current + 1] || rows[current - 1];
        const page = new URL(location.href);
        page.hash = "";
        page.searchParams.set("at", next ? next.dataset.account : "");
        form.elements.next.value = page.pathname + page.search;
    };

    const show = async (index) => {
        const row = rows[index];
        if (!row || (index === current && wanted === "")) {
            return;
        }
        rows[current].classList.remove("cl-cur");
        current = index;
        row.classList.add("cl-cur");
        row.scrollIntoView({ block: "nearest" });
        wanted = row.dataset.pane;
        const asked = wanted;
        const answer = await fetch(asked, { headers: { "X-Requested-With": "fetch" } });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("worklist-pane");
        // Another row may have been chosen meanwhile.
        if (fresh && asked === wanted) {
            pane.replaceChildren(...fresh.childNodes);
            pane.setAttribute("aria-label", fresh.getAttribute("aria-label"));
        }
    };

    const snooze = async (index) => {
        await show(index);
        pane.querySelector(".cl-wl-snooze button")?.focus();
    };

    const tick = (index, range) => {
        const checkbox = box(rows[index]);
        if (!checkbox) {
            return;
        }
        const [first, last] = range ? [Math.min(ticked, index), Math.max(ticked, index)] : [index, index];
        const state = range ? true : !checkbox.checked;
        for (const row of rows.slice(first, last + 1)) {
            box(row).checked = state;
        }
        ticked = index;
        count();
    };

    form.addEventListener("change", count);
    form.addEventListener("reset", () => setTimeout(count));
    form.addEventListener("submit", remember);
    form.addEventListener("click", (event) => {
        const row = event.target.closest("li[data-account]");
        if (!row) {
            return;
        }
        const index = rows.indexOf(row);
        if (event.target.closest("[data-snooze]")) {
            event.preventDefault();
            snooze(index);
        } else if (event.target.closest("[data-show]")) {
            event.preventDefault();
            show(index);
        } else if (event.target.closest("[data-done]")) {
            current = index;
        } else if (!event.target.closest("a, button, input")) {
            show(index);
        }
    });

    if (document.querySelector("[data-shortcuts=off]") !== null) {
        return;
    }
    form.querySelector("[data-keys]").hidden = false;
    document.addEventListener("keydown", (event) => {
        const element = event.target instanceof Element ? event.target : document.body;
        const isTyping = element.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
        if (event.ctrlKey || event.metaKey || event.altKey || isTyping) {
            return;
        }
        const acts = {
            j: () => show(Math.min(current + 1, rows.length - 1)),
            k: () => show(Math.max(current - 1, 0)),
            x: () => tick(current, event.shiftKey),
            e: () => rows[current].querySelector("[data-done]")?.click(),
            s: () => snooze(current),
        };
        const isFree = !element.closest("a, button, summary, input");
        if (event.key === "Enter" && isFree) {
            rows[current].querySelector("[data-open]").click();
        } else if (acts[event.key.toLowerCase()] && event.key.length === 1) {
            event.preventDefault();
            acts[event.key.toLowerCase()]();
        }
    });
});
