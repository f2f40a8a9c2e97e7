// The page: which scenario is open, which are shown, light or dark. Texts from the run are only ever set as text.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Shows the overview or one scenario, as the address says, so that "back" and links to a scenario work.
function route(timelines) {
  const id = location.hash.slice(1);
  const view = document.getElementById(id);
  const shown = view && view.classList.contains("view") ? view : document.getElementById("overview");
  if (shown.classList.contains("open")) return;
  for (const other of all(".view.open")) other.classList.remove("open");
  shown.classList.add("open");
  scrollTo(0, 0);
  timelines.open(shown);
}

function filters() {
  const form = document.querySelector(".filters");
  const rows = all(".results tbody tr").map((row) => {
    const view = document.getElementById(row.dataset.view);
    const steps = all(".steps td:nth-child(2)", view).flatMap((cell) => [cell.firstChild, cell.querySelector("code")]).map((part) => part.textContent);
    const text = [row.textContent, row.dataset.file, row.dataset.faults, ...steps].join("\n").toLowerCase();
    const words = (list, by) => new Set(list.split(by).filter(Boolean));
    return { row, text, guarantees: words(row.dataset.guarantees, " "), faults: words(row.dataset.faults, "\n") };
  });
  const pressed = new Set();
  const apply = () => {
    const [text, guarantee, server, fault] = ["text", "guarantee", "server", "fault"].map((n) => form.elements[n].value);
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { row, text: has, guarantees, faults } of rows) {
      const fits = (!pressed.size || pressed.has(row.dataset.result)) && words.every((word) => has.includes(word))
        && (!guarantee || guarantees.has(guarantee)) && (!server || row.dataset.server === server)
        && (!fault || faults.has(fault));
      row.hidden = !fits;
      count += fits;
    }
    form.elements.shown.value = count === rows.length ? "" : `${count} of ${rows.length} shown`;
    document.querySelector(".empty").hidden = count > 0 || rows.length === 0;
  };
  for (const tile of all(".tile", form)) {
    tile.addEventListener("click", () => {
      const on = tile.getAttribute("aria-pressed") !== "true";
      tile.setAttribute("aria-pressed", on);
      on ? pressed.add(tile.dataset.result) : pressed.delete(tile.dataset.result);
      apply();
    });
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".clear").addEventListener("click", () => {
    form.reset();
    pressed.clear();
    for (const tile of all(".tile", form)) tile.setAttribute("aria-pressed", false);
    apply();
  });
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
