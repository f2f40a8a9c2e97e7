//! The history of the sample's violated scenario, told second by second.

use super::{PHASES, violated};
use crate::event::{Entry, Event, LeaseState, LedgerRead, Part, Principal, Renewal, Revocation, ServerState};
use crate::outcome::{Cause, Outcome, Silence};
use crate::scenario::file::{Endpoint, Server};
use crate::tape::{Tape, issued, refused, reply, unknown};
use crate::time::Moment;

/// The whole history: 48 seconds, two faults, one client, and a credential that outlives its revocation.
pub(in crate::report) fn history() -> Vec<Entry> {
    let mut tape = Tape::default();
    servers(&mut tape);
    steps(&mut tape);
    client(&mut tape);
    probes(&mut tape);
    tape.entries()
}

fn servers(tape: &mut Tape) {
    for (phase, ms) in PHASES {
        tape.harness((ms, ms), Event::Phase(phase));
    }
    let state = |server, state| Event::Server { server, node: None, state };
    tape.harness((150, 150), state(Server::Postgres, ServerState::Ready));
    tape.harness((160, 160), Event::Running { server: Server::Postgres, product: "postgresql 15.18".to_owned() });
    tape.harness((590, 590), state(Server::Vault, ServerState::Ready));
    tape.harness((600, 600), Event::Running { server: Server::Vault, product: "openbao 2.7.2".to_owned() });
    let link = Part::Link { from: Endpoint::Vault, to: Endpoint::Postgres };
    let inject = |fault, title: &str, part| Event::FaultInjected {
        fault,
        title: title.to_owned(),
        disturbs: vec![part],
        seen: "a connection was refused".to_owned(),
    };
    let healed = |fault| Event::FaultHealed { fault, outcome: Outcome::Ok("a probe was answered".to_owned()) };
    tape.harness((3_000, 3_040), inject(1, "cut vault→postgres", link)).harness((15_000, 15_060), healed(1));
    tape.harness((36_000, 36_030), inject(2, "kill vault", Part::Vault)).harness((40_000, 40_900), healed(2));
    tape.harness((36_010, 36_010), state(Server::Vault, ServerState::Killed));
    tape.harness((40_880, 40_880), state(Server::Vault, ServerState::Ready));
    tape.harness((47_300, 47_300), state(Server::Vault, ServerState::Stopped));
    tape.harness((47_900, 47_900), state(Server::Postgres, ServerState::Stopped));
    tape.harness((48_200, 48_200), Event::Note("nothing was left behind".to_owned()));
}

fn steps(tape: &mut Tape) {
    for step in violated().steps {
        let (from, to) = (step.from.0 / 1_000, step.to.0 / 1_000);
        let (number, title, line, fragment) = (step.number.clone(), step.title, step.line, step.fragment);
        tape.operator((from, from), &step.number, Event::StepBegan { number, title, line, fragment, ends: None });
        let ended = Event::StepEnded { number: step.number.clone(), judgement: step.judgement };
        tape.operator((to, to), &step.number, ended);
    }
    tape.operator((951, 1_009), "1", issued("cred", 30));
    let what = Revocation::Lease("cred".to_owned());
    tape.operator(
        (4_001, 4_019),
        "2.1",
        Event::Revoked { what, sync: Some(false), force: false, outcome: reply(202, ()) },
    );
    let state = LeaseState { ttl: 0, renewable: false };
    let read = Event::LeaseRead { credential: "cred".to_owned(), outcome: reply(200, state) };
    tape.operator((4_101, 4_109), "2.2", read);
    tape.operator((5_001, 5_019), "2.3", login("cred", Outcome::Ok(())));
    for second in 0..20 {
        let ms = 15_100 + second * 1_000;
        tape.operator((ms, ms + 12), "3", login("cred", Outcome::Ok(())));
    }
}

fn login(credential: &str, outcome: Outcome<()>) -> Event {
    Event::Login { credential: credential.to_owned(), outcome }
}

/// The client renews in time, is refused a renewal in the outage, loses its credential and gets another.
fn client(tape: &mut Tape) {
    tape.client("web", (900, 948), issued("web#1", 18));
    let body = Renewal { lease_id: "database/creds/app/web#1".to_owned(), ttl: 18, renewable: true, data: false };
    let renewed = |outcome| Event::Renewed { credential: "web#1".to_owned(), increment: Some(18), outcome };
    tape.client("web", (2_900, 2_930), renewed(reply(200, body)));
    tape.client("web", (14_900, 14_960), renewed(refused(Cause::TargetUnreachable, "400")));
    tape.client("web", (21_000, 21_040), issued("web#2", 25));
    tape.client(
        "web",
        (38_000, 38_004),
        Event::Renewed {
            credential: "web#2".to_owned(),
            increment: Some(18),
            outcome: unknown(Silence::Unreachable, "connection refused"),
        },
    );
    for tenth in 0..115 {
        let ms = 1_000 + tenth * 400;
        let (credential, outcome, took) = match ms {
            9_000..9_900 => (Some("web#1"), Some(unknown(Silence::Deadline, "no answer within 300ms")), 300),
            ..20_000 => (Some("web#1"), Some(Outcome::Ok(())), 9),
            20_000..20_700 => (Some("web#1"), Some(refused(Cause::Authentication, "28P01")), 5),
            20_700..21_100 => (None, None, 0),
            _ => (Some("web#2"), Some(Outcome::Ok(())), 8),
        };
        let credential = credential.map(str::to_owned);
        tape.client("web", (ms, ms + took), Event::Used { credential, outcome });
    }
}

fn probes(tape: &mut Tape) {
    for half in 0..92 {
        let ms = 650 + half * 500;
        let down = (36_000..40_880).contains(&ms);
        let outcome = match ms {
            _ if down => unknown(Silence::Unreachable, "connection refused"),
            40_881..41_400 => Outcome::Ok(503),
            _ => Outcome::Ok(200),
        };
        tape.probe((ms, ms + 3), Event::Health { node: None, outcome });
        if half % 4 == 0 && ms > 1_000 {
            let user = Principal { valid_until: Some(Moment::from_millis(36_009)), can_login: true, hosts: Vec::new() };
            let credential = "cred".to_owned();
            tape.probe((ms + 20, ms + 24), Event::PrincipalRead { credential, outcome: Outcome::Ok(Some(user)) });
        }
    }
    let read = LedgerRead {
        leases: Outcome::Ok(vec!["database/creds/app/web#2".to_owned()]),
        principals: Outcome::Ok(vec!["v-root-app-cred".to_owned(), "v-root-app-web#2".to_owned()]),
    };
    tape.probe((46_300, 46_340), Event::Ledger(read));
}
