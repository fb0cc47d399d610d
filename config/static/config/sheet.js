// Acts: a link or button with data-sheet opens its form in a dialog over the page, with a preview that follows the fields.
// Toasts: they leave after 10 seconds, and Ctrl+Z does the Undo that is shown.
"use strict";

(() => {
    const WAIT = 250;

    const parse = (html) => new DOMParser().parseFromString(html, "text/html").querySelector("[data-sheet-form]");

    const send = (url, step, body, signal) =>
        fetch(url, {
            method: body ? "POST" : "GET",
            body,
            signal,
            headers: { "X-Sheet": step },
            credentials: "same-origin",
            redirect: "error",
        });

    const start = (form, dialog) => {
        const find = (selector) => form.querySelector(selector);
        const button = () => find("[data-sheet-live=button] button");
        let timer = 0;
        let request = null;
        let isWaiting = false; // the preview is older than the form
        let isConfirming = false; // confirm once the preview has arrived
        let isSaving = false;

        const dress = () => {
            for (const plain of form.querySelectorAll("[data-sheet-plain]")) {
                plain.hidden = true;
            }
            for (const shown of form.querySelectorAll("[data-sheet-fill], [data-sheet-keys]")) {
                shown.hidden = false;
            }
            const go = button();
            if (go.dataset.sheetWaiting) {
                go.textContent = go.dataset.sheetWaiting;
                go.disabled = true;
            } else {
                go.disabled = isWaiting || isSaving;
            }
            find("[data-sheet-live=preview]").classList.toggle("cl-dim", isWaiting);
        };

        const names = (of) => [...of.querySelectorAll("[data-sheet-field]")].map((each) => each.dataset.sheetField).join(" ");

        // Take the parts of a new form that follow the fields; the fields themselves only if there are others now.
        const take = (fresh) => {
            if (names(fresh) !== names(form)) {
                const focused = document.activeElement?.id;
                find("[data-sheet-fields]").replaceWith(fresh.querySelector("[data-sheet-fields]"));
                document.getElementById(focused)?.focus();
            }
            for (const part of fresh.querySelectorAll("[data-sheet-live]")) {
                const old = find(`[data-sheet-live="${CSS.escape(part.dataset.sheetLive)}"]`);
                if (old && old.innerHTML !== part.innerHTML) {
                    const hadFocus = old.contains(document.activeElement);
                    old.replaceWith(part);
                    if (hadFocus) {
                        part.querySelector("button")?.focus();
                    }
                }
            }
            for (const field of fresh.querySelectorAll("[data-sheet-field]")) {
                const box = find(`[data-sheet-field="${CSS.escape(field.dataset.sheetField)}"]`);
                box?.querySelector(".cl-in")?.classList.toggle("cl-err", field.querySelector(".cl-err") !== null);
                const unit = box?.querySelector(".cl-unit");
                const freshUnit = field.querySelector(".cl-unit");
                if (unit && freshUnit) {
                    unit.textContent = freshUnit.textContent;
                }
            }
            dress();
        };

        const fail = (isFailed) => {
            find("[data-sheet-failed]").hidden = !isFailed;
        };

        const answer = async (response) => {
            if (response.status === 204) {
                leave(response.headers.get("X-Sheet-Back"));
                return;
            }
            const fresh = parse(await response.text());
            if (!response.ok || !fresh) {
                throw new Error("no form");
            }
            isWaiting = false;
            take(fresh);
        };

        const post = async (step) => {
            window.clearTimeout(timer);
            request?.abort();
            const current = new AbortController();
            request = current;
            const body = new FormData(form);
            if (step === "do") {
                body.set("confirm", "1");
            }
            try {
                await answer(await send(form.action, step, body, current.signal));
                fail(false);
            } catch (problem) {
                if (problem.name === "AbortError") {
                    return;
                }
                isWaiting = false;
                isConfirming = false;
                dress();
                fail(true);
            }
            if (step === "do") {
                isSaving = false;
                dress();
            } else if (isConfirming) {
                isConfirming = false;
                confirm();
            }
        };

        const confirm = () => {
            if (isSaving) {
                return;
            }
            if (isWaiting) {
                isConfirming = true;
                post("live");
                return;
            }
            if (button().name === "confirm") {
                isSaving = true;
                dress();
                post("do");
            } else {
                post("check");
            }
        };

        const change = () => {
            form.dataset.edited = "1";
            isWaiting = true;
            isConfirming = false;
            dress();
            window.clearTimeout(timer);
            timer = window.setTimeout(() => post("live"), WAIT);
        };

        form.addEventListener("input", change);
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            confirm();
        });
        form.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                event.stopPropagation();
                confirm();
            }
        });
        form.addEventListener("click", (event) => {
            const fill = event.target.closest("[data-sheet-fill]");
            if (fill) {
                const field = form.elements.namedItem(fill.dataset.sheetFill);
                field.value = fill.dataset.value;
                field.focus();
                change();
            } else if (dialog && event.target.closest("[data-sheet-close]")) {
                event.preventDefault();
                close(dialog);
            }
        });
        if (dialog) {
            find("button[data-sheet-close]").hidden = false;
        }
        dress();
    };

    const leave = (back) => {
        const to = new URL(back || location.href, location.href);
        for (const dialog of document.querySelectorAll("dialog.cl-dialog")) {
            dialog.remove();
        }
        if (to.pathname + to.search === location.pathname + location.search) {
            location.reload();
        } else {
            location.assign(to);
        }
    };

    const close = (dialog) => {
        const form = dialog.querySelector("form");
        if (form.dataset.edited && !window.confirm("Discard what you entered?")) {
            return;
        }
        dialog.close();
    };

    // What opens a sheet is a link, or a button of a form whose fields are sent along.
    const ask = (opener) => {
        const here = location.pathname + location.search;
        if (opener.form) {
            const body = new FormData(opener.form);
            body.set("next", here);
            return send(opener.formAction, "open", body);
        }
        const url = new URL(opener.href);
        if (!url.searchParams.has("next")) {
            url.searchParams.set("next", here);
        }
        return send(url, "open");
    };

    const open = async (opener) => {
        let form = null;
        try {
            const response = await ask(opener);
            if (response.status === 204) {
                leave(response.headers.get("X-Sheet-Back"));
                return;
            }
            form = response.ok ? parse(await response.text()) : null;
        } catch {
            form = null;
        }
        if (!form) {
            if (opener.form) {
                opener.form.requestSubmit(opener);
            } else {
                location.assign(opener.href);
            }
            return;
        }
        const dialog = document.createElement("dialog");
        dialog.className = "cl cl-dialog";
        dialog.setAttribute("aria-labelledby", "sheet-title");
        dialog.append(form);
        document.body.append(dialog);
        dialog.addEventListener("cancel", (event) => {
            event.preventDefault();
            close(dialog);
        });
        // Chromium lets a second Escape close a dialog without asking.
        dialog.addEventListener("keydown", (event) => {
            event.stopPropagation();
            if (event.key === "Escape") {
                event.preventDefault();
                close(dialog);
            }
        });
        dialog.addEventListener("mousedown", (event) => {
            if (event.target === dialog) {
                close(dialog);
            }
        });
        dialog.addEventListener("close", () => {
            dialog.remove();
            const menu = opener.closest("details");
            (menu && !menu.open ? menu.querySelector("summary") : opener).focus();
        });
        start(form, dialog);
        dialog.showModal();
        (form.querySelector("[autofocus]") || form.querySelector("[data-sheet-fields] :is(input, select, textarea)") || form).focus();
    };

    document.addEventListener("click", (event) => {
        const opener = event.target instanceof Element ? event.target.closest("[data-sheet]") : null;
        if (!opener || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) {
            return;
        }
        event.preventDefault();
        for (const menu of document.querySelectorAll("details.cl-menu[open]")) {
            menu.open = false;
        }
        open(opener);
    });

    // A key of the keyboard that an action names, as `G` for a grant.
    document.addEventListener("keydown", (event) => {
        const element = event.target instanceof Element ? event.target : document.body;
        const isOff = document.querySelector("[data-shortcuts=off]") !== null;
        const isTyping = element.closest("input, textarea, select, [contenteditable], dialog") !== null;
        if (isOff || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
            return;
        }
        const key = CSS.escape(event.key.toLowerCase());
        const link = document.querySelector(`a[data-sheet][data-key="${key}"]`);
        // A form of the page has the key first.
        if (link && !document.querySelector(`form[data-desk-key="${key}"]`)) {
            event.preventDefault();
            open(link);
        }
    });

    const LASTS = 10_000;
    const startToast = (toast) => {
        let timer = 0;
        const wait = () => {
            timer = window.setTimeout(() => toast.remove(), LASTS);
        };
        const stay = () => window.clearTimeout(timer);
        const away = () => {
            stay();
            if (!toast.matches(":hover, :focus-within")) {
                wait();
            }
        };
        const dismiss = toast.querySelector("[data-toast-dismiss]");
        dismiss.hidden = false;
        dismiss.addEventListener("click", () => toast.remove());
        toast.addEventListener("mouseenter", stay);
        toast.addEventListener("focusin", stay);
        toast.addEventListener("mouseleave", away);
        toast.addEventListener("focusout", () => window.setTimeout(away));
        wait();
    };

    document.addEventListener("DOMContentLoaded", () => {
        for (const form of document.querySelectorAll(".cl-sheet-page [data-sheet-form]")) {
            start(form, null);
        }
        document.querySelectorAll("[data-toast]").forEach(startToast);
    });
    document.addEventListener("keydown", (event) => {
        const element = event.target instanceof Element ? event.target : document.body;
        const undo = document.querySelector("[data-toast] form");
        const isTyping = element.closest("input, textarea, select, [contenteditable], dialog") !== null;
        if (undo && !isTyping && (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
            event.preventDefault();
            undo.requestSubmit();
        }
    });
})();
