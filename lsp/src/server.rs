//! [`serve`]: routes the messages of a client.

mod capabilities;

use crate::documents::{OpenDocument, OpenDocuments};
use crate::evaluation_worker::{EvaluationWorker, WorkerEvent, WorkerMessage, WorkerSettings};
use crate::file_uri::path_of;
use crate::lens::{RUN_ASSERTION, RUN_ASSERTIONS};
use crate::library_files::LibraryFiles;
use crate::questions::{NameQuestion, QuestionKind};
use crate::syntax_worker::{
    self, Answer, SyntaxQuestion, SyntaxQuestionKind, json_value, response_error,
};
use crate::text_position::ColumnUnit;
use crate::watchdog::EvaluationWatchdog;
use anyhow::{Context, Result};
use capabilities::{capabilities, column_unit, roots};
use crossbeam_channel::{Sender, unbounded};
use lsp_server::{
    Connection, ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError,
};
use lsp_types::{
    CompletionItem, CompletionParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, ExecuteCommandParams,
    GotoDefinitionParams, HoverParams, InitializeParams, LogMessageParams, MessageType,
    PublishDiagnosticsParams, ReferenceParams, RenameParams, ShowMessageParams,
    SignatureHelpParams, TextDocumentIdentifier, TextDocumentPositionParams, Uri,
    WorkspaceSymbolParams,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sire::{LibraryImage, ModuleLibrary, Sire, SireOptions, SireOutput, SourceOverlay};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use vm::Vm;

/// Size of the native stack of the worker that evaluates, in bytes.
const STACK_SIZE: usize = 64 << 20;

/// How a language server runs.
pub struct LspOptions {
    /// Makes the runtime that evaluates. The worker calls it, and again if a runtime cannot be used any
    /// more.
    pub make_vm: Box<dyn Fn() -> Result<Vm> + Send>,
    /// The folder for caches: states of modules, and sources of the library.
    pub cache: PathBuf,
    /// The states of the library's modules that the program has, if it does.
    pub library_image: Option<&'static LibraryImage>,
    /// How long the evaluation of one block may take.
    pub time_limit: Duration,
    /// How long to wait for further edits before a text is analysed.
    pub delay: Duration,
}

/// Serves the client on standard input and output.
///
/// # Errors
///
/// If the client does not keep to the protocol, or a thread cannot be started.
pub fn serve_stdio(options: LspOptions) -> Result<()> {
    let (connection, threads) = Connection::stdio();
    let result = serve(connection, options);
    // The threads end with their channels. The one that reads ends with its input.
    if result.is_ok() {
        threads.join().context("cannot read or write a message")?;
    }
    result
}

/// Serves a client until it ends the server.
///
/// # Errors
///
/// Those of [`serve_stdio`].
pub fn serve(connection: Connection, options: LspOptions) -> Result<()> {
    let (id, params) = connection.initialize_start().context("the client sent no `initialize`")?;
    let params: InitializeParams =
        serde_json::from_value(params).context("the parameters of `initialize`")?;
    let unit = column_unit(&params);
    connection
        .initialize_finish(id, capabilities(unit))
        .context("the client sent no `initialized`")?;
    let watchdog = EvaluationWatchdog::start().context("cannot start a thread")?;
    let result = LanguageServer::start(&connection, options, &params, unit, watchdog.clone())
        .and_then(|mut server| server.run(&connection));
    watchdog.close();
    result
}

/// The requests that wait for an answer, each with the flag that cancels it.
type OpenRequests = HashMap<RequestId, Arc<AtomicBool>>;

struct LanguageServer {
    documents: OpenDocuments,
    overlay: SourceOverlay,
    roots: Vec<PathBuf>,
    delay: Duration,
    requests: OpenRequests,
    client: Sender<Message>,
    worker: Sender<WorkerMessage>,
    syntax: Sender<SyntaxQuestion>,
    events: crossbeam_channel::Receiver<WorkerEvent>,
    watchdog: EvaluationWatchdog,
    is_shut_down: bool,
}

/// The result of a request that is answered at once, or nothing if a worker answers it.
type RequestResult = Result<Option<Value>, ResponseError>;

impl LanguageServer {
    fn start(
        connection: &Connection,
        options: LspOptions,
        params: &InitializeParams,
        unit: ColumnUnit,
        watchdog: EvaluationWatchdog,
    ) -> Result<LanguageServer> {
        let roots = roots(params);
        let current = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let root = roots.first().cloned().unwrap_or_else(current);
        let overlay = SourceOverlay::default();
        let LspOptions { make_vm, cache, library_image, time_limit, delay } = options;
        let library = ModuleLibrary::new(root.join("sire")).with_overlay(overlay.clone());
        let settings = WorkerSettings {
            library: LibraryFiles::new(&cache),
            make_session: session_maker(make_vm, library, cache, library_image),
            unit,
            roots: roots.clone(),
            time_limit,
        };
        let (worker, worker_messages) = unbounded();
        let (syntax, syntax_questions) = unbounded();
        let (event_sender, events) = unbounded();
        let (worker_events, worker_watchdog) = (event_sender.clone(), watchdog.clone());
        // Values cannot leave their thread, so the worker is made on its own.
        let evaluate = move || {
            EvaluationWorker::new(settings, worker_messages, worker_events, worker_watchdog).run();
        };
        thread::Builder::new()
            .name("evaluation".into())
            .stack_size(STACK_SIZE)
            .spawn(evaluate)
            .context("cannot start a thread")?;
        thread::Builder::new()
            .name("syntax".into())
            .stack_size(STACK_SIZE)
            .spawn(move || syntax_worker::run(&syntax_questions, &event_sender))
            .context("cannot start a thread")?;
        Ok(LanguageServer {
            documents: OpenDocuments::new(unit, root),
            overlay,
            roots,
            delay,
            requests: OpenRequests::new(),
            client: connection.sender.clone(),
            worker,
            syntax,
            events,
            watchdog,
            is_shut_down: false,
        })
    }

    /// Routes messages until the client sends `exit`, or is gone.
    fn run(&mut self, connection: &Connection) -> Result<()> {
        let events = self.events.clone();
        loop {
            crossbeam_channel::select! {
                recv(connection.receiver) -> message => match message {
                    Ok(Message::Request(request)) => self.request(request),
                    Ok(Message::Notification(notification)) if notification.method == "exit" => {
                        anyhow::ensure!(self.is_shut_down, "the client sent `exit` before `shutdown`");
                        return Ok(());
                    }
                    Ok(Message::Notification(notification)) => self.notification(notification),
                    // The server asks the client for nothing.
                    Ok(Message::Response(_)) => {}
                    Err(_) if self.is_shut_down => return Ok(()),
                    Err(_) => anyhow::bail!("the client is gone"),
                },
                recv(events) -> event => match event {
                    Ok(event) => self.event(event),
                    Err(_) => anyhow::bail!("the workers have ended"),
                },
            }
        }
    }

    fn event(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::Answer(Answer { id, result }) => {
                // A request that was cancelled has been answered.
                if self.requests.remove(&id).is_some() {
                    self.respond(id, result);
                }
            }
            WorkerEvent::Publish { uri, version, diagnostics } => {
                let is_open = self.documents.get(&uri).is_some();
                if is_open {
                    let version = Some(version);
                    let params = PublishDiagnosticsParams { uri, version, diagnostics };
                    self.notify("textDocument/publishDiagnostics", params);
                }
            }
            WorkerEvent::Show { kind: typ, text: message } => {
                self.notify("window/showMessage", ShowMessageParams { typ, message });
            }
            WorkerEvent::Log(message) => {
                let params = LogMessageParams { typ: MessageType::ERROR, message };
                self.notify("window/logMessage", params);
            }
        }
    }

    fn respond(&self, id: RequestId, result: Result<Value, ResponseError>) {
        let response = Response { id, response_result: result };
        // If the client is gone, the loop ends.
        let _ = self.client.send(Message::Response(response));
    }

    fn notify(&self, method: &str, params: impl serde::Serialize) {
        if let Ok(params) = serde_json::to_value(params) {
            let notification = Notification { method: method.into(), params };
            let _ = self.client.send(Message::Notification(notification));
        }
    }

    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        if self.is_shut_down {
            let error = response_error(ErrorCode::InvalidRequest, "the server is shut down");
            return self.respond(id, Err(error));
        }
        match self.route(request) {
            Ok(None) => {}
            Ok(Some(value)) => self.respond(id, Ok(value)),
            Err(error) => self.respond(id, Err(error)),
        }
    }

    /// Answers a request, or gives it to a worker.
    fn route(&mut self, request: Request) -> RequestResult {
        let Request { id, method, params } = request;
        match method.as_str() {
            "shutdown" => {
                self.is_shut_down = true;
                self.watchdog.close();
                Ok(Some(Value::Null))
            }
            "textDocument/hover" => {
                let params: HoverParams = parse(params)?;
                self.ask_at(id, params.text_document_position_params, QuestionKind::Hover)
            }
            "textDocument/signatureHelp" => {
                let params: SignatureHelpParams = parse(params)?;
                let position = params.text_document_position_params;
                self.ask_at(id, position, QuestionKind::SignatureHelp)
            }
            "textDocument/definition" => {
                let params: GotoDefinitionParams = parse(params)?;
                self.ask_at(id, params.text_document_position_params, QuestionKind::Definition)
            }
            "textDocument/documentHighlight" => {
                self.ask_at(id, parse(params)?, QuestionKind::Highlight)
            }
            "textDocument/completion" => {
                let params: CompletionParams = parse(params)?;
                self.ask_at(id, params.text_document_position, QuestionKind::Completion)
            }
            "completionItem/resolve" => self.resolve_completion(id, parse(params)?),
            "textDocument/references" => {
                let params: ReferenceParams = parse(params)?;
                let with_definition = params.context.include_declaration;
                self.ask_at(id, params.text_document_position, |position| {
                    QuestionKind::References { position, with_definition }
                })
            }
            "textDocument/prepareRename" => {
                self.ask_at(id, parse(params)?, QuestionKind::PrepareRename)
            }
            "textDocument/rename" => {
                let RenameParams { text_document_position, new_name, .. } = parse(params)?;
                self.ask_at(id, text_document_position, |position| QuestionKind::Rename {
                    position,
                    new_name,
                })
            }
            "workspace/executeCommand" => self.execute(id, parse(params)?),
            "textDocument/documentSymbol" => {
                self.ask_syntax(id, params, SyntaxQuestionKind::Symbols)
            }
            "textDocument/formatting" => self.ask_syntax(id, params, SyntaxQuestionKind::Format),
            "textDocument/semanticTokens/full" => {
                self.ask_syntax(id, params, SyntaxQuestionKind::Tokens)
            }
            "textDocument/codeLens" => self.ask_syntax(id, params, SyntaxQuestionKind::Lenses),
            "workspace/symbol" => {
                let WorkspaceSymbolParams { query, .. } = parse(params)?;
                let roots = self.roots.clone();
                let open = self.documents.all().cloned().collect();
                self.send_syntax(id, SyntaxQuestionKind::WorkspaceSymbols { query, roots, open })
            }
            _ => Err(response_error(ErrorCode::MethodNotFound, format!("no method {method}"))),
        }
    }

    fn ask_at(
        &mut self,
        id: RequestId,
        params: TextDocumentPositionParams,
        kind: impl FnOnce(lsp_types::Position) -> QuestionKind,
    ) -> RequestResult {
        match self.documents.get(&params.text_document.uri).cloned() {
            Some(document) => self.ask(id, document, kind(params.position)),
            None => Ok(Some(Value::Null)),
        }
    }

    /// Gives a question to the worker that evaluates.
    fn ask(&mut self, id: RequestId, document: OpenDocument, kind: QuestionKind) -> RequestResult {
        let cancelled = self.register(&id);
        let (files, is_scheduled) = (None, false);
        let question = NameQuestion { id, document, kind, cancelled, files, is_scheduled };
        match self.worker.send(WorkerMessage::Ask(question)) {
            Ok(()) => Ok(None),
            Err(_) => Err(response_error(ErrorCode::InternalError, "the worker has ended")),
        }
    }

    fn register(&mut self, id: &RequestId) -> Arc<AtomicBool> {
        Arc::clone(self.requests.entry(id.clone()).or_default())
    }

    fn resolve_completion(&mut self, id: RequestId, item: CompletionItem) -> RequestResult {
        // The item names the module whose text it completes.
        let module = item.data.as_ref().and_then(|data| data.get("module")?.as_str());
        let stem = |document: &&OpenDocument| {
            document.path.file_stem().and_then(|stem| stem.to_str()) == module
        };
        let document = self.documents.all().find(stem).cloned();
        match document {
            Some(document) => {
                self.ask(id, document, QuestionKind::ResolveCompletion(Box::new(item)))
            }
            None => json_value(&item).map(Some),
        }
    }

    fn execute(&mut self, id: RequestId, params: ExecuteCommandParams) -> RequestResult {
        let invalid = |reason: &str| response_error(ErrorCode::InvalidParams, reason);
        let uri = params.arguments.first().cloned().ok_or_else(|| invalid("no address"))?;
        let uri: Uri = parse(uri)?;
        let line = match params.command.as_str() {
            RUN_ASSERTIONS => None,
            RUN_ASSERTION => {
                let line = params.arguments.get(1).and_then(Value::as_u64);
                Some(line.ok_or_else(|| invalid("no line"))? as usize)
            }
            command => return Err(invalid(&format!("no command {command}"))),
        };
        match self.documents.get(&uri).cloned() {
            Some(document) => self.ask(id, document, QuestionKind::RunAssertions { line }),
            None => Err(invalid("the text is not open")),
        }
    }

    fn ask_syntax(
        &mut self,
        id: RequestId,
        params: Value,
        kind: impl FnOnce(OpenDocument) -> SyntaxQuestionKind,
    ) -> RequestResult {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct TextParams {
            text_document: TextDocumentIdentifier,
        }
        let TextParams { text_document } = parse(params)?;
        match self.documents.get(&text_document.uri).cloned() {
            Some(document) => self.send_syntax(id, kind(document)),
            None => Ok(Some(Value::Null)),
        }
    }

    fn send_syntax(&mut self, id: RequestId, kind: SyntaxQuestionKind) -> RequestResult {
        let cancelled = self.register(&id);
        match self.syntax.send(SyntaxQuestion { id, kind, cancelled }) {
            Ok(()) => Ok(None),
            Err(_) => Err(response_error(ErrorCode::InternalError, "the worker has ended")),
        }
    }

    /// Takes a notification. One that is not understood is ignored, as the protocol demands.
    fn notification(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "textDocument/didOpen" => {
                if let Ok(DidOpenTextDocumentParams { text_document: item }) = parse(params) {
                    let opened = self.documents.open(item.uri, item.version, &item.text);
                    let document = opened.clone();
                    self.changed(document, Duration::ZERO);
                }
            }
            "textDocument/didChange" => {
                if let Ok(params) = parse::<DidChangeTextDocumentParams>(params) {
                    let id = params.text_document;
                    let changed =
                        self.documents.change(&id.uri, id.version, params.content_changes);
                    if let Some(document) = changed.cloned() {
                        self.changed(document, self.delay);
                    }
                }
            }
            "textDocument/didClose" => {
                if let Ok(DidCloseTextDocumentParams { text_document }) = parse(params) {
                    self.closed(&text_document.uri);
                }
            }
            "workspace/didChangeWatchedFiles" => {
                if let Ok(DidChangeWatchedFilesParams { changes }) = parse(params) {
                    let paths = changes.iter().filter_map(|change| path_of(&change.uri)).collect();
                    let _ = self.worker.send(WorkerMessage::FilesChanged(paths));
                }
            }
            "$/cancelRequest" => self.cancel(params),
            _ => {}
        }
    }

    fn changed(&mut self, document: OpenDocument, delay: Duration) {
        self.overlay.set(document.path.clone(), Arc::clone(&document.lines.text));
        let path = document.path.clone();
        // The worker must know of the edit before its step is cancelled.
        let _ = self.worker.send(WorkerMessage::Changed { document, delay });
        self.watchdog.cancel(&path);
    }

    fn closed(&mut self, uri: &Uri) {
        let Some(document) = self.documents.close(uri) else { return };
        self.overlay.remove(&document.path);
        let _ = self.worker.send(WorkerMessage::Closed(document.path.clone()));
        self.watchdog.cancel(&document.path);
        let (uri, version, diagnostics) = (document.uri, None, Vec::new());
        let params = PublishDiagnosticsParams { uri, version, diagnostics };
        self.notify("textDocument/publishDiagnostics", params);
    }

    fn cancel(&mut self, params: Value) {
        #[derive(Deserialize)]
        struct CancelParams {
            id: RequestId,
        }
        let Ok(CancelParams { id }) = parse(params) else { return };
        if let Some(cancelled) = self.requests.remove(&id) {
            cancelled.store(true, Ordering::Relaxed);
            let error = response_error(ErrorCode::RequestCanceled, "cancelled by the client");
            self.respond(id, Err(error));
        }
    }
}

fn parse<T: DeserializeOwned>(params: Value) -> Result<T, ResponseError> {
    serde_json::from_value(params)
        .map_err(|error| response_error(ErrorCode::InvalidParams, error.to_string()))
}

/// Returns what makes the sessions of the worker.
fn session_maker(
    make_vm: Box<dyn Fn() -> Result<Vm> + Send>,
    library: ModuleLibrary,
    cache: PathBuf,
    library_image: Option<&'static LibraryImage>,
) -> Box<dyn Fn() -> Result<Sire> + Send> {
    Box::new(move || {
        let nowhere = || SireOutput::new(std::io::sink(), rex::print::Colour::None);
        let options = SireOptions {
            library: library.clone(),
            cache: Some(modules_cache(&cache)),
            output: nowhere(),
            diagnostics: nowhere(),
        };
        let made = Sire::new(make_vm()?, options);
        let mut sire = made.map_err(|error| anyhow::anyhow!(error.to_string()))?;
        if let Some(image) = library_image {
            sire.start_from(image);
        }
        Ok(sire)
    })
}

/// Returns the folder of the cache of modules, which the command uses too.
fn modules_cache(cache: &Path) -> PathBuf {
    cache.join("modules")
}
