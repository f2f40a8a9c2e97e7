//! The processes that belong together, as /proc tells: found, paused, resumed and killed as one.
//!
//! A process group is not enough: every PostgreSQL backend makes a session and so a group of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// How long signals may take to show in /proc. Only a process stuck in the kernel needs more than milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a kill first tries to hold everyone still.
const FREEZE: Duration = Duration::from_millis(500);
/// Between two looks at /proc, which has no event for what is waited for.
const NAP: Duration = Duration::from_millis(1);

/// One process and no later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// In clock ticks since boot.
    pub(super) started: u64,
}

/// What /proc says of one process.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) identity: Identity,
    state: char,
    parent: i32,
    group: i32,
    session: i32,
    terminal: i32,
}

impl Member {
    /// The process with this number, if there is one.
    pub(super) fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces and parentheses itself.
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse().ok();
        let started = fields.get(19)?.parse().ok()?;
        Some(Self {
            identity: Identity { pid, started },
            state: fields.first()?.chars().next()?,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            terminal: number(4)?,
        })
    }

    /// The program it runs, if we may know.
    pub(super) fn program(&self) -> Option<PathBuf> {
        let link = fs::read_link(format!("/proc/{}/exe", self.identity.pid)).ok()?;
        Some(link.to_str().and_then(|text| text.strip_suffix(" (deleted)")).map_or(link.clone(), PathBuf::from))
    }

    fn works_in(&self, folder: &Path) -> bool {
        fs::read_link(format!("/proc/{}/cwd", self.identity.pid)).is_ok_and(|cwd| cwd.starts_with(folder))
    }

    fn carries(&self, markers: &[String]) -> bool {
        let Ok(environ) = fs::read(format!("/proc/{}/environ", self.identity.pid)) else { return false };
        environ.split(|&byte| byte == 0).any(|entry| markers.iter().any(|marker| marker.as_bytes() == entry))
    }

    /// A zombie runs no more; whether it is reaped is its parent's affair.
    pub(super) fn alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Stopped by a signal (or a debugger).
    pub(super) fn stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// In the middle of a `vfork`: it takes no signal but a kill until its child has become a program, which the child,
    /// being stopped, does not. It is stopped as soon as the child goes on.
    fn waits_for_a_stopped_child(&self, all: &[Self]) -> bool {
        self.state == 'D' && all.iter().any(|other| other.parent == self.identity.pid && other.stopped())
    }
}

/// Whether this very process still runs.
pub(super) fn alive(identity: Identity) -> bool {
    Member::read(identity.pid).is_some_and(|member| member.identity == identity && member.alive())
}

/// Signals this very process; one that is gone is no error.
pub(super) fn send(identity: Identity, signal: Signal) -> Result<(), Errno> {
    if Member::read(identity.pid).is_none_or(|member| member.identity != identity) {
        return Ok(());
    }
    match signal::kill(Pid::from_raw(identity.pid), signal) {
        Err(Errno::ESRCH) => Ok(()),
        sent => sent,
    }
}

/// Who belongs together: who is known by number and start, their descendants, groups and sessions, who carries a
/// marker, and who runs one of the programs in the folder.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// Known for certain. Grows with every look, since who loses its parent is adopted and no longer a descendant.
    pub(super) known: BTreeSet<Identity>,
    /// `NAME=value` in the environment a process was started with.
    pub(super) markers: Vec<String>,
    /// For processes that overwrite their environment, as PostgreSQL's backends do with their titles.
    pub(super) programs: BTreeSet<PathBuf>,
    /// Where such processes work. Must be without links.
    pub(super) folder: PathBuf,
}

/// Processes that did not do as they were told in time.
#[derive(Debug)]
pub(super) struct Unmoved(pub(super) Vec<Identity>);

impl Family {
    /// Everyone who belongs now, zombies too; remembers them.
    pub(super) fn members(&mut self) -> Vec<Member> {
        let all = everyone();
        let mut ours: BTreeSet<i32> = BTreeSet::new();
        for member in &all {
            if self.known.contains(&member.identity) || self.recognises(member) {
                ours.insert(member.identity.pid);
            }
        }
        loop {
            let before = ours.len();
            for member in &all {
                if ours.contains(&member.parent) || ours.contains(&member.group) || ours.contains(&member.session) {
                    ours.insert(member.identity.pid);
                }
            }
            if ours.len() == before {
                break;
            }
        }
        let members: Vec<Member> = all.into_iter().filter(|member| ours.contains(&member.identity.pid)).collect();
        self.known.extend(members.iter().map(|member| member.identity));
        members
    }

    /// Who belongs and still runs.
    pub(super) fn living(&mut self) -> Vec<Member> {
        self.members().into_iter().filter(Member::alive).collect()
    }

    fn recognises(&self, member: &Member) -> bool {
        if member.carries(&self.markers) {
            return true;
        }
        // A person's shell in the folder has a terminal; a server has none.
        member.terminal == 0
            && !self.programs.is_empty()
            && member.works_in(&self.folder)
            && member.program().is_some_and(|program| self.programs.contains(&program))
    }

    /// Stops everyone; returns when /proc shows all of them stopped and none new.
    pub(super) fn pause(&mut self) -> Result<(), Unmoved> {
        self.pause_within(PATIENCE)
    }

    fn pause_within(&mut self, patience: Duration) -> Result<(), Unmoved> {
        let deadline = Instant::now() + patience;
        let mut stopped_before: Vec<Identity> = Vec::new();
        loop {
            let living = self.living();
            let moving = |m: &&Member| !m.stopped() && !m.waits_for_a_stopped_child(&living);
            let running: Vec<Identity> = living.iter().filter(moving).map(|m| m.identity).collect();
            let stopped: Vec<Identity> = living.iter().filter(|m| m.stopped()).map(|m| m.identity).collect();
            // One look may miss a child that was forked just before its parent stopped; a second one cannot.
            if running.is_empty() && stopped == stopped_before {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Unmoved(running));
            }
            signal_all(&running, Signal::SIGSTOP);
            stopped_before = stopped;
            thread::sleep(NAP);
        }
    }

    /// Lets everyone go on; returns when /proc shows none of them stopped.
    pub(super) fn resume(&mut self) -> Result<(), Unmoved> {
        let deadline = Instant::now() + PATIENCE;
        // To all of them once: one that was in the middle of a `vfork` has its stop still before it.
        let everyone: Vec<Identity> = self.living().iter().map(|member| member.identity).collect();
        signal_all(&everyone, Signal::SIGCONT);
        loop {
            let stopped: Vec<Identity> =
                self.living().iter().filter(|member| member.stopped()).map(|member| member.identity).collect();
            if stopped.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Unmoved(stopped));
            }
            signal_all(&stopped, Signal::SIGCONT);
            thread::sleep(NAP);
        }
    }

    /// Kills everyone, stopped ones too; returns when none of them runs, with those it found.
    pub(super) fn kill(&mut self) -> Result<Vec<Identity>, Unmoved> {
        // Held still first, so that nobody forks meanwhile and no one sees another die and acts on it. Who cannot be
        // held is killed all the same.
        let _ = self.pause_within(FREEZE);
        let deadline = Instant::now() + PATIENCE;
        let mut killed: BTreeSet<Identity> = BTreeSet::new();
        loop {
            let living: Vec<Identity> = self.living().iter().map(|member| member.identity).collect();
            if living.is_empty() {
                return Ok(killed.into_iter().collect());
            }
            if Instant::now() > deadline {
                return Err(Unmoved(living));
            }
            signal_all(&living, Signal::SIGKILL);
            killed.extend(living);
            thread::sleep(NAP);
        }
    }

    /// Kills without waiting, for `Drop`.
    pub(super) fn kill_unwaited(&mut self) {
        // Twice: the second look finds who was forked during the first.
        for _ in 0..2 {
            let living: Vec<Identity> = self.living().iter().map(|member| member.identity).collect();
            signal_all(&living, Signal::SIGKILL);
        }
    }
}

/// Every process but us and init. Ours is the one that must never be signalled, whatever its environment says.
fn everyone() -> Vec<Member> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = i32::try_from(std::process::id()).ok();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&pid| pid != 1 && Some(pid) != own)
        .filter_map(Member::read)
        .collect()
}

fn signal_all(identities: &[Identity], signal: Signal) {
    for &identity in identities {
        // Whoever cannot be signalled is still seen in the next look, and named when time is up.
        let _ = send(identity, signal);
    }
}
