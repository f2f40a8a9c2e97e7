//! A path: an operation, and what was broken while it was done.

use std::fmt;

use super::fault::{Fault, Target, Vault};
use super::operation::Kind;
use crate::scenario::Dbms;

/// What was done under what circumstances.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// What.
    pub kind: Kind,
    /// The faults that were in force, outermost first.
    pub faults: Vec<Fault>,
}

impl Path {
    /// The paths that can be walked with these faults: every operation without a fault, and under each one of them.
    pub fn all(faults: &[Fault], dbms: Dbms) -> Vec<Self> {
        let lasting = faults.iter().copied().filter(|fault| !fault.is_momentary());
        let circumstances = std::iter::once(Vec::new()).chain(lasting.map(|fault| vec![fault]));
        circumstances
            .flat_map(|faults| Kind::OF_SERVERS.map(|kind| Self { kind, faults: faults.clone() }))
            .filter(|path| path.can_be_judged(dbms))
            .collect()
    }

    /// Whether the model can say what the answer must be.
    fn can_be_judged(&self, dbms: Dbms) -> bool {
        let may_ask_nothing = self.kind == Kind::Renew && !renewal_asks(dbms);
        let waits_for_target = matches!(
            self.kind,
            Kind::Issue
                | Kind::IssueWithToken
                | Kind::Renew
                | Kind::Revoke
                | Kind::RevokeForced
                | Kind::RevokeRole
                | Kind::RotateRoot
                | Kind::RotateStatic
        );
        self.faults.iter().all(|fault| match fault.vault() {
            Vault::Away => false,
            Vault::Sealed => true,
            Vault::Serving => match fault.target() {
                Target::Working => true,
                Target::Silent => !waits_for_target,
                Target::Refusing(..) | Target::Unreachable => self.kind != Kind::RotateRoot && !may_ask_nothing,
            },
        })
    }
}

/// Whether a renewal asks the database: MySQL has no end of a user that it could move.
pub(super) fn renewal_asks(dbms: Dbms) -> bool {
    dbms == Dbms::Postgres
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        let mut faults = self.faults.iter();
        if let Some(first) = faults.next() {
            write!(f, " under {first}")?;
        }
        faults.try_for_each(|fault| write!(f, " and {fault}"))
    }
}
