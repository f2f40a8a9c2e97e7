// What the page loads, and what it may do.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { createServer } from "node:http";
import { open } from "../bench.js";

export default {
  "the page asks for nothing but itself and goes through every scenario without an error": (bench) =>
    bench.visit({}, async (page) => {
      const ids = await page.$$eval(".view.scenario", (all) => all.map((view) => view.id));
      assert.ok(ids.length >= 8, `${ids.length} scenarios`);
      for (const id of ids) {
        await open(page, id);
        const lanes = await page.$$eval(`#${id} svg.picture text`, (texts) => texts.length);
        assert.ok(lanes > 10, `the timeline of ${id} is drawn`);
      }
    }),

  "the policy allows the page's own script and style and nothing else": (bench) =>
    bench.visit({ loud: true }, async (page) => {
      const policy = await page.$eval("meta[http-equiv=Content-Security-Policy]", (meta) => meta.content);
      assert.match(policy, /^default-src 'none'; style-src 'nonce-\w+'; script-src 'nonce-\w+'; base-uri 'none'; form-action 'none'$/);
      // Somebody listens, so that what got through would be seen.
      let calls = 0;
      const server = createServer((_, answer) => { calls += 1; answer.end(); }).listen(0, "127.0.0.1");
      await new Promise((done) => server.once("listening", done));
      const refused = await page.evaluate(async (address) => {
        const violations = [];
        document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
        const image = document.createElement("img");
        const failed = new Promise((done) => { image.onerror = done; });
        image.src = `${address}x.png`;
        document.body.append(image);
        document.body.setAttribute("style", "color: red");
        await Promise.all([failed, fetch(address).catch(() => {})]);
        return { title: document.title, violations: [...new Set(violations)].sort() };
      }, `http://127.0.0.1:${server.address().port}/`);
      server.close();
      assert.notEqual(refused.title, "owned");
      assert.deepEqual(refused.violations, ["connect-src", "img-src", "script-src-elem", "style-src-attr"]);
      assert.equal(calls, 0, "nothing was sent");
    }),

  "markup in names, reasons, steps, faults and events stays text": (bench) =>
    bench.visit({ report: "hostile" }, async (page) => {
      for (const id of await page.$$eval(".view", (all) => all.map((view) => view.id))) await open(page, id);
      const seen = await page.evaluate(() => ({
        title: document.title, images: document.images.length, scripts: document.querySelectorAll("script:not([nonce])").length,
        links: document.querySelectorAll("a[href^='javascript:']").length, text: document.querySelector("h2").textContent,
      }));
      assert.ok(seen.text.includes("</script><script>"), "the text itself is shown");
      assert.ok(!seen.title.includes("owned"));
      assert.deepEqual([seen.images, seen.scripts, seen.links], [0, 0, 0]);
    }),

  "a report of 200 scenarios and 100,000 events draws nothing before it is asked to": (bench) =>
    bench.visit({ report: "big" }, async (page) => {
      const before = await page.evaluate(() => ({ rows: document.querySelectorAll(".results tbody tr").length, pictures: document.querySelectorAll("svg.picture").length }));
      assert.deepEqual(before, { rows: 200, pictures: 0 });
      const events = await page.evaluate(() => [...document.querySelectorAll("script[type='application/json']")].reduce((sum, one) => sum + JSON.parse(one.textContent).entries.length, 0));
      assert.ok(events >= 100_000, `${events} events`);
      // The first is the one with half of them all.
      await open(page, "s0");
      const drawn = await page.$eval("#s0", (view) => ({ picture: view.querySelectorAll("svg.picture *").length, lines: view.querySelectorAll(".log tr").length }));
      assert.ok(drawn.picture > 50 && drawn.picture < 10_000, `a picture of ${drawn.picture} elements for 50,000 events`);
      assert.ok(drawn.lines <= 120, `${drawn.lines} log lines`);
    }),

  "a big report is on the screen and filtered in no more than its size makes of a small one's time": async (bench) => {
    const small = await times(bench, "real");
    const big = await times(bench, "big");
    const size = statSync(bench.file("big")).size / statSync(bench.file("real")).size;
    const told = JSON.stringify({ small, big, size });
    assert.ok(big.paint < small.paint * size * 2 + 100, `first paint grows as the file does: ${told}`);
    assert.ok(big.filter < small.filter * (big.rows / small.rows) * 5 + 20, `a filter's answer grows as the list does: ${told}`);
  },
};

// The middle of five, since a busy machine makes single ones long.
const middle = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function times(bench, report) {
  const paints = [];
  let filters = [];
  let rows = 0;
  for (let round = 0; round < 3; round += 1) {
    await bench.visit({ report }, async (page) => {
      paints.push(await page.evaluate(() => new Promise((done) => {
        const seen = (list) => list.getEntriesByName("first-contentful-paint").forEach((paint) => done(paint.startTime));
        new PerformanceObserver(seen).observe({ type: "paint", buffered: true });
      })));
      const answered = await page.evaluate(() => {
        const input = document.querySelector(".filters input[name=text]");
        const took = (word) => {
          const began = performance.now();
          input.value = word;
          input.dispatchEvent(new Event("input", { bubbles: true }));
          document.body.getBoundingClientRect();
          return performance.now() - began;
        };
        return { filters: ["lease", "zzz", "", "the", "revocation"].map(took), rows: document.querySelectorAll(".results tbody tr").length };
      });
      filters.push(...answered.filters);
      rows = answered.rows;
    });
  }
  return { paint: middle(paints), filter: middle(filters), rows };
}
