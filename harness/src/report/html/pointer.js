// How a reader moves about in a timeline: zoom, the keys, the pointer.
class Moving {
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
    this.chosen = null;
    this.event.hidden = true;
    this.range = { from: step.from, to: step.to, what: `around step ${number}` };
    this.mark(number);
    this.reveal(step.from, step.to);
    this.come();
  }

  // Marks a step in the list and in the scenario's text.
  mark(number) {
    const view = this.place.closest(".view");
    for (const row of all(".chosen-step", view)) row.classList.remove("chosen-step");
    for (const button of all(".step", view)) {
      if (button.dataset.step === number) button.closest("tr, li").classList.add("chosen-step");
    }
  }

  at(moment) {
    this.chosen = null;
    this.event.hidden = true;
    this.range = { from: moment, to: moment, what: `around ${clock(moment)}` };
    this.reveal(moment, moment);
    this.come();
  }

  evidence(seq) {
    const lane = this.lanes.findLast((one) => one.form !== "chart" && one.ticks.some((tick) => tick.seq === seq))
      ?? this.lanes.find((one) => one.bars.some((bar) => bar.seq === seq));
    const known = this.entries.get(seq);
    if (!known) return;
    if (lane) lane.wanted = true;
    const tick = lane && lane.ticks.find((one) => one.seq === seq);
    this.choose(lane ?? this.lanes[0], tick ?? { seq, at: known.entry.at, label: known.title });
    this.come();
  }

  come() {
    this.place.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  choose(lane, thing) {
    const at = thing.at ? thing.at.answered : thing.from;
    this.chosen = { lane, thing, at };
    this.range = null;
    if (lane.kind === "steps") this.mark(thing.label.split(" ")[0]);
    const out = at < this.view.from || at > this.view.to;
    const span = this.view.to - this.view.from;
    if (out) this.show({ from: at - span / 2, to: at + span / 2 });
    else this.redraw();
    this.event.replaceChildren(...this.told(thing));
    this.event.hidden = false;
  }

  told(thing) {
    const { entry } = this.entries.get(thing.seq);
    const { from, to } = this.extent(thing);
    const time = from === to ? clock(from) : `${clock(from)} to ${clock(to)} (${((to - from) / 1000).toFixed(1)} ms)`;
    return [node("strong", {}, thing.label), node("p", { class: "time" }, `${time} · #${thing.seq}`),
      node("pre", { tabindex: "0" }, JSON.stringify(entry, null, 1))];
  }

  extent(thing) {
    return thing.at ? { from: thing.at.sent, to: thing.at.answered } : thing;
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

  under(event) {
    const box = this.picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const lane = this.shown.find((one) => y >= one.top && y < one.top + one.height);
    if (!lane || x < this.left) return { x };
    if (lane.form === "chart") return { x, lane, thing: latencyUnder(this, lane, x, y) };
    const tick = this.nearest(lane.ticks, this.moment(x));
    if (tick && Math.abs(this.x(tick.at.answered) - x) <= 6) return { x, lane, thing: tick };
    const here = (bar) => {
      const [top, height] = this.box(bar, lane);
      return this.x(bar.from) - 2 <= x && x <= this.x(bar.to) + 2 && top - 3 <= y && y <= top + height + 3;
    };
    return { x, lane, thing: lane.bars.findLast(here) };
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
      } else if (thing) showTip([...this.told(thing), node("p", { class: "time" }, "click to keep it")], event);
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
for (const name of Object.getOwnPropertyNames(Moving.prototype)) {
  if (name !== "constructor") Timeline.prototype[name] = Moving.prototype[name];
}

