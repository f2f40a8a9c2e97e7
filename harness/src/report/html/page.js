// The page: which scenario is open, which are shown, light or dark. Texts from the run are only ever set as text.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Shows the overview, one scenario or a line of its file, as the address says, so that "back" and links work.
function route(timelines) {
  const aim = document.getElementById(location.hash.slice(1));
  const view = aim && aim.closest(".view");
  const shown = view ?? document.getElementById("overview");
  if (!shown.classList.contains("open")) {
    const left = document.querySelector(".view.open");
    left?.classList.remove("open");
    shown.classList.add("open");
    scrollTo(0, 0);
    timelines.open(shown);
    if (left) land(shown, left);
  }
  if (view && aim !== view) point(aim);
}

// What had the focus is out of sight now: it goes to the scenario's name, and on the way back to the row that led there.
function land(shown, left) {
  const heading = shown.querySelector("h2");
  const row = document.querySelector(`.results a[href="#${left.id}"]`);
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  } else if (row) row.focus();
}

// Brings something within a view before the reader's eyes.
function point(aim) {
  const folded = aim.closest("details");
  if (folded) folded.open = true;
  for (const other of all(".aimed")) other.classList.remove("aimed");
  aim.classList.add("aimed");
  aim.scrollIntoView({ block: "center" });
}

function theme() {
  const root = document.documentElement;
  // A page that was opened from a folder may not keep anything; then the choice lasts as long as the page.
  const kept = (act) => { try { return act(localStorage); } catch { return null; } };
  const set = (name) => { if (name) root.dataset.theme = name; };
  set(kept((store) => store.getItem("leaseproof-theme")));
  document.getElementById("theme").addEventListener("click", () => {
    const now = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    set(now === "dark" ? "light" : "dark");
    kept((store) => store.setItem("leaseproof-theme", root.dataset.theme));
  });
}

function copying() {
  for (const button of all(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
  }
}
