//! The model held against what is documented, and against itself; and what it writes against the loader.

use std::time::Duration;

use proptest::prelude::*;

use super::Path;
use super::draw::{Bounds, draw, operations};
use super::fault::Fault;
use super::operation::{Kind, Operation, Revocation, Role, StaticRole, TokenEnd};
use super::script::Script;
use super::state::{Answer, Model};
use super::static_role::{StaticPassword, StaticTruth};
use super::truth::Truth;
use crate::outcome::Cause;
use crate::scenario::{self, Dbms};
use crate::time::{Interval, Moment};

fn at(seconds: f64) -> Interval {
    let sent = Moment(0).plus(Duration::from_secs_f64(seconds));
    Interval::new(sent, sent.plus(Duration::from_millis(10)))
}

fn status(answer: Option<Answer>) -> Option<(u16, Option<Cause>)> {
    answer.map(|answer| match answer {
        Answer::Done { status, .. } => (status, None),
        Answer::Refused { status, cause, .. } => (status, cause),
    })
}

fn holds(truth: Truth) -> bool {
    matches!(truth, Truth::Holds(_))
}

fn over(truth: Truth) -> bool {
    matches!(truth, Truth::Over { .. })
}

/// A stack with one lease of a role, issued at the start.
fn with_lease(role: Role) -> Model {
    let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
    assert_eq!(status(model.issue(role, None, at(0.0))), Some((200, None)));
    model
}

#[test]
fn a_lease_runs_to_its_end_is_not_known_at_it_and_is_over_after_it() {
    let model = with_lease(Role::App);
    assert!(holds(model.lookup(0, at(5.9))) && holds(model.login(0, at(5.9))));
    assert_eq!(model.lookup(0, at(6.0)), Truth::Unknown);
    assert_eq!(model.login(0, at(6.0)), Truth::Unknown);
    assert!(over(model.lookup(0, at(6.1))) && over(model.login(0, at(6.1))));
}

#[test]
fn a_lease_whose_end_was_waited_for_is_over_and_the_clock_says_no_more_than_it_surely_does() {
    let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
    let late = Interval::new(Moment(0), Moment::from_millis(3_000));
    assert!(model.issue(Role::App, None, late).is_some());
    assert_eq!(model.lookup(0, at(7.0)), Truth::Unknown);
    assert_eq!(model.waited_out(0), Moment::from_millis(6_000));
    assert!(over(model.lookup(0, at(7.0))));
}

#[test]
fn an_increment_counts_from_now_and_never_goes_beyond_the_maximum() {
    let mut model = with_lease(Role::App);
    // A small one shortens the lease.
    let renewed = model.renew(0, Some(Duration::from_secs(2)), at(1.0));
    assert_eq!(renewed, Some(Answer::Done { status: 200, ttl: Some((None, 2)), cites: "LEASE-12" }));
    assert!(holds(model.lookup(0, at(2.9))) && over(model.lookup(0, at(3.1))));
    let mut model = with_lease(Role::App);
    assert!(model.renew(0, None, at(5.0)).is_some());
    let Some(Answer::Done { ttl: Some((None, most)), .. }) = model.renew(0, None, at(10.0)) else { panic!() };
    assert!(most <= 3, "{most}");
    assert!(holds(model.login(0, at(11.9))) && over(model.login(0, at(12.1))));
}

#[test]
fn a_revocation_that_was_waited_for_is_done_and_one_that_was_not_is_done_soon() {
    let mut model = with_lease(Role::Slow);
    assert_eq!(status(model.revoke(0, Revocation::Waiting, at(1.0))), Some((204, None)));
    assert_eq!(model.login(0, at(1.1)), Truth::Over { within: Duration::ZERO, cites: "LEASE-02" });
    assert_eq!(status(model.renew(0, None, at(1.2))), Some((400, Some(Cause::LeaseNotFound))));
    let mut model = with_lease(Role::Slow);
    assert_eq!(status(model.revoke(0, Revocation::Queued, at(1.0))), Some((202, None)));
    assert!(matches!(model.login(0, at(1.1)), Truth::Over { within, .. } if !within.is_zero()));
}

#[test]
fn in_an_outage_a_revocation_that_is_waited_for_fails_and_the_lease_lives_on() {
    let mut model = with_lease(Role::Slow);
    model.breaks(Fault::Down, at(1.0));
    let refused = status(model.revoke(0, Revocation::Waiting, at(2.0)));
    assert_eq!(refused, Some((400, Some(Cause::TargetUnreachable))));
    assert!(holds(model.lookup(0, at(2.1))) && holds(model.login(0, at(2.1))));
    model.mends(at(3.0));
    assert!(holds(model.login(0, at(4.0))));
}

#[test]
fn in_an_outage_a_revocation_in_the_background_is_kept_and_the_login_works_until_it_is_tried_again() {
    let mut model = with_lease(Role::Slow);
    model.breaks(Fault::Down, at(1.0));
    assert_eq!(status(model.revoke(0, Revocation::Queued, at(2.0))), Some((202, None)));
    assert!(matches!(model.lookup(0, at(2.1)), Truth::Kept(_)) && holds(model.login(0, at(2.1))));
    model.mends(at(3.0));
    // When it is tried again is the server's own matter.
    assert_eq!((model.lookup(0, at(4.0)), model.login(0, at(4.0))), (Truth::Unknown, Truth::Unknown));
    assert!(model.awaits_retry(0, at(4.0)));
    // Revoked once more, and waited for, it is gone.
    assert_eq!(status(model.revoke(0, Revocation::Waiting, at(5.0))), Some((204, None)));
    assert!(over(model.login(0, at(5.1))) && !model.awaits_retry(0, at(5.1)));
}

#[test]
fn a_sealed_vault_refuses_and_revokes_nothing_and_the_database_ends_the_login_by_itself() {
    let mut model = with_lease(Role::App);
    model.breaks(Fault::Seal, at(1.0));
    assert_eq!(status(model.issue(Role::App, None, at(2.0))), Some((503, Some(Cause::Sealed))));
    assert_eq!(model.lookup(0, at(2.0)), Truth::Unknown);
    assert!(holds(model.login(0, at(2.0))));
    assert_eq!(model.login(0, at(8.0)), Truth::Unknown);
    assert!(over(model.login(0, at(13.1))));
    model.mends(at(14.0));
    assert!(over(model.lookup(0, at(14.9))));
}

#[test]
fn a_user_without_an_end_of_its_own_is_known_to_be_gone_only_when_vault_serves_again() {
    let mut model = with_lease(Role::Bare);
    model.breaks(Fault::Seal, at(1.0));
    assert_eq!(model.login(0, at(60.0)), Truth::Unknown);
    model.mends(at(61.0));
    assert!(over(model.login(0, at(62.0))));
}

#[test]
fn nothing_is_asked_of_a_vault_that_is_away_or_of_a_database_that_is_silent() {
    let mut model = with_lease(Role::Slow);
    model.breaks(Fault::Kill, at(1.0));
    assert_eq!((model.issue(Role::App, None, at(2.0)), model.revoke(0, Revocation::Queued, at(2.0))), (None, None));
    model.mends(at(3.0));
    model.breaks(Fault::Cut, at(4.0));
    assert_eq!(model.issue(Role::App, None, at(5.0)), None);
    assert_eq!(status(model.revoke(0, Revocation::Queued, at(5.0))), Some((202, None)));
}

#[test]
fn what_vault_was_made_to_forget_in_an_outage_stays_at_the_database() {
    let mut model = with_lease(Role::Slow);
    model.breaks(Fault::DatabaseStop, at(1.0));
    assert_eq!(status(model.revoke(0, Revocation::Forced, at(2.0))), Some((204, None)));
    model.mends(at(3.0));
    assert!(over(model.lookup(0, at(4.0))) && holds(model.login(0, at(4.0))) && model.leaves_orphans());
}

#[test]
fn a_token_takes_its_children_and_all_their_leases_along_unless_it_is_revoked_alone() {
    let tree = || {
        let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
        assert!(model.make_token(None, false, at(0.0)).is_some());
        assert!(model.make_token(Some(0), false, at(0.1)).is_some());
        for token in 0..2 {
            assert!(model.issue(Role::Slow, Some(token), at(0.2)).is_some());
        }
        model
    };
    let mut whole = tree();
    assert_eq!(status(whole.end_token(0, TokenEnd::Accessor, at(1.0))), Some((204, None)));
    assert!(over(whole.token(0, at(2.0))) && over(whole.token(1, at(2.0))));
    assert!(over(whole.login(0, at(2.0))) && over(whole.login(1, at(2.0))));
    let mut alone = tree();
    assert_eq!(status(alone.end_token(0, TokenEnd::Orphaning, at(1.0))), Some((204, None)));
    assert!(over(alone.login(0, at(2.0))) && holds(alone.login(1, at(2.0))) && holds(alone.token(1, at(2.0))));
    let refused = status(alone.issue(Role::App, Some(0), at(2.0)));
    assert_eq!(refused, Some((403, Some(Cause::PermissionDenied))));
}

/// A stack whose static role was rotated at the start, and then read.
fn with_password(role: StaticRole) -> Model {
    let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
    assert_eq!(status(model.rotate_static(role, at(0.0))), Some((204, None)));
    assert_eq!(status(model.read_static(role, at(0.1))), Some((200, None)));
    model
}

fn password(model: &Model, role: StaticRole, seconds: f64) -> StaticPassword {
    model.static_role(role, at(seconds)).unwrap().password
}

fn is_same(password: StaticPassword) -> bool {
    matches!(password, StaticPassword::Same(_))
}

#[test]
fn a_static_password_stays_until_it_is_due_and_is_another_one_a_tick_after_that() {
    let model = with_password(StaticRole::Often);
    assert!(is_same(password(&model, StaticRole::Often, 9.9)));
    assert_eq!(password(&model, StaticRole::Often, 12.0), StaticPassword::Unknown);
    assert!(matches!(password(&model, StaticRole::Often, 21.0), StaticPassword::Another(..)));
    assert!(is_same(password(&with_password(StaticRole::Rarely), StaticRole::Rarely, 1_000.0)));
}

#[test]
fn nothing_is_said_of_a_static_role_that_nobody_read_and_nothing_of_when_the_first_rotation_comes() {
    let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
    assert_eq!(model.static_role(StaticRole::Often, at(1.0)), None);
    assert!(model.read_static(StaticRole::Often, at(1.0)).is_some());
    assert_eq!(password(&model, StaticRole::Often, 1.1), StaticPassword::Unknown);
}

#[test]
fn a_rotation_by_hand_changes_the_password_at_once() {
    let mut model = with_password(StaticRole::Rarely);
    assert_eq!(status(model.rotate_static(StaticRole::Rarely, at(1.0))), Some((204, None)));
    assert_eq!(password(&model, StaticRole::Rarely, 1.1), StaticPassword::Another(Duration::ZERO, "DBSTATIC-02"));
}

#[test]
fn a_password_that_falls_due_in_an_outage_stays_and_changes_after_it() {
    let mut model = with_password(StaticRole::Often);
    model.breaks(Fault::Down, at(1.0));
    assert_eq!(password(&model, StaticRole::Often, 30.0), StaticPassword::Same("DBSTATIC-03"));
    model.mends(at(31.0));
    let changed = password(&model, StaticRole::Often, 31.1);
    assert!(matches!(changed, StaticPassword::Another(within, "DBSTATIC-03") if !within.is_zero()), "{changed:?}");
}

#[test]
fn a_rotation_that_was_refused_in_an_outage_is_made_up_for_unless_vault_was_away_meanwhile() {
    let refused = |model: &mut Model| {
        model.breaks(Fault::DatabaseStop, at(1.0));
        assert_eq!(status(model.rotate_static(StaticRole::Rarely, at(2.0))).map(|(status, _)| status), Some(500));
        assert_eq!(password(model, StaticRole::Rarely, 2.1), StaticPassword::Same("DBSTATIC-04"));
    };
    let mut model = with_password(StaticRole::Rarely);
    refused(&mut model);
    model.mends(at(3.0));
    assert!(matches!(password(&model, StaticRole::Rarely, 3.1), StaticPassword::Another(_, "DBSTATIC-04")));
    // While it may just be made up for, nobody rotates by hand.
    assert_eq!(model.rotate_static(StaticRole::Rarely, at(3.2)), None);
    let mut model = with_password(StaticRole::Rarely);
    refused(&mut model);
    model.breaks(Fault::Kill, at(3.0));
    model.mends(at(4.0));
    model.mends(at(5.0));
    assert_eq!(password(&model, StaticRole::Rarely, 6.0), StaticPassword::Unknown);
}

#[test]
fn a_rotation_that_may_have_been_under_way_when_a_fault_began_is_not_judged_until_the_next_one() {
    let mut model = with_password(StaticRole::Often);
    model.breaks(Fault::Seal, at(10.0));
    model.mends(at(11.0));
    let truth = model.static_role(StaticRole::Often, at(12.0)).unwrap();
    assert_eq!((truth.password, truth.logs_in), (StaticPassword::Unknown, None));
    assert_eq!(status(model.read_static(StaticRole::Often, at(12.0))), Some((200, None)));
}

#[test]
fn what_may_hang_in_silence_is_asked_for_nothing_more() {
    let mut model = with_password(StaticRole::Often);
    model.breaks(Fault::Cut, at(1.0));
    assert_eq!(model.rotate_static(StaticRole::Often, at(2.0)), None);
    model.mends(at(30.0));
    assert_eq!(model.rotate_static(StaticRole::Often, at(31.0)), None);
    assert_eq!(model.static_role(StaticRole::Often, at(31.0)).unwrap().logs_in, None);
}

#[test]
fn mysql_ends_no_login_by_itself_and_nobody_knows_whether_a_renewal_asks_it() {
    let mut model = Model::new(Dbms::Mysql, Duration::ZERO);
    assert!(model.issue(Role::App, None, at(0.0)).is_some());
    model.breaks(Fault::Seal, at(1.0));
    assert_eq!(model.login(0, at(100.0)), Truth::Holds("MYSQL-02"));
    model.mends(at(101.0));
    assert!(over(model.login(0, at(102.0))));
    assert!(model.issue(Role::Slow, None, at(103.0)).is_some());
    assert_eq!(status(model.renew(1, None, at(103.5))), Some((200, None)));
    model.breaks(Fault::Cut, at(104.0));
    assert_eq!(model.renew(1, None, at(105.0)), None);
    assert_eq!(model.issue(Role::App, None, at(105.0)), None);
}

#[test]
fn two_faults_are_never_at_one_place_and_none_begins_that_could_not_be_healed() {
    let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
    model.breaks(Fault::Down, at(1.0));
    assert!(!model.can_break(Fault::Cut) && model.can_break(Fault::Seal) && !model.can_break(Fault::RootPassword));
    model.breaks(Fault::Seal, at(2.0));
    assert!(!model.can_break(Fault::Restart));
    assert_eq!(model.mends(at(3.0)), Some(Fault::Seal));
}

#[test]
fn a_fault_is_known_by_its_name_and_a_mistyped_one_by_what_was_meant() {
    assert!(Fault::ALL.iter().all(|fault| fault.name().parse() == Ok(*fault)));
    let wrong = "seel".parse::<Fault>().unwrap_err().to_string();
    assert!(wrong.contains("did you mean `seal`?") && wrong.contains("root_privilege"), "{wrong}");
    assert!(!"storm".parse::<Fault>().unwrap_err().to_string().contains("did you mean"));
}

#[test]
fn the_same_seed_and_number_give_the_same_sequence_and_others_give_others() {
    let drawn = |seed, number| draw(&Bounds::default(), seed, number).unwrap().current();
    assert_eq!(drawn(7, 3), drawn(7, 3));
    assert_ne!(drawn(7, 3), drawn(7, 4));
    assert_ne!(drawn(7, 3), drawn(8, 3));
}

#[test]
fn every_path_that_is_said_to_be_possible_is_walked_by_some_sequence() {
    for dbms in Dbms::ALL {
        walks_every_path(&Bounds { dbms, ..Bounds::default() });
    }
}

fn walks_every_path(bounds: &Bounds) {
    let mut missed = Path::all(&bounds.faults, bounds.dbms);
    assert!(missed.len() > 90, "{}", missed.len());
    for number in 0..20_000 {
        if missed.is_empty() {
            break;
        }
        let operations = draw(bounds, 1, number).unwrap().current();
        let marks = Script::write("", "", &operations, bounds).marks;
        missed.retain(|path| marks.iter().all(|mark| mark.path != *path));
    }
    assert!(missed.is_empty(), "{:?}", missed.iter().map(ToString::to_string).collect::<Vec<_>>());
}

/// Loads a scenario on a stack such as a program's main thread has: blocks in blocks in blocks, unoptimised, take more than
/// a test's thread has.
fn parsed(text: String) -> scenario::Loaded {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(move || scenario::parse(&text));
    thread.unwrap().join().unwrap()
}

// ---------------------------------------------------------------------------------------------------------- properties

/// Does an operation, if it can be done.
fn act(model: &mut Model, operation: &Operation, at: Interval) -> Option<Answer> {
    let last = |count: usize, back: usize| count.checked_sub(1 + back);
    let lease = |model: &Model, back| last(model.leases().len(), back);
    let token = |model: &Model, back| last(model.tokens().len(), back);
    match *operation {
        Operation::Issue { role, token: with } => {
            let with = with.and_then(|back| token(model, back));
            model.issue(role, with, at)
        }
        Operation::Renew { lease: back, increment } => {
            let id = lease(model, back)?;
            model.renew(id, increment.map(Duration::from_secs), at)
        }
        Operation::Revoke { lease: back, how } => {
            let id = lease(model, back)?;
            model.revoke(id, how, at)
        }
        Operation::RevokeRole(role) => model.revoke_role(role, at),
        Operation::Token { parent, is_brief } => {
            let parent = parent.and_then(|back| token(model, back));
            model.make_token(parent, is_brief, at)
        }
        Operation::RenewToken(back) => {
            let id = token(model, back)?;
            model.renew_token(id, Duration::from_secs(5), at)
        }
        Operation::EndToken { token: back, how } => {
            let id = token(model, back)?;
            model.end_token(id, how, at)
        }
        Operation::RotateRoot => model.rotate_root(),
        Operation::ReadStatic(role) => model.read_static(role, at),
        Operation::RotateStatic(role) => model.rotate_static(role, at),
        Operation::Break(fault) => {
            if model.can_break(fault) {
                model.breaks(fault, at);
            }
            None
        }
        Operation::Mend => {
            model.mends(at);
            None
        }
        Operation::Wait(_) | Operation::WaitForEnd(_) => None,
    }
}

/// Operations, each with the time that passes before it.
fn timed() -> impl Strategy<Value = Vec<(u64, Operation)>> {
    let bounds = Bounds { at_once: 2, ..Bounds::default() };
    operations(&bounds).prop_flat_map(|operations| {
        let gaps = prop::collection::vec(20_u64..3_000, operations.len());
        gaps.prop_map(move |gaps| gaps.into_iter().zip(operations.clone()).collect())
    })
}

/// What the model says after an operation: its answer, leases, logins and tokens, and static roles.
type Said = (Option<Answer>, Vec<Truth>, [Option<StaticTruth>; 2]);

/// Everything that the model says after each operation.
fn walk(sequence: &[(u64, Operation)], shift: u64, wider: u64) -> Vec<Said> {
    let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
    let mut now = 1_000 + shift;
    let mut said = Vec::new();
    for (gap, operation) in sequence {
        now += gap;
        let at = |from: u64, to: u64| Interval::new(Moment::from_millis(from - wider), Moment::from_millis(to + wider));
        let answer = act(&mut model, operation, at(now, now + 5));
        let look = at(now + 6, now + 8);
        let leases = (0..model.leases().len()).flat_map(|id| [model.lookup(id, look), model.login(id, look)]);
        let tokens = (0..model.tokens().len()).map(|id| model.token(id, look));
        let passwords = StaticRole::ALL.map(|role| model.static_role(role, look));
        said.push((answer, leases.chain(tokens).collect(), passwords));
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn shifting_every_time_by_the_same_amount_changes_nothing(sequence in timed(), shift in 0_u64..1_000_000) {
        prop_assert_eq!(walk(&sequence, 0, 0), walk(&sequence, shift, 0));
    }

    /// Whoever knows less of the times says less, and nothing else.
    #[test]
    fn widening_every_interval_never_makes_anything_sure_that_was_not(sequence in timed(), wider in 0_u64..400) {
        for (narrow, wide) in walk(&sequence, 0, 0).iter().zip(walk(&sequence, 0, wider)) {
            // An operation of which nothing could be said was not done: from there on the two are different sequences.
            if status(narrow.0.clone()) != status(wide.0.clone()) {
                break;
            }
            for (narrow, wide) in narrow.1.iter().zip(wide.1) {
                let agrees = match wide {
                    Truth::Unknown => true,
                    Truth::Holds(_) => holds(*narrow),
                    Truth::Over { .. } => over(*narrow),
                    Truth::Kept(_) => matches!(narrow, Truth::Kept(_)),
                };
                prop_assert!(agrees, "{:?} and, with wider intervals, {:?}", narrow, wide);
            }
            for (narrow, wide) in narrow.2.iter().zip(wide.2) {
                let (Some(narrow), Some(wide)) = (narrow, wide) else { continue };
                let agrees = match wide.password {
                    StaticPassword::Unknown => true,
                    StaticPassword::Same(_) => is_same(narrow.password),
                    StaticPassword::Another(..) => matches!(narrow.password, StaticPassword::Another(..)),
                };
                let logs_in = wide.logs_in.is_none_or(|wide| narrow.logs_in.is_some_and(|narrow| narrow <= wide));
                prop_assert!(agrees && logs_in, "{:?} and, with wider intervals, {:?}", narrow, wide);
            }
        }
    }

    /// What is surely over never lives again, whatever is done.
    #[test]
    fn what_is_over_stays_over(sequence in timed()) {
        let mut model = Model::new(Dbms::Postgres, Duration::ZERO);
        let (mut now, mut dead) = (1_000, Vec::new());
        for (gap, operation) in &sequence {
            now += gap;
            let at = |from: u64| Interval::at(Moment::from_millis(from));
            act(&mut model, operation, at(now));
            for id in 0..model.leases().len() {
                let (lookup, login) = (model.lookup(id, at(now + 1)), model.login(id, at(now + 1)));
                prop_assert!(!dead.contains(&(id, 'v')) || !holds(lookup));
                prop_assert!(!dead.contains(&(id, 'l')) || !holds(login));
                dead.extend(over(lookup).then_some((id, 'v')));
                dead.extend(over(login).then_some((id, 'l')));
            }
        }
    }

    #[test]
    fn every_sequence_is_written_as_a_scenario_without_a_mistake(
        operations in operations(&Bounds { at_once: 3, ..Bounds::default() }),
        at_once in 0_usize..=3,
        dbms in prop::sample::select(Dbms::ALL.to_vec()),
    ) {
        let bounds = Bounds { dbms, at_once, ..Bounds::default() };
        let script = Script::write("A sequence's name", "It was drawn.", &operations, &bounds);
        let loaded = parsed(script.text.clone());
        let drawn = loaded.render(scenario::Style::Plain);
        prop_assert!(loaded.scenario.is_some() && loaded.diagnostics.is_empty(), "{}\n{}", drawn, script.text);
        // The marks are on the lines of their steps.
        let lines: Vec<&str> = script.text.lines().collect();
        for mark in &script.marks {
            let line = lines[mark.line - 1].trim_start();
            let is_fault = line.starts_with("- fault:");
            prop_assert!(line.starts_with("- ") && is_fault == (mark.path.kind == Kind::Fault), "{}", line);
            // And what ends there is the beginning of the steps.
            prop_assert!(script.steps_up_to(mark.line).is_some_and(|steps| script.steps().starts_with(&steps)));
        }
    }
}
