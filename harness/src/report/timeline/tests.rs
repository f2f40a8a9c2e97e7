//! Tests of the picture: one of a whole history, and one for each rule that is easy to get wrong.

use super::*;
use crate::event::{Event, Lease, LedgerRead, Principal, Renewal, Revocation};
use crate::outcome::{Cause, Refusal, Silence, Unknown};
use crate::tape::{Tape, login, refused, reply, shut_out, unknown, used};

fn lane<'a>(timeline: &'a Timeline, kind: LaneKind, name: &str) -> &'a Lane {
    timeline.lanes.iter().find(|l| l.kind == kind && l.name == name).unwrap()
}

fn issue(credential: &str, ttl: u64) -> Event {
    let body = Lease {
        lease_id: format!("database/creds/app/{credential}"),
        username: "v-app".to_owned(),
        ttl,
        renewable: true,
    };
    Event::Issued {
        credential: credential.to_owned(),
        role: "database/app".to_owned(),
        token: None,
        outcome: reply(200, body),
    }
}

fn renew(credential: &str, ttl: u64) -> Event {
    let body = Renewal { lease_id: String::new(), ttl, renewable: true, data: false };
    Event::Renewed { credential: credential.to_owned(), increment: None, outcome: reply(200, body) }
}

fn revoke(what: Revocation) -> Event {
    Event::Revoked { what, sync: Some(true), force: false, outcome: reply(204, ()) }
}

fn bars(lane: &Lane) -> Vec<(u64, u64, Tone)> {
    bars_in(0, lane)
}

fn bars_in(row: usize, lane: &Lane) -> Vec<(u64, u64, Tone)> {
    lane.bars.iter().filter(|b| b.row == row).map(|b| (b.from.0 / 1000, b.to.0 / 1000, b.tone)).collect()
}

fn health(node: Option<crate::scenario::file::Node>, outcome: Outcome<u16>) -> Event {
    Event::Health { node, outcome }
}

fn user(credential: &str, there: bool) -> Event {
    let user = there.then(|| Principal { valid_until: None, can_login: true, hosts: Vec::new() });
    Event::PrincipalRead { credential: credential.to_owned(), outcome: Outcome::Ok(user) }
}

#[test]
fn the_picture_of_a_whole_history() {
    insta::assert_snapshot!(draw(&of(&crate::report::sample::tape::history())));
}

/// The picture in text: a line for each bar and the number of ticks of each kind.
fn draw(timeline: &Timeline) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} to {}\n", timeline.from, timeline.to);
    for w in &timeline.windows {
        let to = w.to.map_or_else(|| "the end".to_owned(), |to| to.to_string());
        let _ = writeln!(text, "fault {}: {}, {}/{} to {to}", w.fault, w.title, w.from, w.in_effect);
    }
    for lane in &timeline.lanes {
        let _ = writeln!(text, "\n{:?} {}", lane.kind, lane.name);
        for b in &lane.bars {
            let _ = writeln!(text, "  {} to {}, row {}: {:?} ({}) #{}", b.from, b.to, b.row, b.tone, b.label, b.seq);
        }
        for mark in [Mark::Ok, Mark::Refused, Mark::Unknown, Mark::Without, Mark::Revoked, Mark::Note] {
            let ticks: Vec<_> = lane.ticks.iter().filter(|t| t.mark == mark).collect();
            if let (Some(first), Some(last)) = (ticks.first(), ticks.last()) {
                let _ = writeln!(text, "  {} × {mark:?}: #{} {} … #{}", ticks.len(), first.seq, first.label, last.seq);
            }
        }
    }
    text
}

#[test]
fn an_empty_history_is_an_empty_picture() {
    assert_eq!(of(&[]), Timeline::default());
}

#[test]
fn a_renewal_moves_the_end_of_a_lease_from_its_own_answer_even_to_an_earlier_one() {
    let mut tape = Tape::default();
    tape.operator((0, 10), "1", issue("cred", 60)).operator((5_000, 5_010), "2", renew("cred", 20));
    let timeline = of(&tape.entries());
    let cred = lane(&timeline, LaneKind::Credential, "cred");
    assert_eq!(bars(cred), [(0, 5_010, Tone::Lease), (5_010, 25_010, Tone::Lease)]);
}

#[test]
fn a_revocation_cuts_the_lease_and_keeps_what_it_cut_off() {
    let mut tape = Tape::default();
    tape.operator((0, 10), "1", issue("cred", 60));
    tape.operator((4_000, 4_020), "2", revoke(Revocation::Lease("cred".to_owned())));
    tape.operator((5_000, 5_020), "3", revoke(Revocation::Lease("cred".to_owned())));
    let timeline = of(&tape.entries());
    let cred = lane(&timeline, LaneKind::Credential, "cred");
    assert_eq!(bars(cred), [(0, 4_020, Tone::Lease), (4_020, 60_010, Tone::Cut)]);
    assert_eq!(cred.ticks.iter().filter(|t| t.mark == Mark::Revoked).count(), 2);
}

#[test]
fn a_refused_or_unknown_revocation_cuts_nothing() {
    let silent = Outcome::Unknown(Unknown { why: Silence::Deadline, detail: "no answer within 2s".to_owned() });
    for outcome in [refused(Cause::TargetUnreachable, "400"), silent] {
        let mut tape = Tape::default();
        tape.operator((0, 10), "1", issue("cred", 60));
        let what = Revocation::Lease("cred".to_owned());
        tape.operator((4_000, 4_020), "2", Event::Revoked { what, sync: None, force: false, outcome });
        assert_eq!(bars(lane(&of(&tape.entries()), LaneKind::Credential, "cred")), [(0, 60_010, Tone::Lease)]);
    }
}

#[test]
fn the_revocation_of_a_clients_token_cuts_what_the_client_holds_and_nothing_else() {
    let mut tape = Tape::default();
    tape.client("web", (0, 10), issue("web#1", 60)).client("api", (0, 12), issue("api#1", 60));
    tape.operator((4_000, 4_020), "1", revoke(Revocation::Token("web".to_owned())));
    let timeline = of(&tape.entries());
    assert_eq!(lane(&timeline, LaneKind::Credential, "web#1").bars.len(), 2);
    assert_eq!(lane(&timeline, LaneKind::Credential, "api#1").bars.len(), 1);
}

#[test]
fn a_credential_that_was_never_had_makes_no_lane_but_stays_on_vaults() {
    let mut tape = Tape::default();
    let outcome = Outcome::Refused(Refusal {
        cause: Cause::TargetUnreachable,
        code: "500".to_owned(),
        message: "dial".to_owned(),
        target_code: None,
    });
    let event = Event::Issued { credential: "web#2".to_owned(), role: "database/app".to_owned(), token: None, outcome };
    tape.client("web", (0, 10), event);
    let timeline = of(&tape.entries());
    assert!(timeline.lanes.iter().all(|l| l.kind != LaneKind::Credential));
    assert_eq!(lane(&timeline, LaneKind::Vault, "").ticks[0].mark, Mark::Refused);
}

#[test]
fn a_fault_whose_healing_failed_lasts_to_the_end() {
    let mut tape = Tape::default();
    let title = "cut".to_owned();
    tape.harness((0, 10), Event::FaultInjected { fault: 1, title, disturbs: vec![], seen: String::new() });
    tape.harness((20, 30), Event::FaultHealed { fault: 1, outcome: refused(Cause::Internal, "500") });
    tape.harness((90, 90), Event::Note("later".to_owned()));
    let timeline = of(&tape.entries());
    assert_eq!(timeline.windows[0].to, None);
    assert_eq!(bars(lane(&timeline, LaneKind::Faults, "")), [(0, 90, Tone::Fault)]);
}

#[test]
fn steps_within_a_step_lie_in_a_row_of_their_own_and_one_that_never_ended_is_inconclusive() {
    let began = |number: &str| Event::StepBegan {
        number: number.to_owned(),
        title: "x".to_owned(),
        line: 1,
        fragment: None,
        ends: None,
    };
    let mut tape = Tape::default();
    tape.operator((0, 0), "1", began("1")).operator((5, 5), "1.1", began("1.1"));
    tape.operator(
        (9, 9),
        "1.1",
        Event::StepEnded { number: "1.1".to_owned(), judgement: crate::outcome::Judgement::held("y", vec![]) },
    );
    tape.harness((20, 20), Event::Note("killed".to_owned()));
    let steps = of(&tape.entries());
    let steps = lane(&steps, LaneKind::Steps, "");
    assert_eq!(bars_in(0, steps), [(0, 20, Tone::Inconclusive)]);
    assert_eq!(bars_in(1, steps), [(5, 9, Tone::Held)]);
}

#[test]
fn health_is_a_bar_that_turns_with_what_vault_says_of_itself() {
    let mut tape = Tape::default();
    for (ms, status) in [(0, 200), (100, 200), (200, 503), (300, 503), (400, 429), (500, 501)] {
        tape.probe((ms, ms + 5), health(None, Outcome::Ok(status)));
    }
    tape.probe((600, 605), health(None, unknown(Silence::Unreachable, "connection refused")));
    let timeline = of(&tape.entries());
    let lane = lane(&timeline, LaneKind::Health, "");
    let labels: Vec<_> = lane.bars.iter().map(|b| (b.from.0 / 1000, b.tone, b.label.as_str())).collect();
    assert_eq!(
        labels,
        [
            (0, Tone::Up, "active"),
            (200, Tone::Sealed, "sealed"),
            (400, Tone::Standby, "standby"),
            (500, Tone::Refused, "not initialised"),
            (600, Tone::Unknown, "no answer")
        ]
    );
    assert_eq!(lane.ticks.len(), 7);
    assert!(timeline.lanes.iter().all(|lane| lane.kind != LaneKind::Vault), "they do not stand among the calls");
}

#[test]
fn the_logins_of_a_credential_are_a_row_below_its_lease_and_neither_moves_the_other() {
    let mut tape = Tape::default();
    tape.client("web", (0, 10), issue("web#1", 60)).client("web", (100, 110), used("web#1", Outcome::Ok(())));
    tape.operator((200, 210), "1", login("web#1", Outcome::Ok(()))).client("web", (300, 310), renew("web#1", 60));
    tape.operator((400, 410), "2", revoke(Revocation::Lease("web#1".to_owned())));
    tape.client("web", (500, 505), used("web#1", shut_out()));
    let timeline = of(&tape.entries());
    let lane = lane(&timeline, LaneKind::Credential, "web#1");
    assert_eq!(bars(lane), [(0, 310, Tone::Lease), (310, 410, Tone::Lease), (410, 60_310, Tone::Cut)]);
    assert_eq!(bars_in(1, lane), [(100, 210, Tone::Working), (500, 505, Tone::Refused)]);
}

#[test]
fn a_user_is_at_the_target_from_the_first_look_that_saw_it_to_the_last() {
    let mut tape = Tape::default();
    tape.operator((0, 10), "1", issue("cred", 60)).operator((100, 110), "2", login("cred", Outcome::Ok(())));
    // Neither a refused login nor silence says that a user is gone.
    tape.operator((200, 210), "3", login("cred", shut_out())).probe((300, 310), user("cred", true));
    tape.probe((400, 410), user("cred", false)).probe((500, 510), user("cred", false));
    tape.harness((900, 900), Event::Note("later".to_owned()));
    let timeline = of(&tape.entries());
    assert_eq!(bars(lane(&timeline, LaneKind::Principals, "")), [(100, 310, Tone::There)]);
}

#[test]
fn a_ledger_sees_every_user_and_who_is_not_in_the_next_was_there_until_last_seen() {
    let read = |principals: &[&str]| {
        let principals = Outcome::Ok(principals.iter().map(|name| (*name).to_owned()).collect());
        Event::Ledger(LedgerRead { leases: Outcome::Ok(Vec::new()), principals })
    };
    let issued = crate::tape::issued;
    let mut tape = Tape::default();
    tape.operator((0, 10), "1", issued("a", 60)).operator((20, 30), "2", issued("b", 60));
    tape.probe((100, 110), read(&["v-root-app-a", "v-root-app-b", "v-somebody"]))
        .probe((200, 210), read(&["v-root-app-b"]));
    tape.harness((900, 900), Event::Note("later".to_owned()));
    let timeline = of(&tape.entries());
    let principals = lane(&timeline, LaneKind::Principals, "");
    let told: Vec<_> = principals.bars.iter().map(|b| (b.label.as_str(), b.to.0 / 1000)).collect();
    assert_eq!(told, [("a", 110), ("b", 210), ("v-somebody", 110)]);
    assert_eq!(principals.bars.iter().map(|b| b.row).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_session_has_a_lane_and_its_bar_says_whether_it_can_read() {
    let mut tape = Tape::default();
    let opened =
        Event::SessionOpened { session: "pooled".to_owned(), credential: "cred".to_owned(), outcome: Outcome::Ok(()) };
    let session =
        |reads_table| Event::SessionUsed { session: "pooled".to_owned(), answers: Outcome::Ok(()), reads_table };
    tape.operator((0, 5), "1", opened).operator((100, 105), "2", session(Outcome::Ok(())));
    tape.operator((200, 205), "3", session(refused(Cause::Privilege, "42501")));
    let timeline = of(&tape.entries());
    let told = bars(lane(&timeline, LaneKind::Session, "pooled"));
    assert_eq!(told, [(0, 105, Tone::Working), (200, 205, Tone::Refused)]);
}

#[test]
fn every_call_is_on_the_latency_lane_of_the_server_that_answered_it() {
    let mut tape = Tape::default();
    tape.operator((0, 10), "1", issue("cred", 60)).operator((20, 30), "2", login("cred", Outcome::Ok(())));
    tape.client("web", (40, 40), Event::Used { credential: None, outcome: None });
    tape.harness((50, 50), Event::Note("no call".to_owned()));
    let timeline = of(&tape.entries());
    let seqs = |name| lane(&timeline, LaneKind::Latency, name).ticks.iter().map(|t| t.seq).collect::<Vec<_>>();
    assert_eq!((seqs("vault"), seqs("target")), (vec![0], vec![1]));
}
