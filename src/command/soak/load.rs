//! What disturbs a run: busy threads, a limit on the processor, a disk that is written to and synchronised all the time, and
//! stops of the harness.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::quota::Quota;
use crate::args::Load;

/// Busy threads for each processor.
const BUSY: usize = 2;
/// How much is written before it is synchronised.
const BLOCK: usize = 8 << 20;
/// The file that is written to, over and over.
const SCRATCH: &str = "load.tmp";
/// How often the scratch file is filled before it begins anew.
const BLOCKS: usize = 8;
/// How long the harness runs between two stops, and how long it is stopped, in milliseconds.
const RUNS: std::ops::Range<u64> = 2_000..20_000;
const STOPS: std::ops::Range<u64> = 300..8_000;

/// Everything that disturbs.
pub(super) struct Loads {
    threads: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
    quota: Option<Quota>,
    disk: Option<Disk>,
    stalls: bool,
    stopped: AtomicU64,
    stopped_ms: AtomicU64,
    words: Vec<String>,
}

impl Loads {
    /// Begins to disturb. Stops of the harness come with [`Loads::stall`].
    pub(super) fn start(wanted: &[Load]) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let mut words = Vec::new();
        if wanted.contains(&Load::Cpu) {
            let busy = thread::available_parallelism()?.get() * BUSY;
            for _ in 0..busy {
                let over = over.clone();
                threads.push(thread::spawn(move || be_busy(&over)));
            }
            words.push(format!("{busy} busy threads"));
        }
        let quota = if wanted.contains(&Load::Quota) { Some(Quota::make()) } else { None };
        match &quota {
            Some(Ok(_)) => words.push(Quota::words()),
            Some(Err(why)) => words.push(format!("no limit on the processor ({why})")),
            None => {}
        }
        let mut disk = None;
        if wanted.contains(&Load::Disk) {
            let place = Disk::beside_temporary_files()?;
            let file = File::create(place.0.join(SCRATCH))?;
            let over = over.clone();
            threads.push(thread::spawn(move || write_on(file, &over)));
            words.push("servers on a disk that is synchronised all the time".to_owned());
            disk = Some(place);
        }
        let stalls = wanted.contains(&Load::Stall);
        if stalls {
            words.push("stops of leaseproof itself".to_owned());
        }
        Ok(Self {
            threads,
            over,
            quota: quota.and_then(Result::ok),
            disk,
            stalls,
            stopped: AtomicU64::new(0),
            stopped_ms: AtomicU64::new(0),
            words,
        })
    }

    /// Where the servers keep their data: on the disk that is disturbed. `None`: where they always do, mostly in memory.
    pub(super) fn home(&self) -> Option<&Path> {
        self.disk.as_ref().map(|disk| disk.0.as_path())
    }

    /// Puts a run that has just begun under the limit on the processor, if there is one.
    pub(super) fn limit(&self, pid: i32) -> io::Result<()> {
        self.quota.as_ref().map_or(Ok(()), |quota| quota.hold(pid))
    }

    /// Stops the harness once, at a moment and for a time that chance gives; never, when that is not wanted.
    pub(super) async fn stall(&self, pid: i32) {
        if !self.stalls {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(RUNS))).await;
        let length = rand::random_range(STOPS);
        // A run that has just ended cannot be stopped any more, which is no failure.
        if kill(Pid::from_raw(pid), Signal::SIGSTOP).is_ok() {
            // A guard: whatever drops this future, the harness goes on.
            let _going_on = GoOn(pid);
            tokio::time::sleep(Duration::from_millis(length)).await;
            self.stopped.fetch_add(1, Ordering::Relaxed);
            self.stopped_ms.fetch_add(length, Ordering::Relaxed);
        }
    }

    /// Ends it all, and says in words what it was.
    pub(super) fn stop(self) -> String {
        self.over.store(true, Ordering::Relaxed);
        let words = self.to_string();
        for thread in self.threads {
            // A thread that panicked has disturbed less; the figures are what they are.
            let _ = thread.join();
        }
        words
    }
}

impl fmt::Display for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.words.is_empty() {
            return f.write_str("no load");
        }
        f.write_str(&self.words.join(", "))?;
        match self.stopped.load(Ordering::Relaxed) {
            0 => Ok(()),
            times => write!(f, " ({times} times, {} s in all)", self.stopped_ms.load(Ordering::Relaxed) / 1_000),
        }
    }
}

/// A folder on the disk that is disturbed; removed when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// Not below the report folder: its path may be longer than a socket's may be, and closed to the databases' own user.
    fn beside_temporary_files() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("leaseproof-soak-{}", std::process::id()));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lets a harness that may be stopped go on.
pub(super) fn let_go(pid: i32) {
    drop(GoOn(pid));
}

/// Lets a stopped process go on when it is dropped.
struct GoOn(i32);

impl Drop for GoOn {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0), Signal::SIGCONT);
    }
}

fn be_busy(over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        for _ in 0..10_000 {
            std::hint::spin_loop();
        }
    }
}

fn write_on(mut file: File, over: &AtomicBool) {
    let block = vec![0x5a; BLOCK];
    while !over.load(Ordering::Relaxed) {
        let written = (0..BLOCKS).try_for_each(|_| file.write_all(&block).and_then(|()| file.sync_all()));
        // A full disk ends this load, and shows in the run.
        if written.and_then(|()| file.rewind()).is_err() {
            return;
        }
    }
    let _ = file.set_len(0);
}
