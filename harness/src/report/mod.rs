//! What a run leaves behind: the [`record`], and its projections for people and machines.

pub mod record;
