// What a screen reader needs: a name for whatever can be used or is a region, no id twice, no heading skipped.
() => {
  const named = (element) =>
    (element.getAttribute("aria-label") ?? "").trim() ||
    (element.getAttribute("aria-labelledby") ?? "").split(" ").some((id) => document.getElementById(id)?.textContent.trim()) ||
    [...(element.labels ?? [])].some((label) => label.textContent.trim()) ||
    (["A", "BUTTON", "SUMMARY"].includes(element.tagName.toUpperCase()) && element.textContent.trim()) ||
    (element.getAttribute("title") ?? "").trim();
  const faults = [];
  const wanted = "a, button, input:not([type=hidden]), select, textarea, summary, nav, [role=region], [role=img], [tabindex='0']";
  for (const element of document.querySelectorAll(wanted)) {
    if (element.closest(".sprite")) continue;
    if (!named(element)) faults.push(element.outerHTML.slice(0, 120));
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  faults.push(...ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `id twice: ${id}`));
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map((h) => Number(h.tagName[1]));
  levels.forEach((level, n) => n && level > levels[n - 1] + 1 && faults.push(`heading ${n + 1} jumps to h${level}`));
  return faults;
}
