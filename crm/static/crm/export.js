// A job writes the export. Its page asks how far it is until the file is ready.
"use strict";

const panel = document.querySelector("[data-export]");
if (panel) {
    const status = panel.querySelector("[data-export-status]");
    const file = panel.querySelector("[data-export-file]");
    const bar = panel.querySelector("progress");
    const number = (value) => value.toLocaleString("en");
    const words = ({ done, of, skipped, is_running }) => {
        if (!is_running && done < of) {
            return "Waiting for the background worker. Ask an administrator to start it.";
        }
        const written = `${number(done - skipped)} of ${number(of)} written`;
        return skipped ? `${written}. Couldn't export ${number(skipped)}.` : written;
    };

    const ask = async () => {
        try {
            const response = await fetch(panel.dataset.export, { redirect: "error" });
            if (!response.ok) {
                throw new Error(String(response.status));
            }
            const progress = await response.json();
            bar.value = progress.done;
            status.textContent = words(progress);
            if (progress.done === progress.of) {
                file.hidden = false;
                // The user asked for the file, so it needs no further click.
                window.location.assign(file.href);
                return;
            }
        } catch (problem) {
            status.textContent = "The server didn't respond. The export continues without this page.";
        }
        window.setTimeout(ask, 1000);
    };

    if (!panel.hasAttribute("data-export-ready")) {
        ask();
    }
}
