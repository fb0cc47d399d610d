// Remembers in this browser which records the user opened last, and lists them where a page asks for it.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const MOST = 12;
    const SHOWN = 5;
    const here = document.querySelector("[data-recent]");
    const list = document.querySelector("[data-recent-list]");
    const user = document.querySelector("[data-user]")?.dataset.user;
    if (!user) {
        return;
    }
    const place = `clientele-recent-${user}`;

    const read = () => {
        try {
            const found = JSON.parse(localStorage.getItem(place) ?? "[]");
            return Array.isArray(found) ? found.filter((each) => each?.url?.startsWith("/admin/")) : [];
        } catch {
            return [];
        }
    };

    window.clienteleRecent = read;

    const ago = (at) => {
        const minutes = Math.floor((Date.now() - at) / 60000);
        if (minutes < 1) {
            return "just now";
        }
        if (minutes < 60) {
            return `${minutes} min ago`;
        }
        return minutes < 1440 ? `${Math.floor(minutes / 60)} h ago` : new Date(at).toLocaleDateString();
    };

    if (here) {
        const record = { name: here.dataset.recent, url: here.dataset.recentUrl, icon: here.dataset.recentIcon, at: Date.now() };
        const others = read().filter((each) => each.url !== record.url);
        try {
            localStorage.setItem(place, JSON.stringify([record, ...others].slice(0, MOST)));
        } catch {
            // Without room or permission to remember, nothing is listed.
        }
    }
    if (list) {
        const rows = read().slice(0, SHOWN).map((each) => {
            const row = document.createElement("li");
            const icon = document.createElement("span");
            icon.className = "material-symbols-outlined cl-subtle";
            icon.setAttribute("aria-hidden", "true");
            icon.textContent = each.icon;
            const link = document.createElement("a");
            link.className = "cl-t cl-f1 cl-tr";
            link.dir = "auto";
            link.href = each.url;
            link.textContent = each.name;
            const when = document.createElement("span");
            when.className = "cl-sub2";
            when.textContent = ago(each.at);
            row.append(icon, link, when);
            return row;
        });
        list.querySelector("ul").replaceChildren(...rows);
        list.hidden = rows.length === 0;
    }
});
