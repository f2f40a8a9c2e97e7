//! What a mutant is: a name, the promise that it breaks, and a few rules by which requests, answers and statements of a
//! healthy server are changed on their way.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::planted::Backdoor;

/// One planted fault.
pub(crate) struct Mutant {
    /// What it does, in one sentence that stands in the table.
    pub(crate) name: &'static str,
    /// The promise that it breaks.
    pub(crate) breaks: &'static str,
    /// What the verdict's evidence must say, so that it was caught for its own cause and not for another; `or` stands
    /// between words of which any will do.
    pub(crate) evidence: &'static str,
    /// The scenarios in which it shows, by the ends of their paths; empty for all that cite the promise.
    pub(crate) scenarios: &'static [&'static str],
    /// The server that it is hunted on.
    pub(crate) ground: Ground,
    /// How.
    pub(crate) rules: Vec<Rule>,
}

/// The server on which a mutant is hunted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// That which all tests run on.
    Usual,
    /// HashiCorp Vault: what is promised for it alone, or what others are known to deviate from.
    HashiCorp,
}

/// A request that is on its way to Vault.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `GET`, `POST`, `DELETE`; a list is a GET with `list=true`.
    pub(crate) method: String,
    /// Below `/v1/`, without the query.
    pub(crate) path: String,
    /// What follows the question mark.
    pub(crate) query: String,
    /// The body, null when there is none or when it is not JSON.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) raw: hyper::body::Bytes,
    /// Its headers; the token is one of them.
    pub(crate) headers: hyper::HeaderMap,
}

impl Call {
    /// The action of AWS's API that a form asks for.
    pub(crate) fn action(&self) -> Option<String> {
        let form = String::from_utf8_lossy(&self.raw);
        form.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
    }
}

/// An answer that is on its way back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body, null when there is none or when it is not JSON.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) raw: hyper::body::Bytes,
}

impl Reply {
    /// A reply without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::with(status, Value::Null)
    }

    /// A refusal in Vault's own shape.
    pub(crate) fn refusal(status: u16, error: &str) -> Self {
        Self::with(status, json!({ "errors": [error] }))
    }

    /// A reply with a body.
    pub(crate) fn with(status: u16, body: Value) -> Self {
        Self { status, body, raw: hyper::body::Bytes::new() }
    }
}

/// Something done behind everybody's back, as the database's superuser or as Vault's root.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// A statement.
    Sql(String),
    /// A call.
    Api(&'static str, String, Value),
}

/// Where a rule applies, and what it does there.
#[derive(Clone)]
pub(crate) enum Rule {
    /// To a request to Vault and its answer.
    Http(HttpRule),
    /// To a statement from Vault to the database.
    Sql(SqlRule),
}

/// Whom a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// From whoever acts on the stack to Vault.
    Vault,
    /// From Vault to AWS.
    Aws,
}

/// A rule for requests.
#[derive(Clone)]
pub(crate) struct HttpRule {
    pub(crate) to: Whom,
    /// Of AWS's API.
    pub(crate) action: Option<&'static str>,
    pub(crate) method: &'static str,
    /// The path, where a `*` stands for any text.
    pub(crate) path: &'static str,
    pub(crate) when: fn(&Call) -> bool,
    pub(crate) answered: fn(&Reply) -> bool,
    pub(crate) turns: Turns,
    pub(crate) act: Act,
}

/// A rule for statements.
#[derive(Clone)]
pub(crate) struct SqlRule {
    /// What the statement contains.
    pub(crate) contains: &'static str,
    pub(crate) turns: Turns,
    /// What the database gets instead.
    pub(crate) instead: fn(&str) -> String,
}

/// Which of the matches a rule applies to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turns {
    /// Each.
    All,
    /// One alone, counted from 0.
    Only(usize),
    /// All from this one on.
    From(usize),
    /// One of so many.
    Every(usize),
}

impl Turns {
    /// Whether the match with this number is one of them.
    pub(crate) fn has(self, number: usize) -> bool {
        match self {
            Self::All => true,
            Self::Only(turn) => number == turn,
            Self::From(first) => number >= first,
            Self::Every(nth) => number % nth == nth - 1,
        }
    }
}

/// What happens to a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// It never gets there; this is the answer.
    Answer(fn(&Call) -> Reply),
    /// It gets there changed.
    Request(fn(&mut Call)),
    /// Its answer is changed.
    Rewrite(fn(&Call, &mut Reply)),
    /// Its answer is the first that was ever given to such a request.
    Stale,
    /// It is held up for a while.
    Delay(Duration),
    /// Something is done before it gets there.
    Before(fn(&Call) -> Vec<Deed>),
    /// Something is done after it was answered, so long after; with zero, before the answer is passed on.
    After(Duration, fn(&Call, &Reply) -> Vec<Deed>),
    /// Whatever needs more than that.
    Instead(fn(Arc<Backdoor>, Call) -> BoxFuture<'static, Reply>),
}

impl Act {
    /// Whether it is about the answer, and waits for it.
    pub(crate) fn is_of_answer(&self) -> bool {
        matches!(self, Self::Rewrite(_) | Self::Stale | Self::After(..))
    }
}

/// Begins a mutant: what it does, the promise that it breaks, and what the evidence must say.
pub(crate) fn mutant(name: &'static str, breaks: &'static str, evidence: &'static str) -> Mutant {
    Mutant { name, breaks, evidence, scenarios: &[], ground: Ground::Usual, rules: Vec::new() }
}

impl Mutant {
    /// Only in these scenarios. Not knowledge of the scenarios but of time: the others that cite the promise are spared.
    pub(crate) fn shows_in(self, scenarios: &'static [&'static str]) -> Self {
        Self { scenarios, ..self }
    }

    /// Hunted on HashiCorp Vault, where that is here.
    pub(crate) fn on_hashicorp(self) -> Self {
        Self { ground: Ground::HashiCorp, ..self }
    }

    /// With one more rule for requests.
    pub(crate) fn on(mut self, rule: HttpRule) -> Self {
        self.rules.push(Rule::Http(rule));
        self
    }

    /// With one more rule for statements: those that contain this reach the database as something else.
    pub(crate) fn statement(self, contains: &'static str, instead: fn(&str) -> String) -> Self {
        self.statements(Turns::All, contains, instead)
    }

    /// The same, for some of them.
    pub(crate) fn statements(mut self, turns: Turns, contains: &'static str, instead: fn(&str) -> String) -> Self {
        self.rules.push(Rule::Sql(SqlRule { contains, turns, instead }));
        self
    }
}

/// A rule for GET.
pub(crate) fn get(path: &'static str) -> HttpRule {
    rule("GET", path)
}

/// A rule for POST.
pub(crate) fn post(path: &'static str) -> HttpRule {
    rule("POST", path)
}

/// A rule for PUT, which is how the products' own programs write.
pub(crate) fn put(path: &'static str) -> HttpRule {
    rule("PUT", path)
}

/// A rule for DELETE.
pub(crate) fn delete(path: &'static str) -> HttpRule {
    rule("DELETE", path)
}

/// A rule for an action of AWS's API, which Vault calls.
pub(crate) fn aws(action: &'static str) -> HttpRule {
    HttpRule { to: Whom::Aws, action: Some(action), ..rule("POST", "") }
}

/// AWS's answer to something that is done and has nothing to say.
pub(crate) fn aws_done(call: &Call) -> Reply {
    let action = call.action().unwrap_or_default();
    let body = format!(
        "<{action}Response><ResponseMetadata><RequestId>mutant</RequestId></ResponseMetadata></{action}Response>"
    );
    Reply { raw: body.into(), ..Reply::empty(200) }
}

fn rule(method: &'static str, path: &'static str) -> HttpRule {
    let act = Act::Delay(Duration::ZERO);
    HttpRule { to: Whom::Vault, action: None, method, path, when: |_| true, answered: |_| true, turns: Turns::All, act }
}

impl HttpRule {
    /// Only for such requests.
    pub(crate) fn when(self, when: fn(&Call) -> bool) -> Self {
        Self { when, ..self }
    }

    /// Only for such answers: they are what is counted and changed.
    pub(crate) fn answered(self, answered: fn(&Reply) -> bool) -> Self {
        Self { answered, ..self }
    }

    /// Only for some of the matches.
    pub(crate) fn turns(self, turns: Turns) -> Self {
        Self { turns, ..self }
    }

    pub(crate) fn answer(self, reply: fn(&Call) -> Reply) -> Self {
        self.act(Act::Answer(reply))
    }

    pub(crate) fn request(self, change: fn(&mut Call)) -> Self {
        self.act(Act::Request(change))
    }

    pub(crate) fn rewrite(self, change: fn(&Call, &mut Reply)) -> Self {
        self.act(Act::Rewrite(change))
    }

    pub(crate) fn stale(self) -> Self {
        self.act(Act::Stale)
    }

    pub(crate) fn delay(self, length: Duration) -> Self {
        self.act(Act::Delay(length))
    }

    pub(crate) fn before(self, deeds: fn(&Call) -> Vec<Deed>) -> Self {
        self.act(Act::Before(deeds))
    }

    pub(crate) fn after(self, length: Duration, deeds: fn(&Call, &Reply) -> Vec<Deed>) -> Self {
        self.act(Act::After(length, deeds))
    }

    pub(crate) fn instead(self, run: fn(Arc<Backdoor>, Call) -> BoxFuture<'static, Reply>) -> Self {
        self.act(Act::Instead(run))
    }

    fn act(self, act: Act) -> Self {
        Self { act, ..self }
    }

    /// Whether a request is one that the rule is for.
    pub(crate) fn is_for(&self, call: &Call) -> bool {
        self.method == call.method
            && matches_pattern(self.path, &call.path)
            && (self.action.is_none() || self.action == call.action().as_deref())
            && (self.when)(call)
    }
}

/// Whether a path is as the pattern says, in which `*` stands for any text.
fn matches_pattern(pattern: &str, path: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == path };
    let Some(rest) = path.strip_prefix(before) else { return false };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches_pattern(after, &rest[at..]))
}

/// A statement that does nothing, in place of one that does.
pub(crate) fn nothing(_: &str) -> String {
    "SELECT 1".to_owned()
}
