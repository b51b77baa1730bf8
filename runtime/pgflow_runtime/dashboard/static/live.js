// Keeps a run's page up to date: a stream tells that something changed, then the regions that differ are replaced.
import { nameTimes } from "./page.js";

const run = document.getElementById("run");
const said = document.getElementById("said");
const PAUSE = 250; // ms between two readings at least
const LOOK = 4000; // ms after which a running run is read again without a change: durations go on

let isReading = false;
let isWanted = false;
let isOver = false;
let timer = 0;

function replace(old, fresh) {
  const focus = old.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...old.querySelectorAll(".graph, pre")].map((part) => [part.scrollLeft, part.scrollTop]);
  const open = [...old.querySelectorAll("details")].map((part) => part.open);
  old.replaceWith(fresh);
  [...fresh.querySelectorAll("details")].forEach((part, n) => (part.open ||= Boolean(open[n])));
  [...fresh.querySelectorAll(".graph, pre")].forEach((part, n) => {
    if (scrolled[n]) [part.scrollLeft, part.scrollTop] = scrolled[n];
  });
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

async function read() {
  if (isReading) {
    isWanted = true;
    return;
  }
  isReading = true;
  isWanted = false;
  clearTimeout(timer);
  try {
    const response = await fetch(run.dataset.live, { headers: { accept: "text/html" }, redirect: "error" });
    if (response.ok) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const fresh of page.querySelectorAll("[data-region]")) {
        const old = document.getElementById(fresh.id);
        if (!old) continue;
        [old, fresh].forEach(nameTimes);
        if (!old.isEqualNode(fresh)) replace(old, document.adoptNode(fresh));
      }
      lost(false);
    }
  } catch {
    lost(true);
  }
  isReading = false;
  if (isWanted) setTimeout(read, PAUSE);
  else if (!isOver) timer = setTimeout(look, LOOK);
}

function look() {
  if (document.hidden) timer = setTimeout(look, LOOK);
  else read();
}

function lost(is) {
  const mark = document.querySelector(".live");
  if (!mark) return;
  mark.classList.toggle("is-lost", is);
  mark.textContent = is ? "connection lost, trying again" : "live";
}

const stream = new EventSource(run.dataset.events);
stream.addEventListener("change", (event) => {
  const { news } = JSON.parse(event.data);
  if (news.length) said.textContent = news.join(" ");
  read();
});
stream.addEventListener("end", () => {
  isOver = true;
  stream.close();
  read();
});
stream.addEventListener("error", () => lost(true));
timer = setTimeout(look, LOOK);
