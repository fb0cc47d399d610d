// Keys of the customer page: c logs a call, n adds a note, t a task, g a tag; Ctrl+Enter submits the form.
"use strict";

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

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
        const around = form.closest("details");
        if (around) {
            around.open = true;
        }
        const field = form.querySelector("textarea, input[type=text]");
        field.focus();
        field.scrollIntoView({ block: "center" });
    }
});
