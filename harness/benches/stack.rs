//! How much leaseproof adds to what its servers take anyway: ratios within one run, since the machine's own speed varies.
//!
//! `cargo bench -p leaseproof-harness`. Needs OpenBao and PostgreSQL, which the first scenario run has fetched.

#![expect(clippy::print_stdout, reason = "a benchmark is read by people")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use leaseproof_harness::event::Phase;
use leaseproof_harness::provider::docker::image::Images;
use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::fetch::Fetcher;
use leaseproof_harness::provider::native::find::{Found, Places};
use leaseproof_harness::provider::native::launch::Launch;
use leaseproof_harness::provider::native::port::Port;
use leaseproof_harness::provider::native::process::Process;
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::report::record::{Record, ScenarioRecord, ScenarioResult};
use leaseproof_harness::scenario::{self, Scenario, file::Storage};
use leaseproof_harness::service::vault::{Vault, launch};
use leaseproof_harness::suite::{self, Order, Settings};
use leaseproof_harness::time::Clock;
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error>;

/// How often each thing is measured; the median counts.
const ROUNDS: usize = 7;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let reports = tempfile::tempdir()?;
    let bao = Fetcher::new(Places::here(Cache::usual()?)).provide(&"openbao".parse()?, None, &|_| {}).await?;
    // Once, so that templates are made and files are in the page cache.
    run(vec![trivial("inmem")?, trivial("raft")?], 2, reports.path()).await?;

    for (storage, name) in [(Storage::Inmem, "inmem"), (Storage::Raft, "raft")] {
        let (mut bare, mut stack) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(bare_start(&bao, storage, reports.path(), name).await?);
            let record = run(vec![trivial(name)?], 1, reports.path()).await?;
            stack.push(first_step(held(&record)?)?);
        }
        let (bare, stack) = (median(&mut bare), median(&mut stack));
        line(
            &format!("stack ({name} vault + postgres), start to first step, over vault's bare start"),
            stack,
            bare,
            1.5,
        );
    }

    let sixteen: Vec<Arc<Scenario>> = (0..16).map(busy).collect::<Result<_, _>>()?;
    let cpu = cpu_time()?;
    let record = run(sixteen, 16, reports.path()).await?;
    held(&record)?;
    let longest = record.scenarios.iter().map(|s| s.took_ms).max().unwrap_or_default();
    let (all, longest) = (Duration::from_millis(record.took_ms), Duration::from_millis(longest));
    line("sixteen scenarios at once, over the longest of them", all, longest, 1.5);
    let used = cpu_time()?.saturating_sub(cpu);
    println!("  the harness itself used {:.1} % of a core meanwhile", 100.0 * used.as_secs_f64() / all.as_secs_f64());

    let cpu = cpu_time()?;
    let began = Instant::now();
    held(&run(vec![idle()?], 1, reports.path()).await?)?;
    let used = cpu_time()?.saturating_sub(cpu);
    let share = 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64();
    println!("waiting for a TTL with one client: {share:.1} % of a core (wanted: under 5 %)");
    println!("peak memory of the harness: {} MB (wanted: under 64 MB)", peak_memory()? / 1024);
    Ok(())
}

fn line(what: &str, took: Duration, bare: Duration, wanted: f64) {
    let ratio = took.as_secs_f64() / bare.as_secs_f64();
    println!("{what}: {} ms / {} ms = {ratio:.2} (wanted: at most {wanted})", took.as_millis(), bare.as_millis());
}

fn scenario(yaml: &str) -> Result<Arc<Scenario>, Failure> {
    let loaded = scenario::parse(yaml);
    let drawn = loaded.render(scenario::Style::Plain);
    Ok(Arc::new(loaded.scenario.ok_or(drawn)?))
}

fn trivial(storage: &str) -> Result<Arc<Scenario>, Failure> {
    scenario(&format!(
        "name: first step on {storage}\nstack: {{ vault: {{ storage: {storage} }}, postgres: {{}} }}\n\
         engines: {{ database: {{ postgres: {{ roles: {{ app: {{ default_ttl: 1m }} }} }} }} }}\n\
         steps:\n  - expect: {{ health: {{ status: 200 }} }}\n"
    ))
}

/// Six seconds of issuing, expiring and looking, with a client: what a scenario of the suite does.
fn busy(number: usize) -> Result<Arc<Scenario>, Failure> {
    scenario(&format!(
        "name: busy {number}\nstack: {{ vault: {{}}, postgres: {{}} }}\n\
         engines: {{ database: {{ postgres: {{ roles: {{ app: {{ default_ttl: 6s }} }} }} }} }}\n\
         clients: {{ web: {{ holds: database/app }} }}\n\
         steps:\n  - issue: {{ role: database/app, as: cred }}\n  - wait: {{ end_of: cred }}\n  \
         - expect: {{ login: {{ with: cred, refused: authentication }} }}\n    within: 10s\n"
    ))
}

fn idle() -> Result<Arc<Scenario>, Failure> {
    scenario(
        "name: idle\nstack: { vault: {}, postgres: {} }\n\
         engines: { database: { postgres: { roles: { app: { default_ttl: 5m } } } } }\n\
         clients: { web: { holds: database/app } }\n\
         steps:\n  - wait: { for: 20s }\n  - expect: { health: { status: 200 } }\n",
    )
}

async fn run(scenarios: Vec<Arc<Scenario>>, jobs: usize, reports: &Path) -> Result<Record, Failure> {
    let settings = Settings {
        providers: vec![Choice::Native],
        images: Images::default(),
        vaults: vec!["openbao".parse()?],
        postgres: "postgres".parse()?,
        postgres_bin: None,
        mysql: None,
        toxiproxy: None,
        seed: 1,
        keep: false,
        reports: reports.to_owned(),
        command: "cargo bench".to_owned(),
    };
    Ok(suite::run(Order { scenarios, jobs, repeat: 1, settings }, Arc::new(|_| {}), CancellationToken::new()).await?)
}

fn held(record: &Record) -> Result<&ScenarioRecord, Failure> {
    if let Some(other) = record.scenarios.iter().find(|s| s.result != ScenarioResult::Held) {
        return Err(format!("{}: {}: {}", other.name, other.result, other.reason).into());
    }
    record.scenarios.first().ok_or_else(|| "nothing ran".into())
}

fn first_step(record: &ScenarioRecord) -> Result<Duration, Failure> {
    let steps = record.phases.iter().find(|phase| phase.phase == Phase::Steps).ok_or("no step was reached")?;
    Ok(Duration::from_micros(steps.from.0))
}

/// Vault alone, as short as it can be had: in memory until it is initialised, unsealed and active; on raft from an
/// initialised folder until it is unsealed and active.
async fn bare_start(bao: &Found, storage: Storage, folder: &Path, name: &str) -> Result<Duration, Failure> {
    let home = tempfile::tempdir_in(folder)?;
    let data = home.path().join("data");
    let (mut keys, ports) = (None, [Port::claim()?, Port::claim()?]);
    match storage {
        Storage::Inmem => std::fs::create_dir(&data)?,
        Storage::Raft => {
            // A folder that this very server initialised a moment ago.
            std::fs::create_dir(&data)?;
            let (process, vault) = start(bao, storage, home.path(), &data, &ports, name).await?;
            keys = Some(init(&vault).await?);
            unseal(&vault, keys.as_deref().unwrap_or_default()).await?;
            process.stop(Duration::from_secs(10)).await?;
        }
    }
    let began = Instant::now();
    let (process, vault) = start(bao, storage, home.path(), &data, &ports, name).await?;
    let keys = match keys {
        Some(keys) => keys,
        None => init(&vault).await?,
    };
    unseal(&vault, &keys).await?;
    let took = began.elapsed();
    process.kill().await?;
    Ok(took)
}

async fn start(
    bao: &Found,
    storage: Storage,
    home: &Path,
    data: &Path,
    ports: &[Port; 2],
    name: &str,
) -> Result<(Process, Vault), Failure> {
    let more = serde_json::Map::new();
    let settings = launch::Launch {
        plugins: None,
        audited: false,
        more: &more,
        storage,
        data,
        listen: ports[0].address().to_string(),
        cluster: ports[1].address().to_string(),
        clustered: false,
        peers: ports[1].address().to_string(),
        api: ports[0].address().to_string(),
        hashicorp: false,
        node_id: "one".to_owned(),
        seal: None,
    };
    let file = home.join("vault.json");
    std::fs::write(&file, settings.configuration())?;
    let launch = Launch::new(name, &bao.program, home).args(["server".into(), format!("-config={}", file.display())]);
    let process = Process::new(launch.env("HOME", home.display().to_string()));
    process.start().await?;
    let vault = Vault::new(&ports[0].address().to_string(), Clock::start())?;
    // Every 2 ms, oftener than a stack looks: what is measured against must not be made slower by looking.
    while vault.health().await.outcome.ok().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok((process, vault))
}

async fn init(vault: &Vault) -> Result<Vec<leaseproof_harness::secret::Secret>, Failure> {
    let seen = vault.init(1, 1).await;
    Ok(seen.outcome.ok().ok_or("it would not be initialised")?.body.keys.clone())
}

async fn unseal(vault: &Vault, keys: &[leaseproof_harness::secret::Secret]) -> Result<(), Failure> {
    for key in keys {
        vault.unseal(key).await.outcome.ok().ok_or("it would not be unsealed")?;
    }
    while vault.health().await.outcome.ok() != Some(&200) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// User and system time of this process, without its children.
fn cpu_time() -> Result<Duration, Failure> {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)?;
    let part = |time: nix::sys::time::TimeVal| -> Result<Duration, Failure> {
        Ok(Duration::new(time.tv_sec().try_into()?, u32::try_from(time.tv_usec())? * 1_000))
    };
    Ok(part(usage.user_time())? + part(usage.system_time())?)
}

/// Peak resident memory of this process, in kB.
fn peak_memory() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
