// The search box of every page: Ctrl+K opens it, arrow keys move through the results, Enter opens the first.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const dialog = document.getElementById("find");
    if (!dialog) {
        return;
    }
    const input = dialog.querySelector("input");
    const results = dialog.querySelector("[data-find-results]");
    const status = dialog.querySelector("[data-find-status]");
    const links = () => [...results.querySelectorAll("a")];
    let request = null;
    let waiting = 0;
    let opensFirst = false;

    const open = () => {
        if (!dialog.open) {
            dialog.showModal();
        }
        input.select();
    };

    const clear = () => {
        results.replaceChildren();
        status.textContent = "";
    };

    const search = async () => {
        request?.abort();
        const mine = new AbortController();
        request = mine;
        const term = input.value.trim();
        if (!term) {
            clear();
            return;
        }
        try {
            const query = new URLSearchParams({ part: "1", q: term });
            const response = await fetch(`${dialog.dataset.url}?${query}`, { signal: mine.signal, redirect: "error" });
            if (!response.ok) {
                throw new Error(String(response.status));
            }
            const text = await response.text();
            if (mine.signal.aborted) {
                return;
            }
            results.innerHTML = text;
            const count = links().length;
            status.textContent = count === 1 ? "1 found" : `${count} found`;
            if (opensFirst && count) {
                links()[0].click();
            }
        } catch (problem) {
            if (problem.name !== "AbortError") {
                results.replaceChildren();
                status.textContent = "The search did not response. Press Enter to try it as a page.";
            }
        } finally {
            if (request === mine) {
                request = null;
                opensFirst = false;
            }
        }
    };

    input.addEventListener("input", () => {
        window.clearTimeout(waiting);
        opensFirst = false;
        waiting = window.setTimeout(() => {
            waiting = 0;
            search();
        }, 150);
    });

    dialog.querySelector("form").addEventListener("submit", (event) => {
        if (waiting || request) {
            event.preventDefault();
            window.clearTimeout(waiting);
            waiting = 0;
            search();
            opensFirst = true;
        } else if (links().length) {
            event.preventDefault();
            links()[0].click();
        }
    });

    dialog.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
            event.preventDefault();
            const stops = [input, ...links()];
            const next = stops.indexOf(document.activeElement) + step;
            stops[Math.min(Math.max(next, 0), stops.length - 1)].focus();
        }
    });

    dialog.querySelector("[data-find-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
        if (event.target === dialog) {
            dialog.close();
        }
    });
    document.addEventListener("click", (event) => {
        const opener = event.target instanceof Element && event.target.closest("[data-find-open]");
        if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.preventDefault();
            open();
        }
    });
    document.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
            event.preventDefault();
            open();
        }
    });
});
