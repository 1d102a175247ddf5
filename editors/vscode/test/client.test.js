// The extension with a stand-in for the editor (`editor.js`), the library `vscode-languageclient` and the real
// server. It shows that the extension starts and ends the server, and that diagnostics and hovers pass through
// the library. It does not show what VS Code does with them.
//
//     npm install && PALLAS=../../target/debug/pallas npm test

const assert = require("node:assert/strict");
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { makeEditor, Position } = require("./editor.js");

const PALLAS = path.resolve(process.env.PALLAS ?? "pallas");
const TEXT = "#### app\n\n:| prelude\n\n;; Twice a number.\n= (twice x) | add x x\n\n= wrong | twicee 3\n";

async function until(condition) {
  for (;;) {
    const value = await condition();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 50));
  }
}

test("diagnostics and hovers come from the server, which is restarted and ended", { timeout: 240_000 }, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pallas-vscode-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  process.env.PALLAS_DIR = path.join(folder, "cache");
  const editor = makeEditor({ path: PALLAS, lspArguments: ["--delay", "10ms"] }, folder);
  const load = Module._load;
  Module._load = (name, ...rest) => (name === "vscode" ? editor.vscode : load(name, ...rest));
  const { activate, deactivate } = require("../extension.js");

  const context = { subscriptions: [] };
  await activate(context);
  assert.deepEqual(editor.errors, []);
  const document = editor.open(path.join(folder, "app.sire"), TEXT);
  const shown = () => (editor.diagnostics.get(document.uri.toString()) ?? []).map((it) => it.message);
  const messages = await until(() => shown().length > 0 && shown());
  assert.match(messages.join("\n"), /twicee/);

  const token = new editor.vscode.CancellationTokenSource().token;
  const hover = await until(() =>
    editor.providers.registerHoverProvider?.provideHover(document, new Position(5, 4), token));
  assert.match(JSON.stringify(hover), /Twice a number/);

  assert.ok(editor.commands.has("pallas.restart"));
  editor.diagnostics.clear();
  await editor.commands.get("pallas.restart")();
  await until(() => shown().length > 0);
  await deactivate();
  assert.deepEqual(editor.errors, []);
});
