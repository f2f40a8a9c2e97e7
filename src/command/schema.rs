//! `leaseproof schema`: the JSON Schemas.

use leaseproof_harness::suite::Exit;
use leaseproof_harness::{report, scenario};

use crate::args::{Schema, SchemaOf};
use crate::exit::Failure;
use crate::out;

pub(super) fn run(args: &Schema) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Scenario => scenario::schema::schema(),
        SchemaOf::Fragment => scenario::schema::fragment(),
        SchemaOf::Record => report::schema(),
    };
    out::text(&schema)?;
    Ok(Exit::Held)
}
