// The search box of every page: Ctrl+K opens it, arrow keys move through what it lists, Enter opens the first.
// It lists the actions of the page, the records opened last, and the pages and customers found.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const dialog = document.getElementById("find");
    if (!dialog) {
        return;
    }
    const input = dialog.querySelector("input");
    const results = dialog.querySelector("[data-find-results]");
    const status = dialog.querySelector("[data-find-status]");
    const own = dialog.querySelector("[data-find-own]");
    const links = () => [...own.querySelectorAll("a"), ...results.querySelectorAll("a")];
    const MOST = 6;
    const MOST_ACTIONS = 4;

    // Whether a word begins with the term, or with its letters in their order, so that a letter may be left out.
    const begins = (text, term) => text.toLowerCase().split(/\s+/).some((word, place, words) => words.slice(place).join(" ").startsWith(term));
    const isNear = (text, term) => {
        const letters = text.toLowerCase();
        let place = letters.startsWith(term[0]) || letters.includes(` ${term[0]}`) ? 0 : -1;
        for (const letter of place < 0 ? "" : term.replaceAll(" ", "")) {
            place = letters.indexOf(letter, place) + 1;
            if (!place) {
                return false;
            }
        }
        return place > 0;
    };
    const textOf = (link) => {
        const copy = link.cloneNode(true);
        copy.querySelectorAll("kbd, .material-symbols-outlined, .cl-n").forEach((each) => each.remove());
        return copy.textContent.trim();
    };
    const line = (text, kind, icon, go) => {
        const row = document.createElement("li");
        const link = document.createElement("a");
        link.className = "cl-hit cl-row";
        link.href = go instanceof Element ? go.href : go;
        const picture = document.createElement("span");
        picture.className = "material-symbols-outlined cl-subtle";
        picture.setAttribute("aria-hidden", "true");
        picture.textContent = icon;
        const words = document.createElement("span");
        words.className = "cl-line-what cl-f1";
        words.dir = "auto";
        words.textContent = text;
        const what = document.createElement("span");
        what.className = "cl-detail";
        what.textContent = kind;
        link.append(picture, words, what);
        if (go instanceof Element) {
            // An action is opened as its link on the page does.
            link.addEventListener("click", (event) => {
                event.preventDefault();
                dialog.close();
                go.click();
            });
        }
        row.append(link);
        return row;
    };
    // With a term: the actions and recent records that it begins; those that it is near to if no customer was found.
    const listOwn = (isLoose = false) => {
        const term = input.value.trim().toLowerCase();
        const wanted = (text) => !term || begins(text, term) || (isLoose && term.length > 2 && isNear(text, term));
        const actions = [...document.querySelectorAll("nav.cl-pop a[href]")]
            .map((link) => ({ text: textOf(link), link, icon: link.querySelector(".material-symbols-outlined")?.textContent ?? "bolt" }))
            .filter((each) => wanted(each.text))
            .slice(0, term ? MOST : MOST_ACTIONS);
        const recent = (window.clienteleRecent?.() ?? []).filter((each) => wanted(each.name) && !location.pathname.startsWith(each.url)).slice(0, MOST);
        own.replaceChildren(
            ...actions.map((each) => line(each.text, "Action", each.icon, each.link)),
            ...recent.map((each) => line(each.name, "Recent", each.icon || "history", each.url)),
        );
    };
    let request = null;
    let waiting = 0;
    let opensFirst = false;
    let isGuess = false;

    // Enter opens what was found; a guess it only goes to, so that a typo opens no other customer.
    const openFirst = () => {
        if (isGuess) {
            links()[0].focus();
        } else {
            links()[0].click();
        }
    };

    const open = () => {
        if (!dialog.open) {
            dialog.showModal();
            listOwn();
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
            const count = results.querySelectorAll("a").length;
            isGuess = !own.querySelector("a") && (!count || results.querySelector("a").closest("[data-guess]") !== null);
            if (!count) {
                listOwn(true);
            }
            status.textContent = count === 1 ? "1 found" : `${count} found`;
            if (opensFirst && links().length) {
                openFirst();
            }
        } catch (problem) {
            if (problem.name !== "AbortError") {
                results.replaceChildren();
                status.textContent = "The search didn't respond. Press Enter to open it as a page.";
            }
        } finally {
            if (request === mine) {
                request = null;
                opensFirst = false;
            }
        }
    };

    input.addEventListener("input", () => {
        isGuess = false;
        listOwn();
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
            openFirst();
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

// `?` shows the keys, if single keys are shortcuts; the button beside the bell always does.
document.addEventListener("DOMContentLoaded", () => {
    const keys = document.getElementById("keys");
    if (!keys) {
        return;
    }
    document.addEventListener("keydown", (event) => {
        const element = event.target instanceof Element ? event.target : document.body;
        const isTyping = element.closest("input, textarea, select, [contenteditable], dialog") !== null;
        const isOff = document.querySelector("[data-shortcuts=off]") !== null;
        if (event.key === "?" && !isTyping && !isOff && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            keys.showModal();
        }
    });
    document.addEventListener("click", (event) => {
        if (event.target === keys) {
            keys.close();
        } else if (event.target instanceof Element && event.target.closest("[data-keys-open]")) {
            keys.showModal();
        }
    });
});
