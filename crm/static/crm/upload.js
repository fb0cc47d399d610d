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

    // Send a request until it is answered. The server does nothing the second time if the first answer was lost.
    const postUntilAnswered = async (file, url, body) => {
        for (let attempt = 1; ; attempt += 1) {
            try {
                return await post(url, body);
            } catch (problem) {
                if (problem instanceof Refused || attempt >= MOST_ATTEMPTS) {
                    throw problem;
                }
                status.textContent = `${file.name}: the connection broke off. Trying again.`;
                await pause(Math.min(LONGEST_PAUSE, 2 ** (attempt - 1)));
            }
        }
    };

    const begin = (file) => {
        const body = new FormData();
        body.set("name", file.name);
        body.set("size", file.size);
        body.set("stamp", file.lastModified);
        return postUntilAnswered(file, form.dataset.upload, body);
    };

    // What became of each file. When files are chosen again after a failure, those that are here aren't sent again.
    const uploads = new Map();

    const send = async (file) => {
        const key = JSON.stringify([file.name, file.size, file.lastModified]);
        if (!uploads.has(key)) {
            uploads.set(key, await begin(file));
        }
        const upload = uploads.get(key);
        const address = `${form.dataset.upload}${upload.id}/`;
        try {
            while (!upload.url && upload.received < file.size) {
                const at = upload.received;
                const piece = file.slice(at, at + upload.piece);
                upload.received = (await postUntilAnswered(file, `${address}?offset=${at}`, piece)).received;
                if (upload.received <= at) {
                    throw new Error("The server did not take the piece.");
                }
                const done = Math.floor((upload.received * 100) / file.size);
                status.textContent = `${file.name}: ${done}% uploaded`;
            }
            if (!upload.url) {
                status.textContent = `Reading ${file.name}`;
                upload.url = (await postUntilAnswered(file, `${address}finish/`, new FormData())).url;
            }
            if (!upload.url) {
                throw new Error("The server misses a piece.");
            }
        } catch (problem) {
            if (problem instanceof Refused) {
                uploads.delete(key);
            }
            throw problem;
        }
        return upload.url;
    };

    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        button.disabled = true;
        const files = [...input.files];
        try {
            const pages = [];
            for (const file of files) {
                pages.push(await send(file));
            }
            uploads.clear();
            window.location.assign(pages.length === 1 ? pages[0] : form.action);
        } catch (problem) {
            button.disabled = false;
            status.textContent = problem instanceof Refused
                ? problem.message
                : "The upload stopped. Upload the same file again to continue where it stopped.";
        }
    });
}
