// The lanes of latency: a dot for each call, as high as it took long. The scale is logarithmic, since a deadline takes a
// thousand times as long as an answer.
const CHART = 76;
const LEAST = 100;
const DOTS = {
  ok: (x, y) => `M${x - 1.6} ${y}a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0 -3.2 0`,
  refused: (x, y) => `M${x - 2.6} ${y - 2.6}l5.2 5.2m0 -5.2l-5.2 5.2`,
  unknown: (x, y) => `M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0`,
};

function took(tick) {
  return Math.max(LEAST, tick.at.answered - tick.at.sent);
}

// The powers of ten between which all calls lie.
function latencyScale(ticks) {
  const longest = ticks.reduce((most, tick) => Math.max(most, took(tick)), 10 * LEAST);
  return { least: Math.log10(LEAST), most: Math.ceil(Math.log10(longest) - 1e-9) };
}

function levelOf(lane, micros) {
  const { least, most } = lane.scale;
  return lane.inner + 8 + CHART * (1 - (Math.log10(micros) - least) / (most - least));
}

function spelled(micros) {
  return micros < 1e6 ? `${micros / 1e3} ms` : `${micros / 1e6} s`;
}

function latency(timeline, field, labels, lane) {
  const end = timeline.left + timeline.across;
  const { least, most } = lane.scale;
  const every = most - least > 4 ? 2 : 1;
  for (let power = least; power <= most; power += 1) {
    const y = levelOf(lane, 10 ** power).toFixed(1);
    field.append(node("line", { class: "grid", x1: timeline.left, x2: end, y1: y, y2: y }));
    if ((most - power) % every) continue;
    const at = lane.title ? { x: timeline.left + 2, class: "scale inside" } : { x: timeline.left - 5, class: "scale" };
    labels.append(node("text", { ...at, y: +y + 3.5 }, spelled(10 ** power)));
  }
  const paths = {};
  const seen = new Set();
  for (const tick of lane.ticks) {
    if (tick.at.answered < timeline.view.from || tick.at.sent > timeline.view.to) continue;
    const mark = DOTS[tick.mark] ? tick.mark : "ok";
    const [x, y] = [timeline.x(tick.at.answered), levelOf(lane, took(tick))];
    // Where dots of a kind would fall on one another, one says as much.
    const spot = `${mark} ${Math.round(x)} ${Math.round(y)}`;
    if (seen.has(spot)) continue;
    seen.add(spot);
    (paths[mark] ??= []).push(DOTS[mark](+x.toFixed(1), +y.toFixed(1)));
  }
  for (const [mark, parts] of Object.entries(paths)) field.append(node("path", { class: `m m-${mark} dot-${mark}`, d: parts.join("") }));
}

// The dot nearest to the pointer, if one is near.
function latencyUnder(timeline, lane, x, y) {
  let best = null;
  let distance = 9;
  for (const tick of lane.ticks) {
    const across = Math.abs(timeline.x(tick.at.answered) - x);
    if (across >= distance) continue;
    const away = Math.hypot(across, levelOf(lane, took(tick)) - y);
    if (away < distance) [best, distance] = [tick, away];
  }
  return best ?? undefined;
}

