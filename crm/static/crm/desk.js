// The keys of a customer's page: c logs contact, n writes a note, t adds a task, g a tag, Ctrl+Enter sends what one is writing.
"use strict";

const isWriting = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

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
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(element)) {
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
