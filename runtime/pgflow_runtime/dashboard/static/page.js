// What every page does: keep "3 min ago" true, and show a moment's local time to who points at it.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const UNITS = [[86400, "day"], [3600, "h"], [60, "min"], [1, "s"]];
const EVERY = 10000; // ms

function ago(seconds) {
  if (seconds > -1 && seconds < 10) return "just now";
  for (const [unit, name] of UNITS) {
    const count = Math.floor(Math.abs(seconds) / unit);
    if (!count) continue;
    const words = `${count} ${name}${name === "day" && count > 1 ? "s" : ""}`;
    return seconds < 0 ? `in ${words}` : `${words} ago`;
  }
  return "just now";
}

export function nameTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    const words = ago((Date.now() - moment) / 1000);
    if (time.textContent !== words) time.textContent = words;
    time.title = local.format(moment);
  }
}

function keep() {
  if (!document.hidden) nameTimes(document);
  setTimeout(keep, EVERY);
}

keep();

// What came of an action is said once: not again when the page is loaded anew.
if (document.getElementById("outcome")) {
  const address = new URL(location.href);
  for (const name of ["did", "runs"]) address.searchParams.delete(name);
  history.replaceState(history.state, "", address);
}
