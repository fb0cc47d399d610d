// An export is written part by part while its page is open. Each response says how far it is; then the next part is requested.
"use strict";

const form = document.querySelector("form[data-export]");
if (form) {
    const status = form.querySelector("[data-export-status]");
    const file = form.querySelector("[data-export-file]");
    const retry = form.querySelector("[data-export-retry]");
    const bar = form.querySelector("progress");
    const number = (value) => value.toLocaleString("en");

    const write = async () => {
        retry.hidden = true;
        try {
            for (;;) {
                const response = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
                if (!response.ok) {
                    throw new Error(String(response.status));
                }
                const { done, of, skipped } = await response.json();
                if (done === bar.value) {
                    // Another tab with this page is writing the part that is left.
                    await new Promise((resolve) => window.setTimeout(resolve, 500));
                }
                bar.value = done;
                const written = `${number(done - skipped)} of ${number(of)} written`;
                status.textContent = skipped ? `${written}. Couldn't export ${number(skipped)}.` : written;
                if (done === of) {
                    file.hidden = false;
                    return;
                }
            }
        } catch (problem) {
            status.textContent = "The server didn't respond. Nothing is lost. Try again to continue.";
            retry.hidden = false;
        }
    };

    retry.addEventListener("click", write);
    if (form.dataset.left !== "0") {
        write();
    }
}
