//! What a consumer holds: read from the file in which it keeps it. A file is what an agent's template writes, and it is the
//! only thing that lets one log in from outside with just what the consumer has: on its links its password never passes.

use std::fs;
use std::path::Path;

use crate::scenario::consumer::Holds;
use crate::scenario::file::HoldsFormat;
use crate::scenario::kept;
use crate::secret::Secret;
use crate::service::database::Login;

/// Gives a part of a file by its name, or by the way to it.
type Part<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// A larger file holds no credential.
const LARGEST: u64 = 1 << 20;

/// The credential in the file, or why there is none.
pub(super) fn read(folder: &Path, holds: &Holds) -> Result<Login, String> {
    let text = text(folder, &holds.file)?;
    login(&text, holds).map_err(|why| format!("{} {why}", holds.file))
}

/// The text of a file of the consumer's, or why it has none.
pub(super) fn text(folder: &Path, file: &str) -> Result<String, String> {
    let path = folder.join(file);
    let found = fs::metadata(&path).map_err(|_| format!("{file} is not there"))?;
    // A pipe would have us wait for whoever writes to it.
    if !found.is_file() || found.len() > LARGEST {
        return Err(format!("{file} is no file of a credential's size"));
    }
    let bytes = fs::read(&path).map_err(|error| format!("{file} cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{file} is no text"))
}

fn login(text: &str, holds: &Holds) -> Result<Login, String> {
    let part: Part<'_> = match holds.format {
        HoldsFormat::Json => {
            // Not the error's own words: they may quote what stands there.
            let document: serde_json::Value = serde_json::from_str(text).map_err(|_| "is not whole JSON".to_owned())?;
            Box::new(move |way| kept::part(&document, way)?.as_str().map(str::to_owned))
        }
        HoldsFormat::Env => Box::new(|name| variable(text, name)),
    };
    let part = |name: &str| part(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("has no `{name}`"));
    Ok(Login { username: part(&holds.username)?, password: Secret::new(part(&holds.password)?) })
}

/// The value of a variable in lines of `NAME=value`, as a shell reads plain ones.
fn variable(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().rev().map(|line| line.trim().trim_start_matches("export "));
    let value = lines.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == name)?.1.trim();
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(format: HoldsFormat, username: &str, password: &str) -> Holds {
        let (username, password) = (username.to_owned(), password.to_owned());
        Holds { role: "database/app".parse().unwrap(), file: "creds".to_owned(), format, username, password }
    }

    fn read_as(text: &str, holds: &Holds) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("creds"), text).unwrap();
        read(folder.path(), holds).map(|login| (login.username, login.password.expose().to_owned()))
    }

    #[test]
    fn a_credential_is_read_from_json_and_from_an_environment_file() {
        let both = Ok(("v-app".to_owned(), "a=b".to_owned()));
        let json = holds(HoldsFormat::Json, "data.username", "data.password");
        assert_eq!(read_as(r#"{"data": {"username": "v-app", "password": "a=b"}}"#, &json), both);
        let env = holds(HoldsFormat::Env, "PGUSER", "PGPASSWORD");
        assert_eq!(read_as("# made\nexport PGUSER=v-app\nPGPASSWORD='a=b'\n", &env), both);
    }

    #[test]
    fn what_is_missing_or_half_written_is_no_credential_and_is_not_quoted() {
        let json = holds(HoldsFormat::Json, "username", "password");
        for (text, why) in [
            ("{\"username\": \"v-app\", \"passw", "creds is not whole JSON"),
            ("{\"username\": \"v-app\"}", "creds has no `password`"),
            ("{\"username\": \"\", \"password\": \"x\"}", "creds has no `username`"),
        ] {
            assert_eq!(read_as(text, &json), Err(why.to_owned()));
        }
        let nowhere = read(Path::new("/nonexistent"), &json).map(drop);
        assert_eq!(nowhere, Err("creds is not there".to_owned()));
    }
}
