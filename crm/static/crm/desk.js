// Keys of the customer page: c logs a call, n adds a note, t a task, l a tag (label); Ctrl+Enter submits the form.
"use strict";

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

const open = (form) => {
    const around = form.closest("details");
    if (around) {
        around.open = true;
    }
    const field = form.querySelector("textarea, input[type=text]");
    field.focus();
    field.scrollIntoView({ block: "center" });
};

document.addEventListener("keydown", (event) => {
    const element = event.target instanceof Element ? event.target : document.body;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        const form = element.closest("form[data-desk-key]");
        if (form) {
            event.preventDefault();
            form.requestSubmit();
        }
        return;
    }
    const isOff = document.querySelector("[data-shortcuts=off]") !== null;
    if (isOff || event.ctrlKey || event.metaKey || event.altKey || isTyping(element)) {
        return;
    }
    const form = document.querySelector(`form[data-desk-key="${CSS.escape(event.key)}"]`);
    if (form) {
        event.preventDefault();
        open(form);
    }
});

// Links to a form open it, also on the page that has it.
const openLinked = () => {
    const form = document.getElementById(location.hash.slice(1))?.querySelector("form[data-desk-key]");
    if (form) {
        open(form);
    }
};
window.addEventListener("hashchange", openLinked);
openLinked();

// An open menu, and an edit in place, closes with Escape and with a click elsewhere. Enter saves an edit.
const OPEN = "details.cl-menu[open], details.cl-inline[open]";
document.addEventListener("keydown", (event) => {
    const opened = document.querySelector(OPEN);
    if (event.key === "Escape" && opened) {
        opened.open = false;
        opened.querySelector("summary").focus();
    }
    if (event.key === "Enter" && event.target instanceof Element && event.target.matches(".cl-inline select")) {
        event.preventDefault();
        event.target.form.requestSubmit();
    }
});
document.addEventListener("click", (event) => {
    for (const opened of document.querySelectorAll(OPEN)) {
        opened.open = opened.contains(event.target);
    }
});
document.addEventListener(
    "toggle",
    (event) => {
        if (event.target.matches("details.cl-inline[open]")) {
            event.target.querySelector("select, input:not([type=hidden])")?.focus();
        }
    },
    true,
);

// What takes longer than the page is asked for once the page is shown: the answer is the page with it, of which the
// parts of this page are taken. If that fails, the link stays.
for (const link of document.querySelectorAll("a[data-later]")) {
    fetch(link.href, { redirect: "error" })
        .then((answer) => (answer.ok ? answer.text() : ""))
        .then((text) => {
            const page = new DOMParser().parseFromString(text, "text/html");
            for (const part of document.querySelectorAll("[data-part]")) {
                const fresh = page.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
                if (fresh) {
                    part.replaceChildren(...fresh.childNodes);
                }
            }
        })
        .catch(() => {});
}
