// What a screen reader needs: a name for whatever can be used or is a region, which holds what is seen of it, no id
// twice, no two regions of one name, no heading skipped.
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
  // words that are seen in a link have to be in its name, else who speaks to the machine cannot follow it
  const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
  for (const link of document.querySelectorAll("a[aria-label]")) {
    if (!plain(link.getAttribute("aria-label")).includes(plain(link.textContent))) faults.push(link.outerHTML.slice(0, 120));
  }
  const words = (part) => part.getAttribute("aria-label") ?? document.getElementById(part.getAttribute("aria-labelledby"))?.textContent;
  const seen = [...document.querySelectorAll("section[aria-labelledby], [role=region]")].filter((part) => part.checkVisibility()).map(words);
  faults.push(...seen.filter((name, n) => seen.indexOf(name) !== n).map((name) => `two regions are called ${name}`));
  return faults;
}
