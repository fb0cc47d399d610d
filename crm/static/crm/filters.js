// Applied filters are what the address says: without those that say nothing.
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
