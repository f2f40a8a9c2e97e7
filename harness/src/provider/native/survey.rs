//! What this machine has of the parts and how the rest would be got, for `leaseproof doctor`.

use std::process::Stdio;

use tokio::process::Command;

use super::built::Recipe;
use super::fetch::{Client, FetchError, Fetcher, Package};
use super::find::{self, Found, PassedOver};
use super::part::Part;

/// One part on this machine.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What is wanted.
    pub wanted: Part,
    /// The program, if it is here.
    pub found: Option<Found>,
    /// Programs of its name that are not it.
    pub passed_over: Vec<PassedOver>,
    /// How it would be got; `None` when it is here.
    pub remedy: Option<Remedy>,
}

/// How a part that is not here would be got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// A run fetches it, with this command, provided the registry is reached.
    Fetch(String),
    /// It would be fetched with the command, but not here before what is missing is installed.
    Hindered {
        /// The command.
        command: String,
        /// What is missing, and what to install.
        missing: String,
    },
    /// A person has to do this.
    ByHand(String),
}

impl Fetcher {
    /// Looks at each part without fetching or changing anything.
    pub async fn survey(&self, parts: &[Part]) -> Vec<Standing> {
        let mut standings = Vec::new();
        for part in parts {
            standings.push(self.standing(part).await);
        }
        standings
    }

    async fn standing(&self, part: &Part) -> Standing {
        let wanted = part.clone();
        match self.places().find(part, None).await {
            Ok(search) => {
                let remedy = if search.found.is_some() { None } else { Some(self.remedy(part).await) };
                Standing { wanted, found: search.found, passed_over: search.passed_over, remedy }
            }
            Err(error) => {
                let remedy = Some(Remedy::ByHand(error.to_string()));
                Standing { wanted, found: None, passed_over: Vec::new(), remedy }
            }
        }
    }

    async fn remedy(&self, part: &Part) -> Remedy {
        if let Some(recipe) = Recipe::all(part).first() {
            return self.remedy_of(part, recipe);
        }
        let package = match Package::of(part) {
            Ok(package) => package,
            Err(advice) => return Remedy::ByHand(advice),
        };
        let command = package.command();
        let hindrance = match package.client {
            Client::Pip(_) => self.hindrance(part).await,
            Client::Go(_) => self.go_program(part).err().map(|error| error.to_string()),
            Client::Apt(_) => self.debian(part).err().map(|error| error.to_string()),
        };
        match hindrance {
            Some(missing) => Remedy::Hindered { command, missing },
            None => Remedy::Fetch(command),
        }
    }

    /// How a part would be put together.
    fn remedy_of(&self, part: &Part, recipe: &Recipe) -> Remedy {
        let command = recipe.command();
        if find::on_path(&self.places().path, recipe.client()).is_some() {
            return Remedy::Fetch(command);
        }
        let part = part.clone();
        let missing = recipe.without_client().map(str::to_owned);
        let missing = missing.unwrap_or_else(|| FetchError::NoPython { part }.to_string());
        Remedy::Hindered { command, missing }
    }

    /// What fetching with pip lacks here, short of the network.
    async fn hindrance(&self, part: &Part) -> Option<String> {
        let Some(python) = find::on_path(&self.places().path, "python3") else {
            return Some(FetchError::NoPython { part: part.clone() }.to_string());
        };
        let mut command = Command::new(python);
        command.args(["-c", "import venv, ensurepip"]).stdin(Stdio::null()).kill_on_drop(true);
        match command.output().await {
            Ok(output) if output.status.success() => None,
            Ok(_) => Some("Python has no venv module; install the package python3-venv".into()),
            Err(error) => Some(format!("python3 does not run: {error}")),
        }
    }
}
