//! A mutant in its place: between a stack and whoever acts on it. Until the steps begin it changes nothing, so that the
//! baseline holds.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leaseproof_harness::between::Between;
use leaseproof_harness::history::History;
use leaseproof_harness::link::Link;
use leaseproof_harness::provider::native::port::Port;
use leaseproof_harness::scenario::Dbms;
use leaseproof_harness::scenario::file::{Endpoint, Method};
use leaseproof_harness::service::database::{Database, Login};
use leaseproof_harness::service::vault::Vault;
use leaseproof_harness::stack::{Links, Stack};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::mutant::{Deed, HttpRule, Mutant, Reply, Rule, SqlRule, Whom};
use crate::{mysql, postgres, vault};

/// A mutant for one run of a scenario.
pub(crate) struct Planted {
    http: Vec<Counted<HttpRule>>,
    aws: Vec<Counted<HttpRule>>,
    sql: Vec<Counted<SqlRule>>,
    state: Arc<State>,
    tasks: Mutex<JoinSet<()>>,
}

/// What all parts of a planted mutant share.
#[derive(Default)]
pub(crate) struct State {
    armed: AtomicBool,
    done: AtomicUsize,
}

impl State {
    /// Whether the steps have begun.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst)
    }

    /// Notes that a rule was applied.
    pub(crate) fn did(&self) {
        self.done.fetch_add(1, Ordering::SeqCst);
    }
}

/// A rule, and how often it has matched.
pub(crate) struct Counted<R> {
    pub(crate) rule: R,
    matches: Arc<AtomicUsize>,
    first: Arc<OnceLock<Reply>>,
}

impl<R: Clone> Clone for Counted<R> {
    fn clone(&self) -> Self {
        Self { rule: self.rule.clone(), matches: self.matches.clone(), first: self.first.clone() }
    }
}

impl<R> Counted<R> {
    fn new(rule: R) -> Self {
        Self { rule, matches: Arc::default(), first: Arc::default() }
    }

    /// The first reply that this rule has seen: this one, if there was none before.
    pub(crate) fn first(&self, reply: Reply) -> Reply {
        self.first.get_or_init(|| reply).clone()
    }

    /// Counts one more match and gives its number.
    pub(crate) fn next(&self) -> usize {
        self.matches.fetch_add(1, Ordering::SeqCst)
    }
}

/// Ways to the servers that nobody else sees.
pub(crate) struct Backdoor {
    root: Vault,
    database: Option<(Database, Login)>,
}

impl Backdoor {
    /// Vault itself, as root.
    pub(crate) fn root(&self) -> &Vault {
        &self.root
    }

    /// Does something behind everybody's back. What does not succeed shows as a mutant that survives.
    pub(crate) async fn act(&self, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Sql(statement) => {
                    if let Some((database, admin)) = &self.database {
                        let _ = database.run(admin, &statement).await;
                    }
                }
                Deed::Api(method, path, body) => {
                    let method = if method == "DELETE" { Method::Delete } else { Method::Post };
                    let _ = self.root.act(method, &path, Some(body)).await;
                }
            }
        }
    }
}

impl Planted {
    /// Plants a mutant.
    pub(crate) fn new(mutant: &Mutant) -> Self {
        let (mut http, mut aws, mut sql) = (Vec::new(), Vec::new(), Vec::new());
        for rule in &mutant.rules {
            match rule {
                Rule::Http(rule) if rule.to == Whom::Aws => aws.push(Counted::new(rule.clone())),
                Rule::Http(rule) => http.push(Counted::new(rule.clone())),
                Rule::Sql(rule) => sql.push(Counted::new(rule.clone())),
            }
        }
        Self { http, aws, sql, state: Arc::default(), tasks: Mutex::default() }
    }

    /// How often one of its rules was applied.
    pub(crate) fn done(&self) -> usize {
        self.state.done.load(Ordering::SeqCst)
    }

    async fn between(&self, stack: &mut Stack, history: &History) -> Result<(), String> {
        let database = Dbms::ALL.into_iter().find_map(|dbms| stack.database(dbms));
        let admin = database.map(|server| (server.direct.clone(), server.admin.clone()));
        let backdoor = Arc::new(Backdoor { root: stack.vault.root(), database: admin });
        if !self.http.is_empty() {
            let address = self.serve(Whom::Vault, stack.vault.direct.address(), &backdoor).await?;
            stack.vault.direct = way(address, history)?;
            reroute(&stack.links, Endpoint::Clients, Endpoint::Vault, address)?;
            if let [only] = stack.vault.nodes.as_mut_slice() {
                only.direct = way(address, history)?;
            } else {
                // Whoever asks a node of a cluster by its name goes past what leads to the active one.
                for node in &mut stack.vault.nodes {
                    let address = self.serve(Whom::Vault, node.direct.address(), &backdoor).await?;
                    node.direct = way(address, history)?;
                    reroute(&stack.links, Endpoint::Clients, node.name.into(), address)?;
                }
            }
        }
        if let (false, Some(server)) = (self.aws.is_empty(), &stack.aws) {
            let real = server.gate(Endpoint::Vault).address().to_string();
            let address = self.serve(Whom::Aws, &real, &backdoor).await?;
            reroute(&stack.links, Endpoint::Vault, Endpoint::Aws, address)?;
        }
        if self.sql.is_empty() {
            return Ok(());
        }
        for dbms in Dbms::ALL {
            let Some(server) = stack.database(dbms) else { continue };
            let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
            let address = listener.local_addr().map_err(|e| e.to_string())?;
            reroute(&stack.links, Endpoint::Vault, dbms.endpoint(), address)?;
            let (real, rules, state) = (server.direct.address(), self.sql.clone(), self.state.clone());
            match dbms {
                Dbms::Postgres => self.spawn(postgres::serve(listener, real, rules, state)),
                Dbms::Mysql => self.spawn(mysql::serve(listener, real, rules, state)),
            }
        }
        Ok(())
    }

    /// Stands before a server and says where.
    async fn serve(&self, whom: Whom, real: &str, backdoor: &Arc<Backdoor>) -> Result<SocketAddr, String> {
        // It is let go of and taken again as the server goes and comes, so it must be nobody else's meanwhile.
        let port = Port::claim().map_err(|e| e.to_string())?;
        let address = port.address();
        let listener = listen(address).await?;
        let rules = if whom == Whom::Aws { self.aws.clone() } else { self.http.clone() };
        let intermediary = vault::Intermediary::new(whom, real.to_owned(), rules, backdoor.clone(), self.state.clone());
        self.spawn(intermediary.serve(listener, port));
        Ok(address)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }
}

/// A way to Vault over an intermediary.
fn way(address: SocketAddr, history: &History) -> Result<Vault, String> {
    Vault::new(&address.to_string(), *history.clock()).map_err(|e| e.to_string())
}

/// Lets a link lead to the intermediary.
fn reroute(links: &Links, from: Endpoint, end: Endpoint, to: SocketAddr) -> Result<(), String> {
    match links.get(from, end).ok_or_else(|| format!("there is no link from {from} to {end}"))? {
        Link::InProcess(proxy) => {
            proxy.set_upstream(to);
            Ok(())
        }
        Link::Toxiproxy(_) => Err("a mutant needs links that are in this process".to_owned()),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))
}

impl Between for Planted {
    fn stand<'a>(&'a self, stack: &'a mut Stack, history: &'a History) -> BoxFuture<'a, Result<(), String>> {
        self.between(stack, history).boxed()
    }

    fn steps_begin(&self) {
        self.state.armed.store(true, Ordering::SeqCst);
    }
}
