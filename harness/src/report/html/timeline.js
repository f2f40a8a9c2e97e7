
// The timeline of one scenario. What stands where was decided when the report was made; this draws it, and no more.
class Timeline {
  constructor(place, data) {
    this.place = place;
    this.data = data;
    this.entries = new Map(data.entries.map((entry, index) => [entry.seq, { entry, title: data.titles[index] }]));
    const { from, to, lanes, windows } = data.timeline;
    this.windows = windows;
    this.whole = { from, to: Math.max(to, from + 1000) };
    this.view = { ...this.whole };
    this.lanes = lanes.map((lane) => this.prepared(lane));
    this.credentials = FIRST_CREDENTIALS;
    this.shown = [];
    this.chosen = null;
    this.build();
    new ResizeObserver(() => this.redraw()).observe(this.place);
  }

  prepared(lane) {
    const ticks = lane.ticks.map((tick) => {
      const { entry, title } = this.entries.get(tick.seq);
      return { ...tick, at: entry.at, label: title };
    });
    ticks.sort((a, b) => a.at.answered - b.at.answered);
    const form = FORMS[lane.kind] ?? "line";
    const rows = form === "stack" ? 1 + lane.bars.reduce((most, bar) => Math.max(most, bar.row), 0) : 1;
    const row = rows > 10 ? Math.max(5, Math.floor(210 / rows)) : 21;
    return { ...lane, ticks, rows, row, form, scale: form === "chart" ? latencyScale(ticks) : null };
  }

  build() {
    const button = (text, label, act) => {
      const made = node("button", { type: "button", "aria-label": label }, text);
      made.addEventListener("click", act);
      return made;
    };
    const zoom = node("span", { class: "zoom" }, button("−", "zoom out", () => this.zoom(2)),
      button("+", "zoom in", () => this.zoom(0.5)), button("whole", "show the whole run", () => this.show(this.whole)));
    const legend = node("ul", { class: "legend", "aria-label": "Legend" }, ...Object.entries(MARKS).map(([mark, word]) => {
      const icon = node("svg", { width: 14, height: 16, viewBox: "0 0 14 16", "aria-hidden": "true" });
      icon.append(node("path", { class: `m m-${mark}`, d: SHAPES[mark](7, 8 - CENTRE[mark]) }));
      return node("li", {}, icon, word);
    }), ...Object.entries(BARS).map(([tone, word]) => {
      const icon = node("svg", { width: 18, height: 12, viewBox: "0 0 18 12", "aria-hidden": "true" });
      const [y, height] = tone === "lease" || tone === "cut" ? [1, 10] : [4, 4];
      icon.append(node("rect", { class: `b b-${tone}`, x: 1, y, width: 16, height }));
      return node("li", {}, icon, word);
    }));
    const keys = node("span", { class: "keys" }, "drag to zoom · + − 0 · ← → events · ↑ ↓ lanes · Esc");
    this.picture = node("svg", { class: "picture", tabindex: "0", role: "group", "aria-label":
      "Timeline. Left and right arrows go through the events of a lane, up and down change the lane, plus and minus zoom, 0 shows all." });
    this.more = button("", "show more credentials", () => { this.credentials += 50; this.redraw(); });
    this.more.className = "more";
    this.event = node("div", { class: "event", "aria-live": "polite" });
    this.event.hidden = true;
    this.place.append(node("div", { class: "bar-of-tools" }, zoom, legend, keys), this.picture, this.more, this.event);
    this.picture.addEventListener("keydown", (event) => this.key(event));
    this.picture.addEventListener("dblclick", () => this.show(this.whole));
    this.pointing();
    // Paper has a width of its own, and no wish to wait for the next frame.
    addEventListener("beforeprint", () => { this.paper = 1000; this.draw(); });
    addEventListener("afterprint", () => { this.paper = 0; this.draw(); });
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
  }

  // ---- geometry
  x(moment) {
    return this.left + ((moment - this.view.from) / (this.view.to - this.view.from)) * this.across;
  }

  moment(x) {
    return this.view.from + ((x - this.left) / this.across) * (this.view.to - this.view.from);
  }

  layout() {
    const width = this.place.clientWidth && (this.paper || this.place.clientWidth);
    const narrow = width < 640;
    this.left = narrow ? 10 : 132;
    this.across = Math.max(50, width - this.left - 14);
    let y = 26;
    let credentials = 0;
    this.shown = this.lanes.filter((lane) => lane.kind !== "credential" || lane.wanted || credentials++ < this.credentials);
    for (const lane of this.shown) {
      lane.title = narrow ? 15 : 0;
      lane.top = y;
      lane.inner = y + lane.title;
      lane.height = lane.title + this.heightOf(lane);
      lane.middle = lane.inner + (lane.form === "stack" ? 13 : lane.form === "chart" ? 8 + CHART / 2 : 18);
      y += lane.height;
    }
    return { width, height: y + 4 };
  }

  heightOf(lane) {
    if (lane.form === "chart") return CHART + 16;
    if (lane.form === "stack") return lane.rows * lane.row + (lane.kind === "health" ? 12 : 7);
    return lane.kind === "credential" ? 44 : 36;
  }

  // Where a bar of a lane lies, from top to bottom.
  box(bar, lane) {
    if (lane.form === "stack") return [lane.inner + 4 + bar.row * lane.row, lane.row - Math.min(3, lane.row / 3)];
    return bar.row ? [lane.middle + 17, 4] : [lane.middle - 5, 10];
  }

  // ---- drawing
  draw() {
    const { width, height } = this.layout();
    if (!width) return;
    const clip = `clip-${this.place.dataset.of}`;
    const field = node("g", { "clip-path": `url(#${clip})` });
    const labels = node("g");
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.setAttribute("height", height);
    const area = node("rect", { x: this.left, y: 0, width: this.across, height });
    this.picture.replaceChildren(node("clipPath", { id: clip }, area));
    for (const [index, lane] of this.shown.entries()) {
      const chosen = this.chosen && this.chosen.lane === lane;
      if (index % 2 === 0 || chosen) {
        const at = { x: 0, y: lane.top, width, height: lane.height };
        this.picture.append(node("rect", { class: chosen ? "stripe lane-chosen" : "stripe", ...at }));
      }
      this.label(labels, lane);
    }
    this.axis(labels, field, height);
    this.faults(field, height);
    for (const lane of this.shown) this.lane(field, labels, lane);
    this.highlights(field, height);
    this.picture.append(field, labels);
    const hidden = this.lanes.length - this.shown.length;
    this.more.hidden = hidden === 0;
    this.more.textContent = `${hidden} more credentials`;
    this.logs?.cut(this.time());
  }

  // The time that the reader looks at: around what is chosen, else all that is in view.
  time() {
    const around = (from, to, what) => ({ from: from - AROUND, to: to + AROUND, middle: (from + to) / 2, what });
    if (this.chosen) {
      const { from, to } = this.extent(this.chosen.thing);
      return around(from, Math.min(to, from + 10 * AROUND), `around event #${this.chosen.thing.seq}`);
    }
    if (this.range) return around(this.range.from, this.range.to, this.range.what);
    const { from, to } = this.view;
    return { from, to, middle: to, what: to - from < this.whole.to - this.whole.from ? "in view" : "of the whole run" };
  }

  label(labels, lane) {
    const { title, kind } = named(lane);
    const y = lane.title ? lane.top + 12 : lane.form === "chart" ? lane.inner + 16 : lane.middle + (kind ? -1 : 4);
    const x = lane.title ? this.left : 12;
    const room = this.left - 16;
    labels.append(node("text", { x, y }, lane.title ? title : fitting(title, room)));
    if (!kind) return;
    const at = lane.title ? { x: x + 8 + title.length * 7, y } : { x, y: y + 14 };
    labels.append(node("text", { class: "kind", ...at }, kind));
  }

  axis(labels, field, height) {
    const span = this.view.to - this.view.from;
    const wanted = span / Math.max(2, this.across / 90);
    const power = 10 ** Math.floor(Math.log10(wanted));
    // From half a minute on, people count in sixties.
    const round = wanted > 20e6 ? [30, 60, 120, 300, 600, 900, 1800, 3600].map((n) => n * 1e6) : [1, 2, 5, 10].map((n) => n * power);
    const step = round.find((n) => n >= wanted) ?? Math.ceil(wanted / 3600e6) * 3600e6;
    for (let at = Math.ceil(this.view.from / step) * step; at <= this.view.to; at += step) {
      const x = this.x(at).toFixed(1);
      field.append(node("line", { class: "grid", x1: x, x2: x, y1: 20, y2: height }));
      if (x < this.left + this.across - 10) labels.append(node("text", { class: "axis", x, y: 14 }, clock(at, span)));
    }
  }

  faults(field, height) {
    for (const fault of this.windows) {
      const from = this.x(fault.from);
      const to = this.x(fault.to ?? this.whole.to);
      if (to < this.left || from > this.left + this.across) continue;
      field.append(node("rect", { class: "window", x: from, y: 20, width: Math.max(1, to - from), height: height - 20 }));
      if (to - from < 3) continue;
      for (const x of fault.to === null ? [from] : [from, to]) {
        field.append(node("line", { class: "window-edge", x1: x, x2: x, y1: 20, y2: height }));
      }
    }
  }

  lane(field, labels, lane) {
    if (lane.form === "chart") return latency(this, field, labels, lane);
    const ends = {};
    for (const bar of lane.bars) {
      if (bar.to < this.view.from || bar.from > this.view.to) continue;
      const from = Math.max(this.x(bar.from), this.left - 4);
      const width = Math.max(1.5, Math.min(this.x(bar.to), this.left + this.across + 4) - from);
      // Where bars of a kind are less than a point wide, one of them says as much.
      const kind = `${bar.row} ${bar.tone}`;
      if (from + width - (ends[kind] ?? -9) < 1) continue;
      ends[kind] = from + width;
      const [y, height] = this.box(bar, lane);
      field.append(node("rect", { class: `b b-${bar.tone}${lane.form === "stack" ? " named" : ""}`, x: from.toFixed(1), y, width: width.toFixed(1), height }));
      if (lane.form === "stack" && height >= 14 && width > 26) {
        const x = Math.max(from, this.left) + 5;
        field.append(node("text", { x: x.toFixed(1), y: y + 13 }, fitting(bar.label, Math.min(from + width, this.left + this.across) - x - 3)));
      }
    }
    const paths = {};
    const last = {};
    for (const tick of lane.ticks) {
      if (tick.at.answered < this.view.from || tick.at.sent > this.view.to) continue;
      const x = this.x(tick.at.answered);
      // Where two of a kind would fall on one another, one says as much.
      if (Math.abs(x - (last[tick.mark] ?? -9)) < 0.7) continue;
      last[tick.mark] = x;
      const path = (paths[tick.mark] ??= []);
      if (lane.kind === "health") { path.push(`M${x.toFixed(1)} ${lane.inner + lane.row + 3}v5`); continue; }
      const y = lane.middle + (lane.form === "stack" ? (lane.rows - 1) * lane.row : 0);
      path.push(SHAPES[tick.mark](+x.toFixed(1), y));
      const sent = this.x(tick.at.sent);
      if (x - sent > 3) path.push(`M${sent.toFixed(1)} ${y + REACH[tick.mark]}H${x.toFixed(1)}`);
    }
    for (const [mark, parts] of Object.entries(paths)) field.append(node("path", { class: `m m-${mark}`, d: parts.join("") }));
  }

  highlights(field, height) {
    const band = (range, name) => {
      const x = this.x(range.from);
      field.append(node("rect", { class: name, x, y: 20, width: Math.max(2, this.x(range.to) - x), height: height - 20 }));
    };
    if (this.range) band(this.range, "range");
    if (this.drag) band(this.drag, "drag");
    if (!this.chosen) return;
    const { lane, at } = this.chosen;
    const x = this.x(at);
    field.append(node("line", { class: "chosen", x1: x, x2: x, y1: 20, y2: height }));
    field.append(node("rect", { class: "chosen", x: x - 8, y: lane.middle - 16, width: 16, height: 32, rx: 8 }));
  }
}

