// A Chromium, and the pages that are looked at in it. Whatever a check does with a page: the page may load nothing, and
// nothing may go wrong in it unseen.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

// Where the browser is: LEASEPROOF_CHROMIUM, or on PATH under one of its names.
export function chromium() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  const path = process.env.LEASEPROOF_CHROMIUM ?? found;
  if (!path) throw new Error("no Chromium on PATH: install the package `chromium`, or name it in LEASEPROOF_CHROMIUM");
  return path;
}

export class Bench {
  static async begin(folder) {
    const bench = new Bench();
    bench.folder = resolve(folder);
    // As root there is no sandbox to be had, and the page is our own.
    bench.browser = await puppeteer.launch({ executablePath: chromium(), args: ["--no-sandbox", "--disable-gpu"] });
    return bench;
  }

  end() {
    return this.browser.close();
  }

  file(name) {
    return join(this.folder, name, "report.html");
  }

  // Opens a report, hands it to `look`, and asserts afterwards that all was quiet. `loud` is for checks that provoke.
  async visit({ report = "real", hash = "", width = 1280, height = 900, theme = "light", media = "screen", loud = false }, look) {
    const page = await this.browser.newPage();
    const url = `${pathToFileURL(this.file(report))}`;
    const seen = { requests: [], errors: [] };
    page.on("request", (request) => seen.requests.push(request.url().split("#")[0]));
    page.on("console", (message) => { if (["error", "warn"].includes(message.type())) seen.errors.push(message.text()); });
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    try {
      await page.setViewport({ width, height });
      await wear(page, { theme, media });
      await page.goto(url + hash, { waitUntil: "load" });
      await settled(page);
      await look(page, seen);
      await settled(page);
    } finally {
      await page.close();
    }
    if (loud) return;
    assert.deepEqual(seen.errors, [], "something went wrong in the page");
    assert.deepEqual([...new Set(seen.requests)], [url], "the page asked for something else than itself");
  }
}

// Theme and medium at once: told one after the other, Chromium forgets the one before.
export async function wear(page, { theme = "light", media = "screen" }) {
  const features = [{ name: "prefers-color-scheme", value: theme }, { name: "prefers-reduced-motion", value: "reduce" }];
  const session = await page.createCDPSession();
  await session.send("Emulation.setEmulatedMedia", { media, features });
}

// After two frames all that was asked to be drawn is drawn.
export function settled(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

export async function open(page, id) {
  await page.evaluate((to) => { location.hash = to; }, id);
  await page.waitForSelector(`#${id}.open`);
  await settled(page);
}

// The id of a scenario by part of its name: the worst comes first on the page.
export function scenario(page, part) {
  return page.$$eval(".view.scenario", (all, name) => all.find((one) => one.querySelector("h2").textContent.includes(name)).id, part);
}

// The rows of the overview's list that can be seen.
export function rows(page) {
  return page.$$eval(".results tbody tr", (all) => all.filter((row) => row.checkVisibility()).map((row) => ({
    name: row.querySelector("a").textContent, result: row.dataset.result, server: row.dataset.server,
    guarantees: row.dataset.guarantees.split(" "), faults: row.dataset.faults.split("\n"),
  })));
}
