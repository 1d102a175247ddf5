// A stand-in for the module `vscode`: as much of an editor as the client of a language server uses. It has
// one text, and keeps what the client shows. Any other name is a class whose values keep the arguments that they were made of.

class Position {
  constructor(line, character) {
    this.line = line;
    this.character = character;
  }
}

class Range {
  constructor(start, end, endLine, endCharacter) {
    const isNumbers = typeof start === "number";
    this.start = isNumbers ? new Position(start, end) : start;
    this.end = isNumbers ? new Position(endLine, endCharacter) : end;
  }
}

class Disposable {
  constructor(dispose) {
    this.dispose = dispose ?? (() => {});
  }
}

class EventEmitter {
  constructor() {
    this.listeners = [];
    this.event = (listener, self) => {
      const call = (value) => listener.call(self, value);
      this.listeners.push(call);
      return new Disposable(() => (this.listeners = this.listeners.filter((it) => it !== call)));
    };
  }
  fire(value) {
    for (const listener of this.listeners) listener(value);
  }
  dispose() {
    this.listeners = [];
  }
}

class Uri {
  constructor(path) {
    this.scheme = "file";
    this.authority = "";
    this.query = "";
    this.fragment = "";
    this.path = path;
    this.fsPath = path;
  }
  static file(path) {
    return new Uri(path);
  }
  static parse(text) {
    return new Uri(decodeURIComponent(text.replace(/^file:\/\//, "")));
  }
  toString() {
    return `file://${this.path}`;
  }
  with(change) {
    return new Uri(change.path ?? this.path);
  }
}

class CancellationTokenSource {
  constructor() {
    this.token = { isCancellationRequested: false, onCancellationRequested: () => new Disposable() };
  }
  cancel() {}
  dispose() {}
}

class Diagnostic {
  constructor(range, message, severity) {
    this.range = range;
    this.message = message;
    this.severity = severity;
  }
}

// A class whose values keep the arguments of their constructor.
const kept = () =>
  class {
    constructor(...args) {
      this.args = args;
    }
  };

// A text that is open.
class TextDocument {
  constructor(path, text) {
    this.uri = Uri.file(path);
    this.fileName = path;
    this.languageId = "sire";
    this.version = 1;
    this.isClosed = false;
    this.text = text;
  }
  getText() {
    return this.text;
  }
}

// The editor: its settings, the folder of the project, and what it has been told.
function makeEditor(settings, folder) {
  const editor = { commands: new Map(), diagnostics: new Map(), providers: {}, errors: [] };
  const events = new Map();
  const event = (name) => {
    if (!events.has(name)) events.set(name, new EventEmitter());
    return events.get(name);
  };

  // A namespace: `on...` are events, `register...Provider` keeps the provider, other functions do nothing.
  const namespace = (name, members) =>
    new Proxy(members, {
      get(_, key) {
        if (key in members || typeof key !== "string") return members[key];
        if (/^on(Did|Will)/.test(key)) return event(`${name}.${key}`).event;
        if (/^register.*Provider$/.test(key)) {
          return (_selector, provider) => {
            editor.providers[key] = provider;
            return new Disposable();
          };
        }
        return () => undefined;
      },
    });

  const workspace = namespace("workspace", {
    textDocuments: [],
    notebookDocuments: [],
    workspaceFolders: [{ uri: Uri.file(folder), name: "project", index: 0 }],
    getConfiguration: () => ({ get: (key, value) => settings[key] ?? value }),
    createFileSystemWatcher: () => ({
      onDidCreate: () => new Disposable(),
      onDidChange: () => new Disposable(),
      onDidDelete: () => new Disposable(),
      dispose() {},
    }),
    getWorkspaceFolder: () => ({ uri: Uri.file(folder), name: "project", index: 0 }),
  });

  const output = { append() {}, appendLine() {}, clear() {}, show() {}, hide() {}, dispose() {}, replace() {} };
  const log = { ...output, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
  const vscode = {
    version: "1.95.0",
    env: namespace("env", { appName: "test", language: "en" }),
    Position, Range, Disposable, EventEmitter, Uri, CancellationTokenSource, Diagnostic,
    workspace,
    window: namespace("window", {
      createOutputChannel: () => log,
      showErrorMessage: async (message) => void editor.errors.push(message),
      tabGroups: namespace("tabGroups", { all: [] }),
      visibleTextEditors: [],
      activeTextEditor: undefined,
    }),
    commands: namespace("commands", {
      registerCommand: (name, run) => {
        editor.commands.set(name, run);
        return new Disposable(() => editor.commands.delete(name));
      },
    }),
    languages: namespace("languages", {
      match: (selector, document) => (document.languageId === "sire" ? 10 : 0),
      createDiagnosticCollection: () => ({
        set: (uri, found) => editor.diagnostics.set(uri.toString(), found ?? []),
        delete: (uri) => editor.diagnostics.delete(uri.toString()),
        clear: () => editor.diagnostics.clear(),
        dispose() {},
      }),
    }),
  };
  // Classes and enumerations that are only made, extended or compared. A value keeps what it was made of.
  const known = new Map();
  editor.vscode = new Proxy(vscode, {
    get(_, key) {
      if (key in vscode || typeof key !== "string") return vscode[key];
      if (!known.has(key)) known.set(key, kept());
      return known.get(key);
    },
  });
  editor.open = (path, text) => {
    const document = new TextDocument(path, text);
    workspace.textDocuments.push(document);
    event("workspace.onDidOpenTextDocument").fire(document);
    return document;
  };
  return editor;
}

module.exports = { makeEditor, Position };
