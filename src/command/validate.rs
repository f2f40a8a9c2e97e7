//! `leaseproof validate`: checks scenario files without starting anything.

use leaseproof_harness::scenario::{Diagnostic, Loaded};
use leaseproof_harness::suite::Exit;
use serde_json::{Value, json};

use crate::args::{Format, Validate};
use crate::exit::Failure;
use crate::files::{Files, counted};
use crate::out;

pub(super) fn once(args: &Validate) -> Result<Exit, Failure> {
    let files = Files::read(&args.paths, &[])?;
    match args.format {
        Format::Text => {
            files.draw();
            if files.invalid() == 0 {
                out::line(&sentence(files.entries.len(), files.warnings()))?;
            }
        }
        Format::Json => out::line(&format_args!("{:#}", machine(&files)))?,
    }
    Ok(if files.invalid() == 0 { Exit::Held } else { Exit::Usage })
}

fn sentence(files: usize, warnings: usize) -> String {
    let are = if files == 1 { "is" } else { "are" };
    let valid = format!("{} {are} valid", counted(files, "scenario"));
    if warnings == 0 { valid } else { format!("{valid}, with {}", counted(warnings, "warning")) }
}

fn machine(files: &Files) -> Value {
    let entry = |entry: &leaseproof_harness::scenario::Entry| {
        json!({
            "file": entry.path,
            "valid": !entry.loaded.has_errors(),
            "name": entry.loaded.scenario.as_ref().map(|scenario| &scenario.name),
            "diagnostics": entry.loaded.diagnostics.iter().map(|it| diagnostic(&entry.loaded, it)).collect::<Value>(),
        })
    };
    files.entries.iter().map(entry).collect()
}

/// A diagnostic; one that lies in a fragment names the fragment's file, and where the scenario uses it.
fn diagnostic(loaded: &Loaded, it: &Diagnostic) -> Value {
    let mut value = json!(it);
    let text = loaded.sources.text(it.at);
    if let (Some(_), Some(object)) = (&text.brought, value.as_object_mut()) {
        object.insert("file".to_owned(), json!(text.path));
        object.insert("used_at".to_owned(), json!(loaded.sources.in_own(it.at)));
    }
    value
}
