// One stop for the Tab key in a grid of tasks; the arrow keys move within it.
function cells() {
  return [...document.querySelectorAll(".cells .cell")];
}

function enter(all, chosen) {
  for (const cell of all) cell.tabIndex = cell === chosen ? 0 : -1;
}

function above(all, from, direction) {
  const box = from.getBoundingClientRect();
  let best = null;
  for (const cell of all) {
    const other = cell.getBoundingClientRect();
    const down = (other.top - box.top) * direction;
    if (down < box.height / 2) continue;
    const distance = down * 1000 + Math.abs(other.left - box.left);
    if (!best || distance < best.distance) best = { cell, distance };
  }
  return best?.cell;
}

document.addEventListener("keydown", (event) => {
  const from = event.target.closest?.(".cells .cell");
  if (!from || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = cells();
  const at = all.indexOf(from);
  const to = {
    ArrowRight: () => all[at + 1],
    ArrowLeft: () => all[at - 1],
    ArrowDown: () => above(all, from, 1),
    ArrowUp: () => above(all, from, -1),
    Home: () => all[0],
    End: () => all.at(-1),
  }[event.key]?.();
  if (!to) return;
  event.preventDefault();
  enter(all, to);
  to.focus();
});

const list = document.querySelector(".cells");
if (list) {
  enter(cells(), cells()[0]);
  // the list is replaced while the run goes on
  new MutationObserver(() => {
    const all = cells();
    if (all.filter((cell) => cell.tabIndex === 0).length !== 1) enter(all, all.includes(document.activeElement) ? document.activeElement : all[0]);
  }).observe(document.getElementById("run"), { childList: true, subtree: true });
}
