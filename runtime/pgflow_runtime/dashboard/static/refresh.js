// Reads a list again every few seconds while somebody looks at it, and replaces what has changed.
import { nameTimes } from "./page.js";

const SECONDS = 5;

async function refresh() {
  if (!document.hidden && !document.querySelector("form.filters :focus")) {
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" } });
      const page = response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
      for (const fresh of page?.querySelectorAll("[data-region]") ?? []) {
        const old = document.getElementById(fresh.id);
        if (!old || old.contains(document.activeElement)) continue;
        [old, fresh].forEach(nameTimes);
        if (!old.isEqualNode(fresh)) old.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // the next time may do better
    }
  }
  setTimeout(refresh, SECONDS * 1000);
}

setTimeout(refresh, SECONDS * 1000);
