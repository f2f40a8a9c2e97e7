// What the servers said, cut to the time that the timeline shows.
const LINES = 120;

class Logs {
  constructor(place, logs, go) {
    this.place = place;
    this.go = go;
    this.lines = logs.flatMap(({ name, lines }) => lines.map(([at, text]) => ({ at, text, name })));
    this.lines.sort((a, b) => a.at - b.at);
    this.build(logs.map((log) => log.name));
  }

  build(names) {
    const heading = node("h3", {}, "Server logs");
    if (!this.lines.length) {
      this.place.append(heading, node("p", { class: "hint" }, "There are none in the scenario's folder."));
      return;
    }
    const options = names.map((name) => node("option", {}, name));
    this.server = node("select", {}, node("option", { value: "" }, "all servers"), ...options);
    this.told = node("p", { class: "hint", "aria-live": "polite" });
    this.body = node("tbody");
    const table = node("table", { class: "log" }, this.body);
    const tools = node("div", { class: "log-tools" }, node("label", {}, "Of ", this.server), this.told);
    this.place.append(heading, tools, node("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Log lines" }, table));
    this.server.addEventListener("input", () => this.show());
    this.body.addEventListener("click", (event) => {
      const { moment } = event.target.dataset;
      if (moment !== undefined) this.go(Number(moment));
    });
  }

  // Shows the lines of a time. Asked for the same again, it does nothing.
  cut(time) {
    if (!this.body || (this.time && this.time.from === time.from && this.time.to === time.to && this.time.what === time.what)) return;
    this.time = time;
    this.show();
  }

  show() {
    const { from, to, middle, what } = this.time;
    const server = this.server.value;
    let lines = this.lines.filter(({ at, name }) => at >= from && at <= to && (!server || name === server));
    const all = lines.length;
    if (all > LINES) {
      const near = [...lines].sort((a, b) => Math.abs(a.at - middle) - Math.abs(b.at - middle)).slice(0, LINES);
      const kept = new Set(near);
      lines = lines.filter((line) => kept.has(line));
    }
    const count = all === 1 ? "1 line" : `${all} lines`;
    const rest = all > LINES ? `; the ${LINES} nearest are shown, zoom in for the others` : "";
    this.told.textContent = `${count} ${what}, ${clock(Math.max(0, from))} to ${clock(to)}${rest}`;
    this.body.replaceChildren(...lines.map((line) => this.row(line)));
  }

  row({ at, text, name }) {
    const button = node("button", { type: "button", class: "moment", "data-moment": at, title: "show in the timeline" }, clock(at));
    return node("tr", {}, node("td", { class: "num" }, button), node("td", { class: "name" }, name), node("td", {}, node("code", {}, text)));
  }
}

