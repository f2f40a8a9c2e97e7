//! A real PostgreSQL for tests of native processes.

use std::fs;
use std::path::{Path, PathBuf};

use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::estate::Estate;
use leaseproof_harness::provider::native::launch::{Launch, Signal};
use leaseproof_harness::provider::native::port::Port;
use leaseproof_harness::provider::native::process::{Process, ProcessError};
use leaseproof_harness::provider::native::template::{Template, TemplateKey};
use leaseproof_harness::provider::native::user::User;

/// Initialised once as a template, as a service does it, and copied.
pub async fn initialised(estate: &Estate, cache: &Cache, programs: &Path) -> PathBuf {
    let user = User::unprivileged();
    let work = estate.folder("initdb", user).unwrap();
    let initdb = Launch::new("initdb", programs.join("initdb"), work)
        .args(["--username=root", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8", "-D"])
        .run_as(user)
        .owned_by(estate.owner());
    let build = |data: PathBuf| async move {
        let initdb = Process::new(initdb.arg(data));
        initdb.start().await?;
        let exit = initdb.exited().await?;
        assert!(exit.status.unwrap().success(), "{}", fs::read_to_string(initdb.log()).unwrap());
        Ok::<_, ProcessError>(())
    };
    let template = Template::ensure(cache, &TemplateKey::new("postgres"), user, build).await.unwrap();
    let folder = estate.folder("postgres", user).unwrap();
    template.copy_to(&folder.join("data"), user).await.unwrap();
    folder
}

/// The server over an initialised folder.
pub fn server(estate: &Estate, programs: &Path, folder: &Path, port: &Port) -> Process {
    let launch = Launch::new("postgres", programs.join("postgres"), folder)
        .args(["-F", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-p")
        .arg(port.number().to_string())
        .run_as(User::unprivileged())
        .polite_signal(Signal::SIGINT)
        .on_harness_death(Signal::SIGQUIT)
        .owned_by(estate.owner());
    Process::new(launch)
}
