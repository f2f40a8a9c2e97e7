//! The command line from outside: what each command prints and how it ends, where no server is needed.
//! `TRYCMD=overwrite cargo test --test cli` writes the expected output anew.

/// The documentation's own commands are among the cases, so that they stay true.
#[test]
fn every_command_prints_and_ends_as_its_case_says() {
    let cases = trycmd::TestCases::new();
    cases
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        // On a build server of GitHub's too the output is that of everywhere else.
        .env("GITHUB_ACTIONS", "")
        // Nothing of this machine's own runs and cache is looked at.
        .env("LEASEPROOF_HOME", "/nonexistent/leaseproof-home")
        .env("LEASEPROOF_CACHE", "/nonexistent/leaseproof-cache")
        .case("tests/cli/*.trycmd")
        // Those for which the environment's own values are taken away.
        .case("tests/cli/*.toml")
        .case("README.md");
}

/// `leaseproof schema | head -1`, without the luck of which of the two is quicker.
#[test]
fn output_that_nobody_reads_ends_a_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_leaseproof"));
    let output = command.arg("schema").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
