//! The server: connections, signals, and the thread that imports.

use super::control::Closed;
use super::guard::Local;
use super::{Config, Service, router};
use crate::account::Account;
use crate::account::runner::Runner;
use axum::Router;
use axum::response::Response;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long running requests may take once the process is about to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long the importer waits after a failure of the account.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it first waits for another process that uses the account; each time twice as long, up to [`PAUSE`].
const SHORT_PAUSE: Duration = Duration::from_millis(50);

/// Serves an account until SIGTERM or Ctrl-C. Calls `ready` with the address it listens on.
///
/// # Errors
/// It cannot listen on the address.
pub fn run(account: Account, config: Config, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let account = Arc::new(account);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    super::page::remove_left(account.path());
    let service = Service::new(Arc::clone(&account), config);
    let stop = Arc::new(AtomicBool::new(false));
    let importer = {
        let (service, stop) = (Arc::clone(&service), Arc::clone(&stop));
        std::thread::Builder::new().name("importer".into()).spawn(move || import(&service, &stop))?
    };
    let served = runtime.block_on(serve(&service, ready));
    // A running import is rolled back, and runs again on the next start.
    stop.store(true, Ordering::Relaxed);
    account.wake();
    let _ = importer.join();
    runtime.shutdown_timeout(PAUSE);
    served
}

/// Runs one activity after the other.
fn import(service: &Service, stop: &AtomicBool) {
    let runner = Runner { stop, time: service.config.activity_time };
    let mut pause = SHORT_PAUSE;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let done = service.account.run_next_to(&runner, |id| service.control.fate(id));
        let is_busy = done.as_ref().is_err_and(|error| error.is_busy());
        match done {
            Ok(Some(activity)) if activity.completed_at.is_some() => {
                service.metrics.ended(&activity, began.elapsed());
                service.control.forget(&activity.activity_id);
                let status = &activity.status;
                tracing::info!(
                    activity = activity.activity_id,
                    state = %activity.state,
                    contacts = status.items_total_count,
                    imported = status.items_completed_count,
                    errors = status.error_count + status.correctable_count,
                    milliseconds = began.elapsed().as_millis() as u64,
                    "import"
                );
            }
            Ok(Some(_)) => {}
            Ok(None) => service.account.wait_for_more(PAUSE),
            // Another process uses the account for long. SQLite does not always wait for it.
            Err(error) if is_busy => {
                tracing::debug!(%error, milliseconds = pause.as_millis() as u64, "an import waits");
                std::thread::sleep(pause);
            }
            Err(error) => {
                tracing::error!(%error, "an import could not be done, and will be tried again");
                std::thread::sleep(PAUSE);
            }
        }
        pause = if is_busy { (pause * 2).min(PAUSE) } else { SHORT_PAUSE };
    }
}

/// Raises the limit of open files as far as the system allows, and returns the number of connections it suffices for.
fn connections(limit: usize) -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut files = getrlimit(Resource::Nofile);
        if files.current != files.maximum {
            files.current = files.maximum;
            // If that fails, fewer connections are open at once.
            let _ = setrlimit(Resource::Nofile, files);
        }
        // The account, its readers and the log need some files.
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(64);
        limit.min(usize::try_from(files).unwrap_or(usize::MAX)).max(1)
    }
    #[cfg(not(unix))]
    limit
}

async fn serve(service: &Arc<Service>, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let listener = TcpListener::bind(service.config.listen).await?;
    let mut end = std::pin::pin!(end_signal()?);
    ready(listener.local_addr()?);
    let graceful = GracefulShutdown::new();
    let app = router(service);
    let connections = Arc::new(Semaphore::new(connections(service.config.connections)));
    loop {
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = async {
                // Beyond the limit, connections wait in the system's queue.
                let permit = Arc::clone(&connections).acquire_owned().await;
                (listener.accept().await, permit)
            } => accepted,
        };
        let (stream, permit) = match accepted {
            (Ok((stream, _)), permit) => (stream, permit),
            (Err(error), _) => {
                // No file descriptor is free, or the client has disconnected.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        // The system disconnects a client that does not read its answer.
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, service.config.idle_time.as_millis() as u32 * 2);
        let connection = connection(service, &app, stream);
        let connection = graceful.watch(connection);
        let service = Arc::clone(service);
        tokio::spawn(async move {
            service.metrics.connections.inc();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            service.metrics.connections.dec();
            drop(permit);
        });
    }
    tracing::info!("shutting down");
    if let Ok(again) = end_signal() {
        // A second signal ends the process at once.
        tokio::spawn(async {
            again.await;
            std::process::exit(1);
        });
    }
    service.closing.store(true, Ordering::Relaxed);
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long and were cut off");
    }
    Ok(())
}

/// The router, for the requests of one connection.
struct Requests {
    router: TowerToHyperService<Router>,
    local: Option<Local>,
}

impl hyper::service::Service<Request> for Requests {
    type Response = Response;
    // An error closes the connection.
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response>> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        if let Some(local) = self.local {
            request.extensions_mut().insert(local);
        }
        let answered = self.router.call(request);
        Box::pin(async move {
            let Ok(response) = answered.await;
            match response.extensions().get::<Closed>() {
                None => Ok(response),
                Some(Closed) => Err(io::Error::other("closed, as a fault was asked for")),
            }
        })
    }
}

type Request = hyper::Request<hyper::body::Incoming>;

/// One connection. A client that is slow to send the head of a request is disconnected. A client may close its half of the
/// connection after its request, and still gets the answer.
fn connection(
    service: &Service,
    app: &Router,
    stream: tokio::net::TcpStream,
) -> hyper::server::conn::http1::Connection<TokioIo<tokio::net::TcpStream>, Requests> {
    let local = stream.local_addr().ok().map(Local);
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(service.config.idle_time)
        .max_buf_size(64 << 10)
        .half_close(true)
        // Large answers are sent without copying them for each client.
        .writev(true)
        .serve_connection(TokioIo::new(stream), Requests { router: TowerToHyperService::new(app.clone()), local })
}

#[cfg(unix)]
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
