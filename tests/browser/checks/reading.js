// Whether everybody can read it: with a screen reader, in the dark, on a telephone, on paper.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { open, scenario, settled, wear } from "../bench.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What axe finds that keeps people from reading or using what is shown.
async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((one) => `${one.target} (${one.any[0]?.message ?? one.failureSummary})`).join("; ")}`);
}

const accessible = (bench, theme) =>
  bench.visit({ theme }, async (page) => {
    assert.equal(await page.evaluate((name) => matchMedia(`(prefers-color-scheme: ${name})`).matches, theme), true);
    for (const tab of ["scenario", "guarantee", "server", "fault"]) {
      await page.click(`#tab-${tab}`);
      assert.deepEqual(await findings(page), [], `the overview by ${tab}`);
    }
    await open(page, await scenario(page, "A revocation ends the sessions"));
    await page.click(".view.open button.seq");
    await page.click(".view.open .steps .line a");
    await settled(page);
    assert.deepEqual(await findings(page), [], "a scenario");
  });

// What stands further right than the page is wide, other than within something that can be scrolled.
const outside = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolled = (element) => element.parentElement.closest(".scroll") !== null;
    const out = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility() && !(one instanceof SVGElement && !(one instanceof SVGSVGElement)))
      .filter((one) => !scrolled(one) && !one.closest(".skip") && one.getBoundingClientRect().right > width + 0.5)
      .map((one) => `${one.tagName}.${one.getAttribute("class")} to ${one.getBoundingClientRect().right}`);
    return { out, wide: document.documentElement.scrollWidth - width };
  });

export default {
  "axe finds nothing serious on the light page": (bench) => accessible(bench, "light"),

  "axe finds nothing serious on the dark page": (bench) => accessible(bench, "dark"),

  "a page of 375 pixels scrolls in one direction only": (bench) =>
    bench.visit({ width: 375, height: 800 }, async (page) => {
      for (const id of await page.$$eval(".view", (all) => all.map((view) => view.id))) {
        await open(page, id);
        assert.deepEqual(await outside(page), { out: [], wide: 0 }, id);
      }
      await open(page, "overview");
      for (const tab of ["guarantee", "server", "fault"]) {
        await page.click(`#tab-${tab}`);
        assert.deepEqual(await outside(page), { out: [], wide: 0 }, tab);
      }
    }),

  "on a telephone a lane has its name above it and the picture the whole width": (bench) =>
    bench.visit({ width: 375, height: 800 }, async (page) => {
      const id = await scenario(page, "A revocation ends the sessions");
      await open(page, id);
      const seen = await page.evaluate((id) => {
        const timeline = timelines.drawn.get(document.getElementById(id));
        return { across: timeline.across, titled: timeline.shown.every((lane) => lane.title > 0) };
      }, id);
      assert.ok(seen.across > 300 && seen.titled, JSON.stringify(seen));
    }),

  "on paper nothing is cut and nothing is left that only a screen needs": (bench) =>
    bench.visit({ theme: "dark" }, async (page) => {
      await open(page, await scenario(page, "A revocation ends the sessions"));
      // A4 without its margins.
      await page.setViewport({ width: 718, height: 1000 });
      await wear(page, { theme: "dark", media: "print" });
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      assert.deepEqual(await outside(page), { out: [], wide: 0 });
      const seen = await page.evaluate(() => {
        const visible = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility()).length;
        const cut = [...document.querySelectorAll(".scroll")].filter((one) => one.checkVisibility())
          .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1).map((one) => one.getAttribute("aria-label"));
        const picture = document.querySelector(".view.open:not(#overview) svg.picture");
        const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
        const box = picture.getBoundingClientRect();
        return { cut, tools: visible(".filters, .tabs, .copy, .bar-of-tools, #theme, nav"), views: visible(".view"),
          ground: getComputedStyle(document.body).backgroundColor, whole: Math.abs(box.width / width - box.height / height) < 0.01, tables: visible("[role=tabpanel]") };
      });
      assert.deepEqual(seen, { cut: [], tools: 0, views: 2, ground: "rgb(255, 255, 255)", whole: true, tables: 4 });
    }),

  "it can be printed": (bench) =>
    bench.visit({}, async (page) => {
      await open(page, await scenario(page, "A revocation ends the sessions"));
      const pdf = Buffer.from(await page.pdf({ format: "a4" }));
      assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
      const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
      assert.ok(pages >= 2 && pages <= 12, `${pages} pages`);
    }),
};
