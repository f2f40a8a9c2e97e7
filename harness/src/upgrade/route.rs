//! The way of a scenario through an upgrade: where it says `upgrade`, and else where one can be put without changing what
//! it shows.

use crate::scenario::file::{self, Fault, Seal, Storage};
use crate::scenario::mark::{Marked, Place};
use crate::scenario::{Action, Scenario, Step, Verb};

/// A scenario that goes through an upgrade.
#[derive(Debug, Clone)]
pub struct Route {
    /// The scenario, with an upgrade in it.
    pub scenario: Scenario,
    /// Whether the upgrade was put there, after the step on this line, and does not stand in the file.
    pub put_after: Option<usize>,
}

/// Why a scenario is not rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    /// What it does between its upgrades would be forgotten.
    #[error("it goes on while versions are mixed, and a rollback forgets by nature what is done then")]
    InStages,
    /// What comes back is initialised with key shares.
    #[error("another Vault unseals it, which a server that is started anew does not know")]
    SealedElsewhere,
    /// The disk goes with its server.
    #[error("its data lies on a disk of its own")]
    OwnDisk,
}

/// Whether a scenario that goes through an upgrade can be rolled back right after it.
pub fn back(through: &Scenario) -> Result<(), NoWayBack> {
    let mut upgrades = Vec::new();
    collect(&through.steps, &mut upgrades);
    match upgrades[..] {
        [upgrade] if upgrade.node.is_none() => {}
        _ => return Err(NoWayBack::InStages),
    }
    if through.stack.seal == Seal::Transit {
        return Err(NoWayBack::SealedElsewhere);
    }
    if through.stack.own_disk { Err(NoWayBack::OwnDisk) } else { Ok(()) }
}

fn collect(steps: &[Step], upgrades: &mut Vec<file::Upgrade>) {
    for step in steps {
        let Action::Fault(fault, during) = &step.action else { continue };
        upgrades.extend(fault.upgrade.as_ref().map(|upgrade| upgrade.value));
        collect(during.as_deref().unwrap_or_default(), upgrades);
    }
}

/// Why a scenario does not go through an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// Nothing is out that an upgrade could harm.
    #[error("nothing is out when its first fault begins, so there is nothing for an upgrade to harm")]
    NothingOut,
    /// The first thing that is taken out ends too soon.
    #[error("what it takes out ends within {0} s, and may end while the server is being changed")]
    TooShort(u64),
}

/// What lives shorter than this may end during the upgrade itself, and the scenario would show something else.
const LONG_ENOUGH: u64 = 20;

/// The way of a scenario through an upgrade.
pub fn of(scenario: &Scenario) -> Result<Route, NoRoute> {
    if says_upgrade(&scenario.steps) {
        return Ok(Route { scenario: scenario.clone(), put_after: None });
    }
    let quiet = scenario.steps.iter().take_while(|step| !matches!(step.action, Action::Fault(..) | Action::Wait(_)));
    let last = quiet.enumerate().filter(|(_, step)| takes_out(step)).last().map(|(index, _)| index);
    let last = last.ok_or(NoRoute::NothingOut)?;
    if let Some(shortest) = shortest_life(scenario).filter(|seconds| *seconds < LONG_ENOUGH) {
        return Err(NoRoute::TooShort(shortest));
    }
    let at = scenario.steps[last].at;
    let mut through = scenario.clone();
    through.stack.storage = Storage::Raft;
    through.steps.insert(last + 1, upgrade(at));
    Ok(Route { scenario: through, put_after: Some(scenario.sources.in_own(at).line) })
}

fn says_upgrade(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Fault(fault, during) => fault.upgrade.is_some() || during.as_deref().is_some_and(says_upgrade),
        _ => false,
    })
}

/// Whether a step leaves something out that lives on: a credential, a password, a token, a session.
fn takes_out(step: &Step) -> bool {
    let Action::Do(verb) = &step.action else { return false };
    match verb.as_ref() {
        Verb::Issue(issue) => issue.name.is_some() && issue.answers.is_none(),
        Verb::Read(_) | Verb::Token(_) | Verb::Open(_) => true,
        _ => false,
    }
}

/// The shortest TTL or period in the scenario, in seconds.
fn shortest_life(scenario: &Scenario) -> Option<u64> {
    let connections = || scenario.database.iter().flat_map(|database| &database.connections);
    let roles = connections().flat_map(|c| &c.roles).flat_map(|role| [role.default_ttl, role.max_ttl]);
    let periods = connections().flat_map(|c| &c.static_roles).map(|role| Some(role.rotation_period));
    let tokens = scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Do(verb) => match verb.as_ref() {
            Verb::Token(token) => Some([token.ttl, token.period, token.explicit_max_ttl]),
            _ => None,
        },
        _ => None,
    });
    let tokens = tokens.flatten().map(|length| length.map(|length| length.0));
    roles.chain(periods).chain(tokens).flatten().map(|length| length.as_secs()).min()
}

fn upgrade(at: Place) -> Step {
    let fault = Fault { upgrade: Some(Marked { value: file::Upgrade::default(), at }), ..Fault::default() };
    Step { at, action: Action::Fault(Box::new(fault), None), cites: Vec::new(), deviates: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(text: &str) -> Scenario {
        let text = format!("name: One\nstack: {{ vault: {{ storage: raft }}, postgres: {{}} }}\n{text}");
        let loaded = crate::scenario::parse(&text);
        loaded.scenario.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
    }

    fn with_role(ttl: &str, steps: &str) -> Scenario {
        scenario(&format!(
            "engines: {{ database: {{ postgres: {{ roles: {{ app: {{ default_ttl: {ttl}, max_ttl: 1h }} }} }} }} }}\nsteps:\n{steps}"
        ))
    }

    const ISSUE: &str = "  - issue: { role: database/app, as: cred }\n";
    const EXPECT: &str = "  - expect: { login: { with: cred, accepted: true } }\n";
    const FAULT: &str = "  - fault: { seal: {} }\n";

    #[test]
    fn where_a_scenario_says_upgrade_it_is_left_as_it_is() {
        let wanted = with_role("5s", &format!("{ISSUE}  - fault: {{ upgrade: {{}} }}\n{EXPECT}"));
        let route = of(&wanted).unwrap();
        assert_eq!((route.put_after, route.scenario.steps.len()), (None, 3));
    }

    #[test]
    fn an_upgrade_is_put_after_the_last_thing_that_is_taken_out_before_the_first_fault() {
        let plain = with_role(
            "5m",
            &format!("{ISSUE}{EXPECT}  - token: {{ as: mine }}\n{EXPECT}{FAULT}{ISSUE}{EXPECT}")
                .replacen(ISSUE, ISSUE, 1)
                .replace(
                    &format!("{FAULT}{ISSUE}"),
                    &format!("{FAULT}  - issue: {{ role: database/app, as: later }}\n"),
                ),
        );
        let route = of(&plain).unwrap();
        let at = route.scenario.steps.iter().position(|step| says_upgrade(std::slice::from_ref(step)));
        assert_eq!(at, Some(3));
        assert_eq!(route.scenario.steps.len(), plain.steps.len() + 1);
        assert_eq!(route.put_after, Some(plain.steps[2].at.line));
        assert_eq!(route.scenario.stack.storage, Storage::Raft);
    }

    #[test]
    fn a_scenario_without_anything_out_before_its_first_fault_has_no_route() {
        let plain = with_role("5m", &format!("{FAULT}{ISSUE}{EXPECT}"));
        assert_eq!(of(&plain).unwrap_err(), NoRoute::NothingOut);
    }

    #[test]
    fn what_is_upgraded_at_once_can_be_rolled_back_and_what_goes_on_in_stages_cannot() {
        let fault = "  - fault: { upgrade: {} }\n";
        assert_eq!(back(&with_role("5m", &format!("{ISSUE}{fault}{EXPECT}"))), Ok(()));
        let inside =
            "  - fault: { down: { from: vault, to: postgres } }\n    during:\n      - fault: { upgrade: {} }\n";
        assert_eq!(back(&with_role("5m", &format!("{ISSUE}{inside}{EXPECT}"))), Ok(()));
        let stages = "name: One\nstack: { vault: { storage: raft, nodes: 3 } }\nsteps:\n  \
            - fault: { upgrade: { node: follower } }\n  - fault: { upgrade: {} }\n  - expect: { health: { status: 200 } }\n";
        assert_eq!(back(&crate::scenario::parse(stages).scenario.unwrap()), Err(NoWayBack::InStages));
    }

    #[test]
    fn a_scenario_whose_credentials_may_end_meanwhile_has_no_route() {
        let plain = with_role("5s", &format!("{ISSUE}{EXPECT}"));
        assert_eq!(of(&plain).unwrap_err(), NoRoute::TooShort(5));
    }
}
