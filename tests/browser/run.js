// Runs the checks in one headless Chromium and tells, a line of JSON each, what came of them. `--list` only names them.
import { readdirSync } from "node:fs";
import { Bench, chromium } from "./bench.js";

const files = readdirSync(new URL("checks/", import.meta.url)).filter((name) => name.endsWith(".js")).sort();
const checks = [];
for (const file of files) {
  const found = (await import(new URL(`checks/${file}`, import.meta.url))).default;
  for (const [name, run] of Object.entries(found)) checks.push({ name, run });
}

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
if (process.argv[2] === "--list") {
  try {
    chromium();
  } catch (error) {
    process.stderr.write(error.message);
    process.exit(1);
  }
  for (const { name } of checks) tell({ name });
} else {
  const only = process.argv[3];
  const bench = await Bench.begin(process.argv[2]);
  for (const { name, run } of checks.filter((check) => !only || check.name.includes(only))) {
    const error = await run(bench).then(() => null, (thrown) => `${thrown.message}\n${thrown.stack}`);
    tell({ name, error });
  }
  await bench.end();
}
