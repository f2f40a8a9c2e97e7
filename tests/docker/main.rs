//! The Docker provider from outside: nothing of a killed run stays in the engine, and what an engine cannot do is said so
//! that a person knows what to do. Where no engine answers, the tests that need one say so, and fail where all must run.

#![expect(clippy::unwrap_used, reason = "a test may panic; these helpers are no tests themselves")]

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

mod bench;
mod own_engine;

use bench::{Bench, TOXIPROXY, images, is_root, is_there, not_tested, said, there_is_an_engine};
use own_engine::OwnEngine;

/// Two servers, a disk with what holds it, and time enough to be killed in.
const SCENARIO: &str = "
name: Something that lasts
stack: { vault: { audit: { small: { file: { own_disk: true } } } }, postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: 1m } } } } }
steps:
  - issue: { role: database/app, as: cred }
  - fault: { pause: { server: postgres } }
    during:
      - wait: { for: 60s }
  - expect: { login: { with: cred, accepted: true } }
";

/// A server that is down for as long as it takes to listen on its port.
const DOWN: &str = "
name: A server is down for a while
stack: { vault: {}, postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: 1m } } } } }
steps:
  - issue: { role: database/app, as: cred }
  - fault: { stop: { server: postgres } }
    during:
      - wait: { for: 20s }
  - expect: { login: { with: cred, accepted: true } }
";

/// Two servers, and little else.
const BRIEF: &str = "
name: A credential works
stack: { vault: {}, postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: 1m } } } } }
steps:
  - issue: { role: database/app, as: cred }
  - expect: { login: { with: cred, accepted: true } }
";

#[test]
fn an_engine_that_is_not_there_is_named_and_native_is_offered() {
    let bench = Bench::new(SCENARIO);
    let mut command = bench.command(&["run", "scenario.yaml", "--provider", "docker"]);
    let output = command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("no Docker engine answers at unix:///nonexistent/docker.sock"), "{said}");
    assert!(said.contains("--provider native"), "{said}");
}

#[test]
fn a_killed_run_leaves_containers_and_clean_removes_those_and_no_others() {
    if !there_is_an_engine() {
        return;
    }
    let (bench, other) = (Bench::new(SCENARIO), Bench::new(SCENARIO));
    let start = |bench: &Bench| bench.in_containers(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (mut killed, mut alive) = (start(&bench), start(&other));
    for bench in [&bench, &other] {
        // Paused is what the scenario's fault makes of PostgreSQL: all is up by then.
        let end = Instant::now() + Duration::from_secs(240);
        while !bench.containers().iter().any(|seen| seen.contains("(Paused)")) {
            assert!(Instant::now() < end, "it never came to its fault: {:?}", bench.containers());
            assert!(
                killed.try_wait().unwrap().is_none() && alive.try_wait().unwrap().is_none(),
                "it ended before its fault"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(bench.left(), (3, 1, 1), "what kill -9 leaves");
    let dry = bench.command(&["clean", "--dry-run"]).output().unwrap();
    assert!(said(&dry).contains("would remove container leaseproof-"), "{}", said(&dry));
    let cleaned = bench.command(&["clean"]).output().unwrap();
    assert_eq!(cleaned.status.code(), Some(0), "{}", said(&cleaned));
    assert_eq!(bench.left(), (0, 0, 0), "after the sweep");
    // The run that is alive keeps what it has, also when its own home is swept.
    other.command(&["clean"]).status().unwrap();
    assert_eq!(other.left(), (3, 1, 1), "a living run's");
    kill(Pid::from_raw(i32::try_from(alive.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(alive.wait().unwrap().code(), Some(130));
    assert_eq!(other.left(), (0, 0, 0), "after an interrupt");
}

#[test]
fn an_image_that_is_not_what_it_should_be_or_is_not_there_ends_a_run_before_it_begins() {
    if !there_is_an_engine() {
        return;
    }
    let bench = Bench::new(SCENARIO);
    for (image, told) in [
        ("openbao=leaseproof/nothing-of-this-name:0", "there is no image of openbao:2.7.2"),
        ("openbao=leaseproof/base:trixie", "leaseproof/base:trixie cannot be used as openbao:2.7.2"),
    ] {
        let output = bench.run(&["--image", image]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
        assert!(said(&output).contains("--image"), "{}", said(&output));
        assert_eq!(bench.left(), (0, 0, 0), "after {image}");
    }
}

#[test]
fn a_container_that_exits_at_its_start_is_told_with_its_last_words_and_leaves_nothing() {
    if !there_is_an_engine() {
        return;
    }
    let bench = Bench::new(&SCENARIO.replace("vault: {", "vault: { configuration: { default_lease_ttl: never },"));
    let output = bench.run(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for told in ["vault ended while it was starting", "invalid duration \"never\""] {
        assert!(said(&output).contains(told), "{}", said(&output));
    }
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn links_over_toxiproxy_are_on_a_server_in_a_container_too_and_it_goes_with_the_rest() {
    if !there_is_an_engine() {
        return;
    }
    if !is_there(TOXIPROXY) {
        not_tested("there is no image of Toxiproxy here: compose/images/build.sh toxiproxy builds it");
        return;
    }
    let cut = "fault: { down: { from: clients, to: postgres } }\n    during:\n      - expect: { ledger: reconciled }";
    let bench = Bench::new(&BRIEF.replace("steps:\n", &format!("steps:\n  - {cut}\n")));
    let output = bench.run(&["--proxy", "toxiproxy"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let started = bench.started();
    assert!(started.iter().any(|name| name.ends_with("-toxiproxy")), "{started:?}");
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn a_user_who_may_not_use_the_engine_is_told_so() {
    if !there_is_an_engine() || !is_root("only root can be somebody who may not use the engine") {
        return;
    }
    let bench = Bench::new(SCENARIO);
    std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    // Where the tests were built need not be a place that others may look into.
    let program = bench.path().join("leaseproof");
    std::fs::copy(env!("CARGO_BIN_EXE_leaseproof"), &program).unwrap();
    let mut command = Command::new(program);
    command.args(["run", "scenario.yaml", "--provider", "docker"]).current_dir(bench.path());
    command.env("LEASEPROOF_HOME", bench.home()).env("LEASEPROOF_CACHE", bench.path().join("cache"));
    let output = command.uid(65534).gid(65534).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("this user may not use the Docker engine"), "{}", said(&output));
}

#[test]
fn a_port_that_something_else_took_while_its_server_was_down_is_told_and_nothing_is_left() {
    if !there_is_an_engine() {
        return;
    }
    let bench = Bench::new(DOWN);
    let mut run = bench.in_containers(&[]).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(240);
    let name = loop {
        assert!(Instant::now() < end && run.try_wait().unwrap().is_none(), "it never came to its fault");
        let down = bench.containers().into_iter().find(|seen| seen.contains("-postgres Exited"));
        if let Some(seen) = down {
            break seen.split(' ').next().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let port = "{{(index (index .HostConfig.PortBindings \"5432/tcp\") 0).HostPort}}";
    let port: u16 = bench.docker(&["inspect", "--format", port, &name]).trim().parse().unwrap();
    // What forwarded the port ends a moment after the container.
    let taken = loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(taken) => break taken,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let output = run.wait_with_output().unwrap();
    drop(taken);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for told in [port.to_string().as_str(), "something else took that port", "`ss -ltnp` shows who has it"] {
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
    }
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn the_engine_that_docker_host_names_is_used_and_when_its_disk_is_full_that_is_told_and_nothing_is_left() {
    if !there_is_an_engine() || !is_root("only root can start an engine whose disk is full") {
        return;
    }
    let engine = OwnEngine::start(&images().unwrap());
    let bench = Bench::new(BRIEF).on(&engine.host());
    let output = bench.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let started = bench.started();
    for server in ["-vault", "-postgres"] {
        assert!(started.iter().any(|name| name.ends_with(server)), "{started:?}");
    }
    // As much as the engine itself takes for a container, and not the folder that PostgreSQL makes at its first start.
    engine.leave(8 << 20);
    let output = bench.run(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for told in ["postgres ended while it was starting", "No space left on device", "`docker system df` shows"] {
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
    }
    assert_eq!(bench.left(), (0, 0, 0));
    engine.leave(0);
    let output = bench.run(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for told in ["the Docker engine would not", "no space left on device", "`docker system df` shows"] {
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
    }
    assert_eq!(bench.left(), (0, 0, 0));
    engine.leave(256 << 20);
    let output = bench.run(&[]);
    assert_eq!(output.status.code(), Some(0), "with room again: {}", said(&output));
}
