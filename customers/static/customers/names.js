// Accessible names for widgets of the admin that have none.

"use strict";

function nameOf(select) {
    const label = select.labels && select.labels[0];
    const cell = select.closest("td");
    return (label && label.innerText.trim()) || (cell && cell.dataset.label) || select.name;
}

function nameAll() {
    // The box of a select is named after the chosen option only, so it has no name while nothing is chosen.
    for (const box of document.querySelectorAll(".select2-selection:not([aria-label])")) {
        const select = box.closest(".select2-container").previousElementSibling;
        if (select) {
            for (const each of [box, box.querySelector("[role=textbox]")].filter(Boolean)) {
                each.setAttribute("aria-label", nameOf(select));
            }
        }
    }
    for (const hint of document.querySelectorAll("span.help-tooltip[aria-label]:not([role])")) {
        hint.setAttribute("role", "img");
    }
}

document.addEventListener("DOMContentLoaded", () => {
    nameAll();
    new MutationObserver((changes) => {
        if (changes.some((change) => change.addedNodes.length)) {
            nameAll();
        }
    }).observe(document.body, { childList: true, subtree: true });
});
