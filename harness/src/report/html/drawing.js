
// What drawing needs: shapes, elements, texts that fit, and the box beside the pointer.
const SVG = "http://www.w3.org/2000/svg";
const KINDS = { phases: "phases", steps: "steps", faults: "faults", health: "health", vault: "vault", target: "target",
  principals: "users at target", latency: "latency", probe: "probe" };
// How lanes are drawn that are no plain line: bars with their names in them, or a chart.
const FORMS = { phases: "stack", steps: "stack", faults: "stack", health: "stack", principals: "stack", latency: "chart" };
const BARS = { lease: "lease", cut: "cut off", working: "logins accepted", refused: "refused" };
const MARKS = { ok: "done", refused: "refused", unknown: "unknown", without: "no credential", revoked: "revocation", note: "note" };
// The shapes, around the middle of a lane.
const SHAPES = {
  ok: (x, y) => `M${x} ${y - 6}v-8`,
  refused: (x, y) => `M${x} ${y + 6}v8m-3 0h6`,
  unknown: (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`,
  without: (x, y) => `M${x - 3} ${y + 8}h6v6h-6z`,
  revoked: (x, y) => `M${x} ${y - 7}l5.5 7l-5.5 7l-5.5 -7z`,
  note: (x, y) => `M${x - 2} ${y + 8}l2 -4l2 4`,
};
// How far from the middle of a lane the middle of a shape is.
const CENTRE = { ok: -10, refused: 10, unknown: 0, without: 11, revoked: 0, note: 6 };
const FIRST_CREDENTIALS = 12;
// What counts as around a moment, in microseconds.
const AROUND = 1e6;

// What a lane is called, and of what kind it is where the name does not say so.
function named(lane) {
  if (lane.kind === "latency") return { title: "latency", kind: `calls of ${lane.name}` };
  return lane.name ? { title: lane.name, kind: lane.kind } : { title: KINDS[lane.kind] ?? lane.kind, kind: "" };
}

function node(name, attributes = {}, ...children) {
  const made = document.createElementNS(name === "svg" || SVG_NAMES.has(name) ? SVG : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
const SVG_NAMES = new Set(["g", "rect", "path", "text", "line", "clipPath", "circle"]);

function clock(micros, span = 0) {
  const digits = span && span > 20e6 ? 0 : span > 2e6 ? 1 : 3;
  const seconds = micros / 1e6;
  if (seconds < 120) return `${seconds.toFixed(digits)}s`;
  return `${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}s`;
}

// Where a call that took long draws its line from "sent" to "answered".
const REACH = { ok: -14, refused: 14, unknown: 0, without: 14, revoked: 0, note: 8 };

// The text, cut so that it fits a width in pixels.
function fitting(text, width) {
  const room = Math.floor(width / 6.7);
  return text.length <= room ? text : room < 2 ? "" : `${text.slice(0, room - 1)}…`;
}

function showTip(content, event) {
  const tip = document.getElementById("tip");
  tip.replaceChildren(...content);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const below = event.clientY + 16;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below + box.height < innerHeight ? below : Math.max(8, event.clientY - box.height - 12)}px`;
}

function hideTip() {
  document.getElementById("tip").hidden = true;
}
