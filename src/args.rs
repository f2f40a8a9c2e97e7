//! The arguments: what can be asked of leaseproof, and the help that says so.

mod explore;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, Subcommand, ValueEnum};
use leaseproof_harness::provider::docker::image::Named;
use leaseproof_harness::provider::native::part::{Part, Product};
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::scenario::Dbms;

pub(crate) use explore::{Explore, Faults};

/// End-to-end chaos tests for dynamic secrets.
///
/// leaseproof starts real servers (OpenBao or Vault, PostgreSQL, MySQL or MariaDB), breaks them on purpose, and judges
/// whether leases, renewals, rotations and revocations behave as the documentation promises.
#[derive(Debug, Parser)]
#[command(name = "leaseproof", version, after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    every promise held
  1    a promise was violated
  2    the command line or a scenario file is wrong; nothing was started
  3    the environment failed: a server, a disk, a program that cannot be had
  4    inconclusive: too little was observed to say
  130  interrupted";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios against real servers and judge what was seen.
    Run(Box<Run>),
    /// Say whether an upgrade of the secrets server is safe for the credentials that are out.
    Upgrade(Box<Upgrade>),
    /// Read a live server's roles, TTLs and policies, and write scenarios that reproduce them. Writes nothing to the server.
    Capture(Capture),
    /// Run scenarios on healthy servers while everything is disturbed, and count false accusations.
    Soak(Soak),
    /// Try random operations under random faults, and hold the servers against a model of what is documented.
    Explore(Box<Explore>),
    /// Check scenario files without starting anything.
    Validate(Validate),
    /// List scenarios: what each shows, its promises and its servers.
    List(List),
    /// Print what a run would do, step by step.
    Plan(Plan),
    /// Print the JSON Schema of scenario files or of the record of a run.
    Schema(Schema),
    /// Show which promises of the catalogue have a scenario that judges them.
    Coverage(Coverage),
    /// Show what this machine has, and how the rest would be got.
    Doctor(Doctor),
    /// Fetch servers ahead of a run.
    Provision(Provision),
    /// Render the reports of an earlier run again, without servers.
    Report(Report),
    /// Start the servers of a scenario, set up as it says, and print what a shell needs to use them.
    Up(Box<Up>),
    /// End the servers that `up` started.
    Down,
    /// Remove what killed runs left behind.
    Clean(Clean),
}

/// Where scenarios are when no path is given.
const SCENARIOS: &str = "scenarios";
/// Where those are that watch over an upgrade.
const UPGRADE_SCENARIOS: &str = "scenarios/upgrade";

/// Text for people, or JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The forms of the coverage table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    Text,
    /// A page for browsers.
    Html,
    /// For programs.
    Json,
    /// For documentation.
    Markdown,
}

/// What puts servers on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// Docker where an engine answers and has or can pull every image, else native.
    Auto,
    /// Plain processes of this machine.
    Native,
    /// Containers of a Docker engine: the one that DOCKER_HOST names, else this machine's.
    Docker,
}

impl From<Provider> for Choice {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Auto => Self::Auto,
            Provider::Native => Self::Native,
            Provider::Docker => Self::Docker,
        }
    }
}

/// What links are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Proxy {
    /// Proxies of leaseproof's own process, with Toxiproxy's toxics.
    InProcess,
    /// A real Toxiproxy server for each scenario; fetched with Go where it is not here.
    Toxiproxy,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof run
      runs every scenario below ./scenarios on OpenBao
  leaseproof run scenarios/lease --vault openbao:2.7.2 --vault vault
      runs those of one folder on two servers
  leaseproof run --provider native,docker
      runs every scenario twice, as processes and in containers, and shows the verdicts side by side
  leaseproof run -f outage --seed 7 --repeat 10
      runs the scenarios with `outage` in their path ten times, with the plan of seed 7
  leaseproof run --shard 1/4 --format json
      runs the first quarter, for one of four machines, and prints JSON lines

The reports are written into a folder of their own below the report folder.

Exit codes: 0 held, 1 violated, 2 usage or invalid file, 3 environment, 4 inconclusive, 130 interrupted.")]
pub(crate) struct Run {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only scenarios whose path contains this text (can be given several times).
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Also run scenarios with this tag, such as `slow` (can be given several times). A scenario with tags is left out else,
    /// unless its file is named.
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Also run scenarios with any tag.
    #[arg(long, conflicts_with = "tag")]
    pub(crate) all_tags: bool,
    /// The secrets server: openbao[:VERSION], vault[:VERSION] or /path/to/vault. Scenarios run on each that is named.
    #[arg(long, value_name = "SERVER", value_parser = vault, env = "LEASEPROOF_VAULT", hide_env_values = true, value_delimiter = ',', default_value = "openbao")]
    pub(crate) vault: Vec<Part>,
    /// This very program as the secrets server, instead of those named with --vault.
    #[arg(long, value_name = "PATH")]
    pub(crate) vault_bin: Option<PathBuf>,
    /// The database: postgres[:MAJOR].
    #[arg(long, value_name = "SERVER", value_parser = postgres, default_value = "postgres")]
    pub(crate) postgres: Part,
    /// MySQL or MariaDB, for scenarios that have it: mysql[:VERSION], mariadb[:VERSION]. `mysql` alone takes either.
    #[arg(long, value_name = "SERVER", value_parser = mysql, default_value = "mysql")]
    pub(crate) mysql: Part,
    /// The folder that holds PostgreSQL's programs (`postgres`, `initdb`), instead of looking for one.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin_dir: Option<PathBuf>,
    /// Where servers come from. Scenarios run on each that is named.
    #[arg(
        long,
        value_enum,
        env = "LEASEPROOF_PROVIDER",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "auto"
    )]
    pub(crate) provider: Vec<Provider>,
    /// The image that a service runs in, in place of the usual one: postgres=my/postgres:17 (can be given several times).
    #[arg(
        long,
        value_name = "SERVICE=IMAGE",
        env = "LEASEPROOF_IMAGES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) image: Vec<Named>,
    /// What the links between servers are, on which network faults happen.
    #[arg(long, value_enum, default_value_t = Proxy::InProcess)]
    pub(crate) proxy: Proxy,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "16", value_parser = jobs)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How often each scenario runs.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// Leave the servers of a scenario that did not hold running until Ctrl-C, and say how to log in.
    #[arg(long)]
    pub(crate) keep: bool,
    /// The folder in which the run gets a folder of its own.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) report_dir: PathBuf,
    /// Count a scenario that cannot run here as a failure.
    #[arg(long)]
    pub(crate) require_all: bool,
    /// Text for people, or a JSON line at the end of each scenario and one with the summary.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Run only the i-th of n parts of the scenarios, to spread a run over machines.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof upgrade --from openbao:2.6.1 --to openbao:2.7.2
      runs every scenario below ./scenarios/upgrade on the one, on the other, and through the upgrade
  leaseproof upgrade scenarios/leases my.yaml --from openbao:2.7.0 --to openbao:2.7.2 --repeat 5
      the same for scenarios of your own
  leaseproof upgrade --from vault:1.21.0 --to openbao:2.7.2
      compares two products; one is not started on the other's data

The answer is GO, GO WITH CHANGES, NO-GO or INCONCLUSIVE; upgrade.html, upgrade.md and upgrade.json in the run's folder
say what it rests on.

Exit codes: 0 go, with changes or without; 1 no-go; 2 usage or invalid file; 3 environment; 4 inconclusive; 130 interrupted.")]
pub(crate) struct Upgrade {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = UPGRADE_SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// The secrets server that runs now: openbao[:VERSION], vault[:VERSION] or /path/to/vault.
    #[arg(long, value_name = "SERVER", value_parser = vault)]
    pub(crate) from: Part,
    /// The secrets server that is to come.
    #[arg(long, value_name = "SERVER", value_parser = vault)]
    pub(crate) to: Part,
    /// Run only scenarios whose path contains this text (can be given several times).
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// The database: postgres[:MAJOR].
    #[arg(long, value_name = "SERVER", value_parser = postgres, default_value = "postgres")]
    pub(crate) postgres: Part,
    /// The folder that holds PostgreSQL's programs (`postgres`, `initdb`), instead of looking for one.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin_dir: Option<PathBuf>,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "8", value_parser = jobs)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How often each leg runs. Times are compared from three on; what varies between repeats is noise.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// The folder in which the run gets a folder of its own.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) report_dir: PathBuf,
    /// Text for people, or JSON lines, the last of them the whole report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  VAULT_TOKEN=... leaseproof capture --addr http://127.0.0.1:8200 --into scenarios/ours
  leaseproof capture --addr http://127.0.0.1:8200 --token-file ~/.vault-token --into scenarios/ours
  leaseproof upgrade scenarios/ours --from openbao:2.6.1 --to openbao:2.7.2
      tries the upgrade on what was captured

Only GET and LIST are called. No secret is read into a file: no credential, no connection string, no key. README.md in the
folder lists every call, what the token may not read, and what is left out.

Exit codes: 0 captured; 2 usage; 3 the server cannot be read, or the folder not written.")]
pub(crate) struct Capture {
    /// The server's address.
    #[arg(long, value_name = "URL", env = "VAULT_ADDR", hide_env_values = true)]
    pub(crate) addr: String,
    /// A file that holds the token; VAULT_TOKEN is taken when this is left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The folder to write, new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof validate
      checks every scenario below ./scenarios
  leaseproof validate my.yaml --format json
      the same for one file, for editors and scripts

Exit codes: 0 all are valid (warnings do not count), 2 one is not.")]
pub(crate) struct Validate {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof list
  leaseproof list scenarios/lease --format json")]
pub(crate) struct List {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof plan my.yaml
  leaseproof plan my.yaml --seed 7
      the plan that `leaseproof run my.yaml --seed 7` follows")]
pub(crate) struct Plan {
    /// Scenario files, and folders that hold them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The seed. The same scenario and seed give the same plan on every machine.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof schema > scenario.schema.json
  leaseproof schema record > record.schema.json

An editor completes and checks a scenario whose first line is
  # yaml-language-server: $schema=scenario.schema.json")]
pub(crate) struct Schema {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub(crate) of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Scenario files.
    Scenario,
    /// record.json, which every run writes.
    Record,
}

/// What disturbs a soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// Busy threads, two for each processor.
    Cpu,
    /// A disk that is written to and synchronised all the time.
    Disk,
    /// Stops of leaseproof itself, at random moments, for up to eight seconds.
    Stall,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof soak --repeat 15
      runs every scenario 15 times while the machine is busy and leaseproof is stopped again and again
  leaseproof soak scenarios/quickstart --repeat 100 --load stall
      with stops alone

What is inconclusive is run again, twice at most. For a limit on the processor, start it under one: systemd-run
-p CPUQuota=50%, or docker run --cpus 0.5.

Exit codes: 0 nobody was accused, 1 somebody was, 2 usage or invalid file, 3 environment, 130 interrupted.")]
pub(crate) struct Soak {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only scenarios whose path contains this text (can be given several times).
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// How often each scenario runs.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// What disturbs the run (can be given several times).
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["cpu", "disk", "stall"])]
    pub(crate) load: Vec<Load>,
    /// The secrets server: openbao[:VERSION], vault[:VERSION] or /path/to/vault.
    #[arg(long, value_name = "SERVER", value_parser = vault, env = "LEASEPROOF_VAULT", hide_env_values = true, value_delimiter = ',', default_value = "openbao")]
    pub(crate) vault: Vec<Part>,
    /// The database: postgres[:MAJOR].
    #[arg(long, value_name = "SERVER", value_parser = postgres, default_value = "postgres")]
    pub(crate) postgres: Part,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "16", value_parser = jobs)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The folder in which the soak gets a folder of its own.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) report_dir: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof coverage
  leaseproof coverage scenarios --format markdown > COVERAGE.md")]
pub(crate) struct Coverage {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, JSON, Markdown tables, or an HTML page.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof doctor
  leaseproof doctor openbao:2.7.2 vault:1.21.0 postgres:16
      for a run with --vault openbao:2.7.2 --vault vault:1.21.0 --postgres postgres:16
  leaseproof doctor openbao postgres toxiproxy
      for a run with --proxy toxiproxy

Exit codes: 0 everything is here or a run fetches it, 3 something cannot be got.")]
pub(crate) struct Doctor {
    /// What is wanted: openbao[:VERSION], vault[:VERSION], /path/to/vault, postgres[:MAJOR], mysql[:VERSION],
    /// mariadb[:VERSION], toxiproxy[:VERSION].
    #[arg(value_name = "PARTS", default_values = ["openbao", "postgres", "mysql"])]
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof provision
      fetches what `leaseproof run` needs, so that the run itself needs no network
  leaseproof provision openbao:2.6.1 openbao:2.7.2
      two versions, side by side

What this machine has is not fetched. The cache is $LEASEPROOF_CACHE; `leaseproof doctor` says where it is.")]
pub(crate) struct Provision {
    /// What is wanted: openbao[:VERSION], vault[:VERSION], /path/to/vault, postgres[:MAJOR], mysql[:VERSION],
    /// mariadb[:VERSION], toxiproxy[:VERSION].
    #[arg(value_name = "PARTS", default_values = ["openbao", "postgres", "mysql"])]
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  leaseproof report reports/20261121-091500-7f3a
      reads its record.json and writes report.html, junit.xml and summary.md again

Exit codes: 0 the reports were written, whatever they say; 2 there is no record; 3 they cannot be written.")]
pub(crate) struct Report {
    /// The folder of a run: the one that holds record.json.
    #[arg(value_name = "RUN_FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  eval \"$(leaseproof up scenarios/quickstart/expiry.yaml)\"
      VAULT_ADDR, VAULT_TOKEN and PG* of this shell lead to the scenario's servers, until `leaseproof down`

This is the one command that prints secrets. They are those of throw-away servers on loopback.")]
pub(crate) struct Up {
    /// The scenario file.
    pub(crate) scenario: PathBuf,
    /// The secrets server: openbao[:VERSION], vault[:VERSION] or /path/to/vault.
    #[arg(long, value_name = "SERVER", value_parser = vault, default_value = "openbao")]
    pub(crate) vault: Part,
    /// The database: postgres[:MAJOR].
    #[arg(long, value_name = "SERVER", value_parser = postgres, default_value = "postgres")]
    pub(crate) postgres: Part,
    /// The folder that holds PostgreSQL's programs, instead of looking for one.
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres_bin_dir: Option<PathBuf>,
    /// Where servers come from.
    #[arg(long, value_enum, env = "LEASEPROOF_PROVIDER", hide_env_values = true, default_value = "auto")]
    pub(crate) provider: Provider,
    /// The image that a service runs in, in place of the usual one: postgres=my/postgres:17 (can be given several times).
    #[arg(
        long,
        value_name = "SERVICE=IMAGE",
        env = "LEASEPROOF_IMAGES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) image: Vec<Named>,
    /// Keep them in this very process, which prints the file to read.
    #[arg(long = "keep-up", hide = true)]
    pub(crate) keeps: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof clean --dry-run
      shows the processes and folders that killed runs left
  leaseproof clean
      removes them, and touches nothing of a run that is alive
  leaseproof clean --cache
      removes the fetched programs as well: the next run fetches them again")]
pub(crate) struct Clean {
    /// Only show what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove the cache folder as well.
    #[arg(long)]
    pub(crate) cache: bool,
}

/// One of several parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which, from 1.
    index: usize,
    /// Of how many.
    of: usize,
}

impl Shard {
    /// Every n-th, beginning with the i-th: neighbours in a folder take about as long as each other.
    pub(crate) fn take<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.index - 1).step_by(self.of).collect()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write which part of how many, from 1, as in 1/4".to_owned();
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if index == 0 || index > of { Err(wrong()) } else { Ok(Self { index, of }) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

fn vault(text: &str) -> Result<Part, String> {
    let part: Part = text.parse().map_err(|error| format!("{error}"))?;
    match part.product() {
        Some(Product::Toxiproxy) => Err("that is a proxy; ask for it with --proxy toxiproxy".to_owned()),
        Some(Product::Moto | Product::Localstack | Product::AwsPlugin) => {
            Err("that is no secrets server; a scenario gets it when its stack has `aws`".to_owned())
        }
        _ => match part.dbms() {
            Some(dbms) => Err(format!("that is a database; name it with --{dbms}")),
            None => Ok(part),
        },
    }
}

fn mysql(text: &str) -> Result<Part, String> {
    let part: Part = text.parse().map_err(|error| format!("{error}"))?;
    match part.dbms() {
        Some(Dbms::Mysql) => Ok(part),
        _ => Err("write mysql, mysql:VERSION, mariadb or mariadb:VERSION".to_owned()),
    }
}

fn postgres(text: &str) -> Result<Part, String> {
    let part: Part = text.parse().map_err(|error| format!("{error}"))?;
    if part.product() == Some(Product::Postgres) {
        return Ok(part);
    }
    Err("write postgres or postgres:MAJOR; a folder of programs goes with --postgres-bin-dir".to_owned())
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number from 1 on".to_owned()),
        Ok(jobs) => Ok(jobs),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_shards_of_a_run_have_every_scenario_once() {
        let shards = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().unwrap());
        let mut all: Vec<u32> = shards.into_iter().flat_map(|shard| shard.take((0..10).collect())).collect();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[rstest::rstest]
    #[case("0/4")]
    #[case("5/4")]
    #[case("1")]
    #[case("a/b")]
    #[case("1/0")]
    fn a_shard_that_is_none_is_refused(#[case] text: &str) {
        assert!(text.parse::<Shard>().unwrap_err().contains("as in 1/4"));
    }
}
