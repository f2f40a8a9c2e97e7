// What an editor shows of a scenario file: the real yaml-language-server, spoken to as an editor does, over its standard
// input and output. Prints what it said as JSON; `tests/editor.rs` judges it.
//
//   node check.mjs FOLDER < requests.json
//
// FOLDER holds the schemas. A request is {file, text, complete: [[line, character], …], hover: […]}; lines count from 0.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const LONGEST = 60_000;
const folder = resolve(process.argv[2]);
const requests = JSON.parse(readFileSync(0, "utf8"));
const program = join(createRequire(import.meta.url).resolve("yaml-language-server/package.json"), "../bin/yaml-language-server");
const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const end = setTimeout(() => fail(`no answer within ${LONGEST / 1000} s`), LONGEST);
server.on("exit", (code) => fail(`the language server ended by itself: ${code}`));

function fail(why) {
  console.error(why);
  server.removeAllListeners("exit");
  server.kill();
  process.exit(1);
}

let next = 1;
const waiting = new Map();
const diagnosed = new Map();

function send(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const notify = (method, params) => send({ method, params });
const ask = (method, params) =>
  new Promise((answered) => {
    waiting.set(next, answered);
    send({ id: next++, method, params });
  });

let received = Buffer.alloc(0);
server.stdout.on("data", (chunk) => {
  received = Buffer.concat([received, chunk]);
  for (;;) {
    const head = received.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(received.subarray(0, head).toString())[1]);
    if (received.length < head + 4 + length) return;
    const message = JSON.parse(received.subarray(head + 4, head + 4 + length).toString());
    received = received.subarray(head + 4 + length);
    take(message);
  }
});

function take(message) {
  if (message.method && message.id !== undefined) {
    // What the server asks an editor: how it is set up, and leave to register things.
    const settings = () => ({ validate: true, hover: true, completion: true, schemaStore: { enable: false } });
    send({ id: message.id, result: message.method === "workspace/configuration" ? message.params.items.map(settings) : null });
  } else if (message.method === "textDocument/publishDiagnostics") {
    const { uri, diagnostics } = message.params;
    diagnosed.get(uri)?.(diagnostics);
  } else if (waiting.has(message.id)) {
    if (message.error) fail(`refused: ${message.error.message}`);
    waiting.get(message.id)(message.result);
    waiting.delete(message.id);
  }
}

const root = pathToFileURL(folder).href;
await ask("initialize", {
  processId: process.pid,
  rootUri: root,
  workspaceFolders: [{ uri: root, name: "scenarios" }],
  capabilities: { workspace: { configuration: true }, textDocument: { hover: { contentFormat: ["markdown"] } } },
});
notify("initialized", {});

const answers = [];
for (const { file, text, complete = [], hover = [] } of requests) {
  const uri = pathToFileURL(join(folder, file)).href;
  const found = new Promise((heard) => diagnosed.set(uri, heard));
  notify("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
  const at = ([line, character]) => ({ textDocument: { uri }, position: { line, character } });
  const diagnostics = (await found).map(({ range, message }) => ({ line: range.start.line, message }));
  const completions = [];
  for (const place of complete) {
    const { items } = await ask("textDocument/completion", at(place));
    completions.push(items.map(({ label }) => label));
  }
  const hovers = [];
  for (const place of hover) hovers.push((await ask("textDocument/hover", at(place)))?.contents?.value ?? "");
  answers.push({ file, diagnostics, completions, hovers });
}

clearTimeout(end);
server.removeAllListeners("exit");
await ask("shutdown");
notify("exit");
process.stdout.write(JSON.stringify(answers, null, 1) + "\n", () => process.exit(0));
