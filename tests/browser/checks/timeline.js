// The timeline of a scenario: its lanes, and what the pointer and the keys do to it.
import assert from "node:assert/strict";
import { open, scenario, settled } from "../bench.js";

const STORY = "A revocation ends the sessions";

// Opens the scenario in which most happens.
const story = (bench, look, options = {}) =>
  bench.visit(options, async (page, seen) => {
    const id = await scenario(page, STORY);
    await open(page, id);
    await look(page, id, seen);
  });

const axis = (page) => page.$$eval(".view.open svg.picture text.axis", (all) => all.map((text) => text.textContent));

// Where something is on the screen, and the raw event that it stands for, by what the page itself knows.
const spot = (page, kind, mark, id) =>
  page.evaluate((kind, mark, id) => {
    const timeline = timelines.drawn.get(document.getElementById(id));
    const lane = timeline.shown.find((one) => one.kind === kind && one.ticks.some((tick) => tick.mark === mark));
    const tick = lane.ticks.find((one) => one.mark === mark);
    timeline.picture.scrollIntoView({ block: "center" });
    const box = timeline.picture.getBoundingClientRect();
    return { seq: tick.seq, x: box.left + timeline.x(tick.at.answered), y: box.top + lane.middle, entry: timeline.entries.get(tick.seq).entry };
  }, kind, mark, id);

const chosen = (page, id) =>
  page.evaluate((id) => {
    const { chosen } = timelines.drawn.get(document.getElementById(id));
    return chosen && { kind: chosen.lane.kind, name: chosen.lane.name, at: chosen.at, seq: chosen.thing.seq };
  }, id);

export default {
  "there is a lane for phases, steps, faults, health, servers, users, latency, probe, clients, sessions and credentials": (bench) =>
    story(bench, async (page, id) => {
      const kinds = await page.evaluate((id) => timelines.drawn.get(document.getElementById(id)).shown.map((lane) => lane.kind), id);
      const order = ["phases", "steps", "faults", "health", "vault", "target", "principals", "latency", "probe", "client", "session", "credential"];
      assert.deepEqual([...new Set(kinds)], order);
      const texts = await page.$$eval(`#${id} svg.picture text`, (all) => all.map((text) => text.textContent));
      for (const label of ["phases", "health", "sealed", "active", "users at target", "calls of vault", "calls of target", "web", "pooled", "cred"]) {
        assert.ok(texts.includes(label), `“${label}” is written in the picture: ${texts.join(" | ")}`);
      }
    }),

  "each node of a cluster has a lane of its own": (bench) =>
    bench.visit({}, async (page) => {
      const id = await scenario(page, "leader of a cluster");
      await open(page, id);
      const lanes = await page.evaluate((id) => timelines.drawn.get(document.getElementById(id)).shown.map((lane) => `${lane.kind} ${lane.name}`), id);
      assert.ok(lanes.filter((lane) => /^vault .+/.test(lane)).length >= 3, lanes.join(", "));
    }),

  "a fault shades its own time over every lane, and calls in it stand where their latency puts them": (bench) =>
    story(bench, async (page, id) => {
      const seen = await page.evaluate((id) => {
        const timeline = timelines.drawn.get(document.getElementById(id));
        const windows = [...timeline.picture.querySelectorAll("rect.window")].map((rect) => ({ x: +rect.getAttribute("x"), width: +rect.getAttribute("width"), height: +rect.getAttribute("height") }));
        const expected = timeline.windows.map((window) => ({ from: timeline.x(window.from), to: timeline.x(window.to) }));
        const lane = timeline.shown.find((one) => one.kind === "latency");
        const [quick, slow] = [[...lane.ticks].sort((a, b) => took(a) - took(b))[0], [...lane.ticks].sort((a, b) => took(b) - took(a))[0]];
        const last = timeline.shown.at(-1);
        return { windows, expected, end: last.top + last.height, quick: levelOf(lane, took(quick)), slow: levelOf(lane, took(slow)), ratio: took(slow) / took(quick),
          dots: timeline.picture.querySelectorAll("path.dot-ok").length };
      }, id);
      assert.equal(seen.windows.length, 2);
      for (const [index, window] of seen.windows.entries()) {
        assert.ok(Math.abs(window.x - seen.expected[index].from) < 1 && Math.abs(window.x + window.width - seen.expected[index].to) < 1);
        assert.ok(window.height + 20 >= seen.end, "down to the last lane");
      }
      assert.ok(seen.ratio > 10 && seen.slow < seen.quick - 10, `a slow call stands higher: ${JSON.stringify(seen)}`);
      assert.equal(seen.dots, 2);
    }),

  "pointing at an event shows it raw, and leaving it hides it": (bench) =>
    story(bench, async (page, id) => {
      const at = await spot(page, "client", "refused", id);
      await page.mouse.move(at.x, at.y + 9);
      const shown = JSON.parse(await page.$eval("#tip pre", (pre) => pre.textContent));
      assert.ok(await page.$eval("#tip", (tip) => tip.checkVisibility()));
      assert.deepEqual(shown, at.entry);
      const box = await page.$eval("#tip", (tip) => tip.getBoundingClientRect().toJSON());
      assert.ok(box.left >= 0 && box.right <= 1280 && box.top >= 0 && box.bottom <= 900, "all of it is on the screen");
      await page.mouse.move(3, at.y);
      assert.ok(!(await page.$eval("#tip", (tip) => tip.checkVisibility())));
    }),

  "a click keeps an event and cuts the logs to its moment, and a log line leads back": (bench) =>
    story(bench, async (page, id) => {
      const whole = await page.$eval(`#${id} .logs .hint`, (hint) => hint.textContent);
      assert.match(whole, /of the whole run/);
      const at = await spot(page, "vault", "revoked", id);
      await page.mouse.click(at.x, at.y);
      await settled(page);
      const told = await page.$eval(`#${id} .event pre`, (pre) => JSON.parse(pre.textContent).seq);
      assert.equal(told, at.seq);
      const lines = await page.$$eval(`#${id} .log tr`, (all) => all.map((row) => ({ at: +row.querySelector(".moment").dataset.moment, text: row.textContent })));
      assert.match(await page.$eval(`#${id} .logs .hint`, (hint) => hint.textContent), new RegExp(`around event #${at.seq}`));
      assert.ok(lines.length > 0);
      for (const line of lines) assert.ok(line.at >= at.entry.at.sent - 1e6 && line.at <= at.entry.at.answered + 1e6, line.text);
      await page.select(`#${id} .logs select`, "postgres");
      assert.ok((await page.$$eval(`#${id} .log .name`, (all) => all.map((cell) => cell.textContent))).every((name) => name === "postgres"));
      await page.select(`#${id} .logs select`, "");
      await page.click(`#${id} .log tr:last-child .moment`);
      await settled(page);
      const range = await page.evaluate((id) => timelines.drawn.get(document.getElementById(id)).range, id);
      assert.equal(range.from, lines.at(-1).at);
    }),

  "arrows go through events and lanes, plus, minus and 0 zoom, and Escape lets go": (bench) =>
    story(bench, async (page, id) => {
      const before = await axis(page);
      await page.$eval(`#${id} svg.picture`, (picture) => picture.focus());
      await page.keyboard.press("ArrowDown");
      const first = await chosen(page, id);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      const health = await chosen(page, id);
      assert.deepEqual([first.kind, health.kind], ["phases", "health"]);
      await page.keyboard.press("ArrowRight");
      const next = await chosen(page, id);
      assert.ok(next.kind === "health" && next.at > health.at && next.seq > health.seq);
      await page.keyboard.press("ArrowLeft");
      assert.deepEqual(await chosen(page, id), health);
      await page.keyboard.press("+");
      await page.keyboard.press("+");
      await settled(page);
      const near = await axis(page);
      assert.notDeepEqual(near, before);
      await page.keyboard.press("-");
      await settled(page);
      assert.notDeepEqual(await axis(page), near);
      await page.keyboard.press("0");
      await settled(page);
      assert.deepEqual(await axis(page), before);
      assert.ok(await page.$eval(`#${id} .event`, (event) => event.checkVisibility()));
      await page.keyboard.press("Escape");
      assert.equal(await chosen(page, id), null);
      assert.ok(!(await page.$eval(`#${id} .event`, (event) => event.checkVisibility())));
    }),

  "dragging zooms to what was dragged over, the buttons zoom too, and a double click shows all": (bench) =>
    story(bench, async (page, id) => {
      const before = await axis(page);
      const place = () => page.$eval(`#${id} svg.picture`, (svg) => { svg.scrollIntoView({ block: "start" }); return svg.getBoundingClientRect().toJSON(); });
      const box = await place();
      const [from, to] = [box.left + 400, box.left + 700];
      const wanted = await page.evaluate((id, from, to) => [from, to].map((x) => timelines.drawn.get(document.getElementById(id)).moment(x)), id, 400, 700);
      await page.mouse.move(from, box.top + 12);
      await page.mouse.down();
      await page.mouse.move(to, box.top + 12, { steps: 4 });
      await page.mouse.up();
      await settled(page);
      const view = await page.evaluate((id) => timelines.drawn.get(document.getElementById(id)).view, id);
      assert.ok(Math.abs(view.from - wanted[0]) < 1e5 && Math.abs(view.to - wanted[1]) < 1e5, JSON.stringify({ view, wanted }));
      const dragged = await axis(page);
      assert.notDeepEqual(dragged, before);
      await page.click(`#${id} .zoom button[aria-label="zoom in"]`);
      await settled(page);
      assert.notDeepEqual(await axis(page), dragged);
      await page.mouse.click(from, (await place()).top + 12, { count: 2 });
      await settled(page);
      assert.deepEqual(await axis(page), before);
    }),

  "a step shades its time in the picture and leads to its line of the scenario file": (bench) =>
    story(bench, async (page, id) => {
      const row = await page.$(`#${id} .steps tr.violated`);
      await (await row.$("button.step")).click();
      await settled(page);
      const shaded = await page.$eval(`#${id} rect.range`, (rect) => +rect.getAttribute("width"));
      assert.ok(shaded > 5);
      assert.ok(await row.evaluate((element) => element.classList.contains("chosen-step")));
      const line = await row.evaluate((element) => element.querySelector(".line code").textContent.trim());
      await (await row.$(".line a")).click();
      await page.waitForSelector(`#${id} .source li.aimed`);
      const aimed = await page.$eval(`#${id} .source li.aimed`, (item) => {
        const box = item.getBoundingClientRect();
        return { text: item.querySelector("code").textContent.trim(), open: item.closest("details").open, seen: box.top >= 0 && box.bottom <= innerHeight, verdict: item.className };
      });
      assert.equal(aimed.text, line);
      assert.ok(aimed.open && aimed.seen && aimed.verdict.includes("violated"));
      // And back: the number at the line leads to the picture.
      await page.click(`#${id} .source li.aimed button.step`);
      await settled(page);
      const inView = await page.$eval(`#${id} .timeline`, (place) => { const box = place.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight; });
      assert.ok(inView);
    }),

  "a step that is clicked in the picture is marked in the list": (bench) =>
    story(bench, async (page, id) => {
      const box = await page.$eval(`#${id} rect.b-violated`, (rect) => { rect.scrollIntoView({ block: "center" }); return rect.getBoundingClientRect().toJSON(); });
      await page.mouse.click(box.left + box.width / 2, box.top + box.height / 2);
      await settled(page);
      const marked = await page.$$eval(`#${id} .steps tr.chosen-step`, (all) => all.map((row) => row.classList.contains("violated")));
      assert.deepEqual(marked, [true]);
    }),

  "the number of an event behind a verdict leads to that event": (bench) =>
    story(bench, async (page, id) => {
      const seq = await page.$eval(`#${id} button.seq`, (button) => { button.click(); return +button.dataset.seq; });
      await settled(page);
      assert.equal((await chosen(page, id)).seq, seq);
      assert.ok(await page.$eval(`#${id} line.chosen`, (line) => line.checkVisibility()));
    }),
};
