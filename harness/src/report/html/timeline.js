
// The timeline of one scenario. What stands where was decided when the report was made; this draws it, and no more.
class Timeline {
  constructor(place, data) {
    this.place = place;
    this.data = data;
    this.entries = new Map(data.entries.map((entry) => [entry.seq, entry]));
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
    const ticks = lane.ticks.map((tick) => ({ ...tick, at: this.entries.get(tick.seq).at }));
    ticks.sort((a, b) => a.at.answered - b.at.answered);
    const rows = 1 + Math.max(0, ...lane.bars.map((bar) => bar.row));
    return { ...lane, ticks, rows, stacked: ["phases", "steps", "faults"].includes(lane.kind) };
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
    const width = this.place.clientWidth;
    const narrow = width < 640;
    this.left = narrow ? 10 : 132;
    this.across = Math.max(50, width - this.left - 14);
    let y = 26;
    let credentials = 0;
    this.shown = this.lanes.filter((lane) => lane.kind !== "credential" || lane.wanted || credentials++ < this.credentials);
    for (const lane of this.shown) {
      lane.title = narrow ? 15 : 0;
      lane.top = y;
      lane.height = lane.title + (lane.stacked ? lane.rows * 21 + 7 : 36);
      lane.middle = lane.top + lane.title + (lane.stacked ? 14 : 18);
      y += lane.height;
    }
    return { width, height: y + 4 };
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
    for (const lane of this.shown) this.lane(field, lane);
    this.highlights(field, height);
    this.picture.append(field, labels);
    const hidden = this.lanes.length - this.shown.length;
    this.more.hidden = hidden === 0;
    this.more.textContent = `${hidden} more credentials`;
  }

  label(labels, lane) {
    const one = KINDS[lane.kind];
    const y = lane.title ? lane.top + 12 : lane.middle + 4;
    const room = this.left - 16;
    const text = node("text", { x: lane.title ? this.left : 12, y }, lane.title ? lane.name || one : fitting(lane.name || one, room));
    if (!one && !lane.title) text.setAttribute("y", y - 5);
    labels.append(text);
    if (one) return;
    const at = lane.title ? { x: this.left + 8 + lane.name.length * 7, y } : { x: 12, y: y + 9 };
    labels.append(node("text", { class: "kind", ...at }, lane.kind));
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
      field.append(node("rect", { class: "window", x: from, y: 20, width: Math.max(1, to - from), height: height - 20 }));
      for (const x of fault.to === null ? [from] : [from, to]) {
        field.append(node("line", { class: "window-edge", x1: x, x2: x, y1: 20, y2: height }));
      }
    }
  }

  lane(field, lane) {
    for (const bar of lane.bars) {
      if (bar.to < this.view.from || bar.from > this.view.to) continue;
      const from = Math.max(this.x(bar.from), this.left - 4);
      const width = Math.max(1.5, Math.min(this.x(bar.to), this.left + this.across + 4) - from);
      const [y, height] = lane.stacked ? [lane.top + lane.title + 4 + bar.row * 21, 18] : [lane.middle - 5, 10];
      field.append(node("rect", { class: `b b-${bar.tone}`, x: from.toFixed(1), y, width: width.toFixed(1), height }));
      if (lane.stacked && width > 26) {
        const x = Math.max(from, this.left) + 5;
        field.append(node("text", { x: x.toFixed(1), y: y + 13 }, fitting(bar.label, from + width - x - 3)));
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
      const y = lane.middle + (lane.stacked ? (lane.rows - 1) * 21 : 0);
      (paths[tick.mark] ??= []).push(SHAPES[tick.mark](+x.toFixed(1), y));
      const sent = this.x(tick.at.sent);
      if (x - sent > 3) paths[tick.mark].push(`M${sent.toFixed(1)} ${y + REACH[tick.mark]}H${x.toFixed(1)}`);
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

  // ---- moving about
  show({ from, to }) {
    const span = Math.min(Math.max(to - from, 1000), this.whole.to - this.whole.from);
    const start = Math.min(Math.max(from, this.whole.from), this.whole.to - span);
    this.view = { from: start, to: start + span };
    hideTip();
    this.redraw();
  }

  zoom(by) {
    const { from, to } = this.view;
    const at = this.chosen && this.chosen.at >= from && this.chosen.at <= to ? this.chosen.at : (from + to) / 2;
    this.show({ from: at - (at - from) * by, to: at + (to - at) * by });
  }

  reveal(from, to) {
    const span = this.view.to - this.view.from;
    if (from >= this.view.from && to <= this.view.to && (to - from) / span > 0.01) return this.redraw();
    const least = Math.max((to - from) * 3, (this.whole.to - this.whole.from) / 60);
    const middle = (from + to) / 2;
    this.show({ from: middle - least / 2, to: middle + least / 2 });
  }

  step(number) {
    const step = this.data.steps.find((one) => one.number === number);
    if (!step) return;
    this.range = { from: step.from, to: step.to };
    this.reveal(step.from, step.to);
    this.come();
  }

  evidence(seq) {
    const lane = this.lanes.findLast((one) => one.ticks.some((tick) => tick.seq === seq))
      ?? this.lanes.find((one) => one.bars.some((bar) => bar.seq === seq));
    const entry = this.entries.get(seq);
    if (!entry) return;
    if (lane) lane.wanted = true;
    const tick = lane && lane.ticks.find((one) => one.seq === seq);
    this.choose(lane ?? this.lanes[0], tick ?? { seq, at: entry.at, label: `event #${seq}` });
    this.come();
  }

  come() {
    this.place.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  choose(lane, thing) {
    const at = thing.at ? thing.at.answered : thing.from;
    this.chosen = { lane, thing, at };
    const out = at < this.view.from || at > this.view.to;
    const span = this.view.to - this.view.from;
    if (out) this.show({ from: at - span / 2, to: at + span / 2 });
    else this.redraw();
    this.event.replaceChildren(...this.told(thing));
    this.event.hidden = false;
  }

  told(thing) {
    const entry = this.entries.get(thing.seq);
    const { from, to } = thing.at ? { from: thing.at.sent, to: thing.at.answered } : thing;
    const time = from === to ? clock(from) : `${clock(from)} to ${clock(to)} (${((to - from) / 1000).toFixed(1)} ms)`;
    return [node("strong", {}, thing.label), node("p", { class: "time" }, `${time} · #${thing.seq}`),
      node("pre", {}, JSON.stringify(entry, null, 1))];
  }

  letGo() {
    if (this.drag) this.drag = null;
    else if (this.chosen || this.range) this.chosen = this.range = null;
    else this.show(this.whole);
    this.event.hidden = true;
    hideTip();
    this.redraw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => this.next(-1), ArrowRight: () => this.next(1), ArrowUp: () => this.other(-1), ArrowDown: () => this.other(1),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.show(this.whole), Escape: () => this.letGo(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  // What the arrows go through: the ticks of a lane, or its bars where it has none.
  things(lane) {
    return lane.ticks.length ? lane.ticks : lane.bars;
  }

  next(by) {
    const lane = this.chosen ? this.chosen.lane : this.shown[0];
    const things = this.things(lane);
    const now = this.chosen ? things.findIndex((one) => one.seq === this.chosen.thing.seq) : -1;
    const to = things[Math.min(Math.max(now + by, 0), things.length - 1)];
    if (to) this.choose(lane, to);
  }

  other(by) {
    const now = this.chosen ? this.shown.indexOf(this.chosen.lane) : -by;
    const lane = this.shown[now + by];
    if (!lane) return;
    const when = this.chosen ? this.chosen.at : this.view.from;
    const near = this.nearest(this.things(lane), when);
    if (near) this.choose(lane, near);
  }

  nearest(things, moment) {
    const at = (thing) => (thing.at ? thing.at.answered : thing.from);
    let low = 0;
    let high = things.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(things[middle]) < moment) low = middle + 1;
      else high = middle;
    }
    const [before, after] = [things[low - 1], things[low]];
    if (!before || !after) return before ?? after;
    return moment - at(before) < at(after) - moment ? before : after;
  }

  // ---- the pointer
  under(event) {
    const box = this.picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const lane = this.shown.find((one) => y >= one.top && y < one.top + one.height);
    if (!lane || x < this.left) return { x };
    const tick = this.nearest(lane.ticks, this.moment(x));
    if (tick && Math.abs(this.x(tick.at.answered) - x) <= 6) return { x, lane, thing: tick };
    const row = Math.floor((y - lane.top - lane.title - 4) / 21);
    const bars = lane.bars.filter((bar) => this.x(bar.from) - 2 <= x && x <= this.x(bar.to) + 2);
    return { x, lane, thing: bars.findLast((bar) => !lane.stacked || bar.row === row) };
  }

  pointing() {
    let start = null;
    this.picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      start = this.under(event).x;
      this.picture.setPointerCapture(event.pointerId);
    });
    this.picture.addEventListener("pointermove", (event) => {
      const { x, thing } = this.under(event);
      if (start !== null && Math.abs(x - start) > 4) {
        hideTip();
        this.drag = { from: this.moment(Math.min(x, start)), to: this.moment(Math.max(x, start)) };
        this.redraw();
      } else if (thing) showTip(this.told(thing), event);
      else hideTip();
    });
    this.picture.addEventListener("pointerup", (event) => {
      const { lane, thing } = this.under(event);
      start = null;
      if (this.drag) this.show(this.drag);
      else if (thing) this.choose(lane, thing);
      this.drag = null;
    });
    this.picture.addEventListener("pointercancel", () => { start = this.drag = null; this.redraw(); });
    this.picture.addEventListener("pointerleave", hideTip);
  }
}
