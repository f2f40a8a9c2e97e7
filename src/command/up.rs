//! `leaseproof up`: starts exactly the servers of a scenario and leaves them running; `leaseproof down` ends them.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use leaseproof_harness::hold;
use leaseproof_harness::provider::native::estate;
use leaseproof_harness::provider::site::Wanted;
use leaseproof_harness::suite::Exit;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stderr};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::Up;
use crate::console;
use crate::exit::Failure;
use crate::files::{Files, counted};
use crate::out;

/// Beside a kept stack's secrets: the process that keeps it, and what that says from then on.
const KEEPER: &str = "up.pid";
const SAYS: &str = "up.log";
/// How long a kept stack may take to go down.
const GOES: std::time::Duration = std::time::Duration::from_secs(60);

/// Starts a process that keeps the stack, waits until that says where it is, and prints what a shell needs.
pub(super) fn run(args: &Up) -> Result<Exit, Failure> {
    // A file that is wrong is said here, before anything is started.
    let files = Files::read(std::slice::from_ref(&args.scenario), &[])?;
    files.draw();
    if files.valid()?.len() != 1 {
        return Err(Failure::usage(anyhow::anyhow!("name one scenario file: its servers are what is started")));
    }
    let program = std::env::current_exe().map_err(Failure::environment)?;
    let mut keeper = Command::new(program);
    keeper.args(std::env::args_os().skip(1)).arg("--keep-up").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut keeper = keeper.spawn().map_err(Failure::environment)?;
    let mut shell = String::new();
    if let Some(said) = keeper.stdout.take() {
        BufReader::new(said).read_line(&mut shell).map_err(Failure::environment)?;
    }
    if shell.trim().is_empty() {
        // It has said why on stderr, which is ours too.
        let status = keeper.wait().map_err(Failure::environment)?;
        let exit = if status.code() == Some(2) { Exit::Usage } else { Exit::Environment };
        return Err(Failure::Drawn(exit));
    }
    let lines = fs::read_to_string(shell.trim()).map_err(Failure::environment)?;
    out::text(&lines)?;
    out::tell(&format_args!("the same lines, for your eyes only: {}\nend it with `leaseproof down`", shell.trim()));
    Ok(Exit::Held)
}

/// Keeps the stack until it is told to end.
pub(super) async fn keep(args: Up) -> Result<Exit, Failure> {
    // Closing the terminal is no wish to end it. It fails only for a leader of a session, who has no terminal to lose.
    let _ = nix::unistd::setsid();
    let scenario = Files::read(std::slice::from_ref(&args.scenario), &[])?.valid()?.into_iter().next();
    let Some(scenario) = scenario else { return Err(Failure::usage(anyhow::anyhow!("there is no scenario"))) };
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::environment)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::environment)?;
    let ending = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        ending.cancel();
    });
    let wanted = Wanted {
        vaults: vec![args.vault],
        postgres: args.databases.postgres,
        postgres_bin: args.databases.postgres_bin_dir,
        mysql: scenario.stack.mysql.is_some().then_some(args.databases.mysql),
        toxiproxy: None,
        images: args.image.into_iter().collect(),
    };
    let progress = |progress| {
        if let Some(line) = console::provision(&progress) {
            out::tell(&line);
        }
    };
    let ready = |shell: &Path, why: &str| {
        out::tell(&why);
        let pid = std::process::id().to_string();
        // Whoever waits for this line reads the file that it names; without it `down` finds nothing to end.
        let told = fs::write(shell.with_file_name(KEEPER), pid)
            .and_then(|()| speak_into(&shell.with_file_name(SAYS)))
            .and_then(|()| writeln!(io::stdout(), "{}", shell.display()))
            .and_then(|()| io::stdout().flush());
        if told.is_err() {
            stop.cancel();
        }
    };
    let scenario = (*scenario).clone();
    hold::hold(args.provider.into(), &wanted, scenario, &progress, ready, stop.clone())
        .await
        .map_err(Failure::environment)?;
    Ok(Exit::Held)
}

/// Lets what this process says go into a file: a pipe behind `leaseproof up`, such as `| tee`, is to end with the command and
/// not with the stack that it leaves running.
fn speak_into(file: &Path) -> io::Result<()> {
    Ok(dup2_stderr(fs::File::create(file)?)?)
}

/// Ends every stack that is kept up.
pub(super) async fn down() -> Result<Exit, Failure> {
    let kept = kept().map_err(Failure::environment)?;
    for (folder, pid) in &kept {
        // One that has just ended needs no signal.
        let _ = kill(Pid::from_raw(*pid), Signal::SIGTERM);
        let gone = async {
            while folder.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(GOES, gone).await.is_err() {
            let error = anyhow::anyhow!("process {pid} did not end its servers; end it, then run `leaseproof clean`");
            return Err(Failure::environment(error));
        }
    }
    match kept.len() {
        0 => out::line(&"nothing is up")?,
        count => out::line(&format_args!("ended {}", counted(count, "stack")))?,
    }
    Ok(Exit::Held)
}

/// The stacks that are kept up: the run's folder, and the process that keeps it. A dead one's is `clean`'s to remove.
fn kept() -> io::Result<Vec<(PathBuf, i32)>> {
    let base = estate::base();
    if !base.exists() {
        return Ok(Vec::new());
    }
    let mut kept = Vec::new();
    for entry in fs::read_dir(&base)? {
        let folder = entry?.path();
        let Ok(pid) = fs::read_to_string(folder.join(KEEPER)) else { continue };
        if let (Ok(pid), true) = (pid.trim().parse(), estate::is_alive(&folder)) {
            kept.push((folder, pid));
        }
    }
    Ok(kept)
}
