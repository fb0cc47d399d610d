// An export is written part by part while its page is open: each answer says how far it is, and asks for the next.
"use strict";

const form = document.querySelector("form[data-export]");
if (form) {
    const told = form.querySelector("[data-export-told]");
    const file = form.querySelector("[data-export-file]");
    const again = form.querySelector("[data-export-again]");
    const bar = form.querySelector("progress");

    const goOn = async () => {
        again.hidden = true;
        try {
            for (;;) {
                const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
                if (!answer.ok) {
                    throw new Error(String(answer.status));
                }
                const { done, of } = await answer.json();
                if (done === bar.value) {
                    // Another page of this export is writing the part that is left.
                    await new Promise((resolve) => window.setTimeout(resolve, 500));
                }
                bar.value = done;
                told.textContent = `${done.toLocaleString("en")} of ${of.toLocaleString("en")} written`;
                if (done === of) {
                    file.hidden = false;
                    return;
                }
            }
        } catch (problem) {
            told.textContent = "The server did not answer. Nothing is lost: go on where it stopped.";
            again.hidden = false;
        }
    };

    again.addEventListener("click", goOn);
    if (form.dataset.left !== "0") {
        goOn();
    }
}
