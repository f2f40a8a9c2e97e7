//! One test for each scenario file below scenarios/, found when the tests run. LEASEPROOF_VAULT names other servers.

fn main() -> std::process::ExitCode {
    leaseproof_harness::testing::run_folder("scenarios")
}
