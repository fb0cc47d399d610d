// The index of settings: narrows it while the user types. Without this script, Enter does the same.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const index = document.querySelector("[data-settings]");
    const input = index?.querySelector("input[type=search]");
    // What the server has narrowed is not all there is.
    if (!input || input.value) {
        return;
    }
    const status = index.querySelector("[data-settings-status]");
    const lines = [...index.querySelectorAll(".cl-list > li")];
    input.addEventListener("input", () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        let found = 0;
        for (const line of lines) {
            const text = line.dataset.words.toLowerCase();
            line.hidden = !words.every((word) => text.includes(word));
            found += line.hidden ? 0 : 1;
        }
        for (const section of index.querySelectorAll("section")) {
            section.hidden = !section.querySelector("li:not([hidden])");
        }
        status.textContent = found ? "" : "No settings found";
    });
});
