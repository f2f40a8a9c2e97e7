// The overview: filters, the run by promise, server and fault, and the keys that lead through the list.

function overview() {
  const form = document.querySelector(".filters");
  const rows = all(".results tbody tr").map((row) => new Row(row));
  const pressed = new Set();
  const apply = () => {
    const [text, guarantee, server, fault] = ["text", "guarantee", "server", "fault"].map((n) => form.elements[n].value);
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of rows) {
      const fits = (!pressed.size || pressed.has(one.row.dataset.result)) && (!guarantee || one.guarantees.has(guarantee))
        && (!server || one.row.dataset.server === server) && (!fault || one.faults.has(fault)) && words.every((word) => one.text.includes(word));
      one.row.hidden = !fits;
      count += fits;
    }
    form.elements.shown.value = count === rows.length ? "" : `${count} of ${rows.length} shown`;
    document.querySelector(".empty").hidden = count > 0 || rows.length === 0;
    document.querySelector("#by-scenario .scroll").hidden = count === 0 && rows.length > 0;
  };
  const clear = () => {
    form.reset();
    pressed.clear();
    for (const tile of all(".tile", form)) tile.setAttribute("aria-pressed", false);
    apply();
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
  document.querySelector(".clear").addEventListener("click", clear);
  const tab = tabs();
  for (const group of all(".group")) {
    group.addEventListener("click", () => {
      clear();
      form.elements[group.dataset.filter].value = group.dataset.value;
      apply();
      tab("tab-scenario").focus();
    });
  }
  keys(form, rows);
}

// A row of the list, with what is searched in it: its own words, and those of its scenario's steps.
class Row {
  constructor(row) {
    const words = (list, by) => new Set(list.split(by).filter(Boolean));
    this.row = row;
    this.guarantees = words(row.dataset.guarantees, " ");
    this.faults = words(row.dataset.faults, "\n");
  }

  get text() {
    const steps = all(".steps td:nth-child(2)", document.getElementById(this.row.dataset.view));
    const parts = steps.flatMap((cell) => [cell.firstChild, cell.querySelector("code")]).map((part) => part?.textContent ?? "");
    const text = [this.row.textContent, this.row.dataset.file, this.row.dataset.faults, ...parts].join("\n").toLowerCase();
    Object.defineProperty(this, "text", { value: text });
    return text;
  }
}

// Returns what opens a tab by its id, and gives the tab back.
function tabs() {
  const each = all(".tabs [role=tab]");
  const open = (id) => {
    for (const tab of each) {
      const on = tab.id === id;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("open", on);
    }
    return document.getElementById(id);
  };
  for (const [index, tab] of each.entries()) {
    tab.addEventListener("click", () => open(tab.id));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = by ? each[(index + by + each.length) % each.length] : { Home: each[0], End: each.at(-1) }[event.key];
      if (!to) return;
      event.preventDefault();
      open(to.id).focus();
    });
  }
  open("tab-scenario");
  return open;
}

// Up and down go through the scenarios that are shown, "/" to the search, and Escape from there to the first of them.
function keys(form, rows) {
  const links = () => rows.filter((one) => !one.row.hidden).map((one) => one.row.querySelector("th a"));
  document.querySelector(".results").addEventListener("keydown", (event) => {
    const shown = links();
    const now = shown.indexOf(document.activeElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (now < 0 || !shown[to]) return;
    event.preventDefault();
    shown[to].focus();
  });
  form.elements.text.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "Escape") return;
    event.preventDefault();
    links()[0]?.focus();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key !== "/" || typing || !document.getElementById("overview").classList.contains("open")) return;
    event.preventDefault();
    form.elements.text.focus();
  });
}

