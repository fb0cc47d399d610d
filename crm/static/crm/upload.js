// Upload files piece by piece: one that breaks off goes on where it stopped. Without this script the form sends them whole.
"use strict";

const form = document.querySelector("[data-upload]");
if (form) {
    const input = form.querySelector("input[type=file]");
    const button = form.querySelector("button[type=submit]");
    const status = form.querySelector("[role=status]");
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const LONGEST_PAUSE = 30;
    const MOST_ATTEMPTS = 8;
    // The admin's own script would look for a text field beside it, and fail because there is none.
    input.hasChangeListener = true;

    class Refused extends Error {}

    const post = async (url, body) => {
        const headers = { "X-CSRFToken": token };
        if (body instanceof Blob) {
            headers["Content-Type"] = "application/octet-stream";
        }
        const response = await fetch(url, { method: "POST", body, headers, redirect: "error" });
        if (response.status === 409) {
            return response.json();
        }
        if (response.status === 400) {
            throw new Refused((await response.json()).problem);
        }
        if (response.status === 403 || response.status === 404 || response.status === 413) {
            throw new Refused("The server refused the upload. Reload the page, and choose the file again.");
        }
        if (!response.ok) {
            throw new Error(String(response.status));
        }
        return response.json();
    };

    const pause = (seconds) => new Promise((resolve) => { window.setTimeout(resolve, seconds * 1000); });

    // Send what is missing. The server tells how far it is, whatever became of the answers before.
    const send = async (file, tell) => {
        const begun = new FormData();
        begun.set("name", file.name);
        begun.set("size", file.size);
        begun.set("stamp", file.lastModified);
        const upload = await post(form.dataset.upload, begun);
        const address = `${form.dataset.upload}${upload.id}/`;
        let at = upload.received;
        while (at < file.size) {
            const piece = file.slice(at, at + upload.piece);
            at = (await post(`${address}?offset=${at}`, piece)).received;
            tell(at);
        }
        return post(`${address}finish/`, new FormData());
    };

    const sendAgainAndAgain = async (file) => {
        let attempts = 0;
        let best = -1;
        for (;;) {
            try {
                return await send(file, (at) => {
                    if (at > best) {
                        attempts = 0;
                        best = at;
                    }
                    const done = Math.floor((at * 100) / file.size);
                    status.textContent = at < file.size ? `${file.name}: ${done}% uploaded` : `Reading ${file.name}`;
                });
            } catch (problem) {
                attempts += 1;
                if (problem instanceof Refused || attempts >= MOST_ATTEMPTS) {
                    throw problem;
                }
                status.textContent = `${file.name}: the connection broke off. Trying again.`;
                await pause(Math.min(LONGEST_PAUSE, 2 ** (attempts - 1)));
            }
        }
    };

    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        button.disabled = true;
        const files = [...input.files];
        try {
            const results = [];
            for (const file of files) {
                results.push(await sendAgainAndAgain(file));
            }
            window.location.assign(results.length === 1 ? results[0].url : form.action);
        } catch (problem) {
            button.disabled = false;
            status.textContent = problem instanceof Refused
                ? problem.message
                : "The upload stopped. Upload the same file again to continue where it stopped.";
        }
    });
}
