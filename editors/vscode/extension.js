// The client of `pallas lsp` for VS Code. There is no build step: `npm install` fetches the library.

const { commands, window, workspace } = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

function start() {
  const settings = workspace.getConfiguration("pallas");
  const command = settings.get("path", "pallas");
  const args = ["lsp", ...settings.get("lspArguments", [])];
  const server = { command, args, transport: TransportKind.stdio };
  const options = {
    documentSelector: [{ language: "sire" }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.sire") },
  };
  client = new LanguageClient("pallas", "Sire", server, options);
  return client.start().catch((error) => {
    window.showErrorMessage(`The language server of Sire does not start: ${error.message}`);
  });
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand("pallas.restart", async () => {
      await client?.stop();
      await start();
    }),
  );
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
