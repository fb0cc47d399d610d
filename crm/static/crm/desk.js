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

// An open menu closes with Escape and with a click elsewhere.
document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.cl-menu[open]");
    if (event.key === "Escape" && menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
    }
});
document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.cl-menu[open]")) {
        menu.open = menu.contains(event.target);
    }
});
