//! [`InspectServer`]: the pages by HTTP, for this computer only.
//!
//! The address has a token of 128 random bits, which only the user who started the server sees. A web
//! page of another origin that guesses the port does not have it; and as a page could make a browser
//! resolve a name of its own to 127.0.0.1, requests whose `Host` is not the server's are refused.
//! Pages have no way to change anything: only GET and HEAD are served.

use crate::pages;
use crate::question::{PageError, Question};
use crate::reader::StoreReader;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use machine::control::ControlClient;
use serde::Deserialize;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

/// Scripts and styles only from the server itself, and nothing from elsewhere.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is not one of this computer's own.
    #[error("{0} can be reached from other computers; use an address such as 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The system does not give the address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        #[source]
        error: std::io::Error,
    },
    /// The system refuses threads or random bytes.
    #[error("cannot start the server")]
    System(#[source] std::io::Error),
}

/// A server that listens and has not begun to serve.
pub struct InspectServer {
    runtime: tokio::runtime::Runtime,
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    token: String,
    reader: StoreReader,
}

impl InspectServer {
    /// Listens on an address of this computer.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn listen(address: SocketAddr, reader: StoreReader) -> Result<InspectServer, ServerError> {
        if !address.ip().is_loopback() {
            return Err(ServerError::NotLoopback(address));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ServerError::System)?;
        let listen = |error| ServerError::Listen { address, error };
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let token = token().map_err(ServerError::System)?;
        Ok(InspectServer { runtime, listener, address, token, reader })
    }

    /// The address of the first page, with the token.
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    /// Serves pages until an error of the system.
    ///
    /// # Errors
    /// [`ServerError::System`].
    pub fn serve(self) -> Result<(), ServerError> {
        let InspectServer { runtime, listener, address, token, reader } = self;
        let router = router(reader, address, &token);
        runtime.block_on(async { axum::serve(listener, router).await }).map_err(ServerError::System)
    }
}

/// A text of 128 random bits.
fn token() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// The names of this server that a browser may use.
type HostNames = Arc<[String; 2]>;

fn router(reader: StoreReader, address: SocketAddr, token: &str) -> Router {
    let names: HostNames = Arc::new([address.to_string(), format!("localhost:{}", address.port())]);
    let pages = Router::new()
        .route("/", get(overview))
        .route("/state", get(state))
        .route("/log", get(log))
        .route("/event", get(event))
        .route("/workers", get(workers))
        .route("/set-aside", get(set_aside))
        .route("/disk", get(disk))
        .route("/metrics", get(metrics))
        .route("/style.css", get(style))
        .route("/live.js", get(script));
    Router::new()
        .nest(&format!("/{token}"), pages.clone())
        // `nest` serves the path without a slash at its end, whose relative links would be wrong.
        .route(&format!("/{token}/"), get(overview))
        .with_state(reader)
        .layer(middleware::from_fn_with_state(names, guard))
}

/// Refuses requests that are for another host or that are no reads, and adds headers of safety.
async fn guard(State(names): State<HostNames>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(|host| names.iter().any(|name| name == host));
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match (is_ours, is_read) {
        (false, _) => (StatusCode::FORBIDDEN, "wrong Host\n").into_response(),
        (true, false) => (StatusCode::METHOD_NOT_ALLOWED, "read only\n").into_response(),
        (true, true) => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Makes the page for a question, on a thread that may block.
async fn answer(reader: StoreReader, question: Question) -> Response {
    let page = tokio::task::spawn_blocking(move || reader.ask(question)).await;
    let page = page.unwrap_or_else(|_| Err(PageError::Store("making the page failed".into())));
    let (status, page) = match page {
        Ok(page) => (StatusCode::OK, page),
        Err(PageError::Missing(message)) => {
            (StatusCode::NOT_FOUND, pages::error_page("Not there", &message))
        }
        Err(PageError::Store(message)) => {
            let title = "The store cannot be read";
            (StatusCode::INTERNAL_SERVER_ERROR, pages::error_page(title, &message))
        }
    };
    (status, Html(pages::html(&page))).into_response()
}

async fn overview(State(reader): State<StoreReader>) -> Response {
    answer(reader, Question::Overview).await
}

/// The parameters of a part of a state.
#[derive(Deserialize)]
struct StateQuery {
    event: Option<u64>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    from: usize,
}

async fn state(State(reader): State<StoreReader>, Query(query): Query<StateQuery>) -> Response {
    let steps = query.path.split('.').filter(|step| !step.is_empty()).map(str::parse);
    match steps.collect::<Result<Vec<usize>, _>>() {
        Ok(path) => {
            answer(reader, Question::State { event: query.event, path, from: query.from }).await
        }
        Err(_) => (StatusCode::BAD_REQUEST, "path: numbers with dots between\n").into_response(),
    }
}

#[derive(Deserialize)]
struct LogQuery {
    before: Option<u64>,
}

async fn log(State(reader): State<StoreReader>, Query(query): Query<LogQuery>) -> Response {
    answer(reader, Question::Log { before: query.before }).await
}

#[derive(Deserialize)]
struct EventQuery {
    number: u64,
}

async fn event(State(reader): State<StoreReader>, Query(query): Query<EventQuery>) -> Response {
    answer(reader, Question::Event(query.number)).await
}

#[derive(Deserialize)]
struct WorkersQuery {
    #[serde(default)]
    from: usize,
}

async fn workers(State(reader): State<StoreReader>, Query(query): Query<WorkersQuery>) -> Response {
    answer(reader, Question::Workers { from: query.from }).await
}

async fn set_aside(State(reader): State<StoreReader>) -> Response {
    answer(reader, Question::SetAside).await
}

async fn disk(State(reader): State<StoreReader>) -> Response {
    answer(reader, Question::Disk).await
}

/// The metrics of the running machine, in the text format of Prometheus.
async fn metrics(State(reader): State<StoreReader>) -> Response {
    let directory = reader.store().to_owned();
    let metrics = move || ControlClient::connect(&directory)?.metrics();
    match tokio::task::spawn_blocking(metrics).await {
        Ok(Ok(text)) => text.into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the machine does not run\n").into_response(),
    }
}

async fn style() -> Response {
    with_type("text/css", include_str!("assets/style.css"))
}

async fn script() -> Response {
    with_type("text/javascript", include_str!("assets/live.js"))
}

fn with_type(content_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
