// Takes the pictures that the documentation shows: `node pictures.js <folder with real/report.html> <folder for them>`.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Bench, open, scenario, settled } from "./bench.js";

const [from, into] = process.argv.slice(2);
const bench = await Bench.begin(from);
const target = resolve(into);
mkdirSync(target, { recursive: true });

const take = (name, options, part) =>
  bench.visit(options, async (page) => {
    if (part) await open(page, await scenario(page, part));
    if (part && options.media !== "print") await page.click(".view.open .steps tr.violated button.step");
    if (part) await page.evaluate(() => scrollTo(0, 0));
    await settled(page);
    if (options.scroll) await page.$eval(options.scroll, (element) => scrollTo(0, element.getBoundingClientRect().top + scrollY - 12));
    await settled(page);
    await page.screenshot({ path: join(target, `${name}.png`), optimizeForSpeed: false });
  });

const STORY = "A revocation ends the sessions";
await take("overview", { width: 1180, height: 860 });
await take("light", { width: 1180, height: 1060, scroll: ".view.open .timeline" }, STORY);
await take("dark", { width: 1180, height: 1060, theme: "dark", scroll: ".view.open .timeline" }, STORY);
await take("narrow", { width: 375, height: 900, scroll: ".view.open .timeline" }, STORY);
await take("printed", { width: 718, height: 1000, media: "print", scroll: ".view.open.scenario" }, STORY);
await bench.end();
