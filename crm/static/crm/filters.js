// The address has the applied filters only: empty fields are not submitted.
"use strict";

document.addEventListener("submit", (event) => {
    if (event.target.id === "filter-form") {
        for (const field of event.target.elements) {
            field.disabled = field.disabled || (Boolean(field.name) && field.value === "");
        }
    }
});
window.addEventListener("pageshow", (event) => {
    const form = document.getElementById("filter-form");
    if (event.persisted && form) {
        for (const field of form.elements) {
            field.disabled = false;
        }
    }
});
// Label the search fields of select2, which are created after the page has loaded.
document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("filter-form");
    const name = () => {
        for (const typed of form.querySelectorAll(".select2-search__field:not([aria-label])")) {
            const list = typed.closest(".select2-container")?.parentElement.querySelector("select");
            typed.setAttribute("aria-label", list?.labels[0]?.textContent.trim() || "Choose");
        }
    };
    if (form) {
        name();
        new MutationObserver(name).observe(form, { childList: true, subtree: true });
    }
});
