// The overview: filters, groups and keys.
import assert from "node:assert/strict";
import { rows, settled } from "../bench.js";

const only = (all, key, value) => assert.ok(all.length > 0 && all.every((row) => [row[key]].flat().includes(value)), `${key} ${value}: ${JSON.stringify(all)}`);

export default {
  "a verdict's tile hides the scenarios of other verdicts, and pressed again it shows them": (bench) =>
    bench.visit({}, async (page) => {
      const all = await rows(page);
      await page.click(".tile[data-result=violated]");
      const violated = await rows(page);
      only(violated, "result", "violated");
      assert.ok(violated.length < all.length);
      const told = await page.$eval(".filters output", (output) => output.value);
      assert.equal(told, `${violated.length} of ${all.length} shown`);
      await page.click(".tile[data-result=held]");
      assert.equal((await rows(page)).length, all.length, "two tiles show both");
      await page.click(".tile[data-result=held]");
      await page.click(".tile[data-result=violated]");
      assert.deepEqual(await rows(page), all);
    }),

  "text, promise, server and fault narrow the list, and what fits nothing can be cleared": (bench) =>
    bench.visit({}, async (page) => {
      const all = await rows(page);
      for (const [filter, key] of [["guarantee", "guarantees"], ["server", "server"], ["fault", "faults"]]) {
        const value = await page.$eval(`select[name=${filter}]`, (select) => select.options[1].value);
        await page.select(`select[name=${filter}]`, value);
        const shown = await rows(page);
        only(shown, key, value);
        assert.ok(shown.length < all.length, filter);
        await page.select(`select[name=${filter}]`, "");
      }
      await page.type("input[name=text]", "ROOT password");
      assert.ok((await rows(page)).every((row) => row.name.includes("root password")));
      await page.type("input[name=text]", " nothing has this");
      assert.deepEqual(await rows(page), []);
      assert.ok(await page.$eval(".empty", (empty) => empty.checkVisibility()));
      await page.click(".clear");
      assert.deepEqual(await rows(page), all);
    }),

  "promises, servers and faults have their verdicts, and one of them filters the list": (bench) =>
    bench.visit({}, async (page) => {
      const visible = () => page.$$eval("[role=tabpanel]", (all) => all.filter((panel) => panel.checkVisibility()).map((panel) => panel.id));
      assert.deepEqual(await visible(), ["by-scenario"]);
      await page.click("#tab-guarantee");
      assert.deepEqual(await visible(), ["by-guarantee"]);
      await page.keyboard.press("ArrowRight");
      assert.deepEqual(await visible(), ["by-server"]);
      const servers = await page.$$eval("#by-server tbody tr", (all) => all.map((row) => row.innerText.replace(/\s+/g, " ")));
      assert.deepEqual(servers.map((text) => /1 violated 4 held/.test(text)), [true, true], JSON.stringify(servers));
      await page.keyboard.press("End");
      assert.deepEqual(await visible(), ["by-fault"]);
      const name = await page.$eval("#by-fault .group", (button) => button.textContent);
      await page.click("#by-fault .group");
      assert.deepEqual(await visible(), ["by-scenario"]);
      only(await rows(page), "faults", name);
    }),

  "the list can be searched, walked through and opened with keys alone, and back leads back": (bench) =>
    bench.visit({}, async (page) => {
      const focused = () => page.evaluate(() => document.activeElement.name || document.activeElement.textContent);
      await page.keyboard.press("/");
      assert.equal(await focused(), "text");
      await page.keyboard.type("lease");
      const names = (await rows(page)).map((row) => row.name);
      await page.keyboard.press("ArrowDown");
      assert.equal(await focused(), names[0]);
      await page.keyboard.press("ArrowDown");
      assert.equal(await focused(), names[1]);
      await page.keyboard.press("End");
      await page.keyboard.press("ArrowUp");
      assert.equal(await focused(), names.at(-2));
      await page.keyboard.press("Enter");
      await page.waitForSelector(".view.scenario.open");
      assert.equal(await page.$eval(".view.open h2", (heading) => heading.textContent), names.at(-2));
      assert.equal(await focused(), names.at(-2), "the focus is where the reader is");
      await page.goBack();
      await page.waitForSelector("#overview.open");
      await settled(page);
      assert.equal(await focused(), names.at(-2), "and back in the row that led there");
    }),

  "the theme can be switched and is kept": (bench) =>
    bench.visit({ theme: "light" }, async (page) => {
      const ground = () => page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
      const light = await ground();
      await page.click("#theme");
      const dark = await ground();
      assert.notEqual(dark, light);
      await page.reload();
      assert.equal(await ground(), dark);
      await page.click("#theme");
      assert.equal(await ground(), light);
    }),
};
