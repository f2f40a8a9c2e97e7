//! The command line from outside: what each command prints and how it ends, where no server is needed.
//! `TRYCMD=overwrite cargo test --test cli` writes the expected output anew.

/// The documentation's own commands are among the cases, so that they stay true.
#[test]
fn every_command_prints_and_ends_as_its_case_says() {
    let cases = trycmd::TestCases::new();
    cases
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        // Nothing of this machine's own runs and cache is looked at.
        .env("LEASEPROOF_HOME", "/nonexistent/leaseproof-home")
        .env("LEASEPROOF_CACHE", "/nonexistent/leaseproof-cache")
        .case("tests/cli/*.trycmd")
        .case("README.md");
}
