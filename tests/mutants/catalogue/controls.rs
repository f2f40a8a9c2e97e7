//! Controls: what disturbs and breaks no promise. Nobody may be called to account for it.

use std::time::Duration;

use crate::mutant::{Mutant, Reply, Turns, get, mutant, post};

const HOLD_UP: Duration = Duration::from_millis(700);

pub(crate) fn controls() -> Vec<Mutant> {
    let quick = &["quickstart/expiry", "quickstart/renewal_and_its_cap", "leases/revoke_is_done_when_answered"];
    vec![
        mutant("a 429 here and there", "", "")
            .on(get("*").turns(Turns::Every(3)).answer(|_| too_many()))
            .on(post("*").turns(Turns::Every(3)).answer(|_| too_many()))
            .shows_in(quick),
        mutant("a 500 here and there", "", "")
            .on(get("*").turns(Turns::Every(3)).answer(|_| Reply::refusal(500, "internal error")))
            .on(post("*").turns(Turns::Every(3)).answer(|_| Reply::refusal(500, "internal error")))
            .shows_in(quick),
        mutant("a delay here and there", "", "")
            .on(get("*").turns(Turns::Every(2)).delay(HOLD_UP))
            .on(post("*").turns(Turns::Every(2)).delay(HOLD_UP))
            .shows_in(quick),
        mutant("nothing at all", "", "")
            .on(get("*").delay(Duration::ZERO))
            .on(post("*").delay(Duration::ZERO))
            .shows_in(quick),
    ]
}

fn too_many() -> Reply {
    Reply::refusal(429, "request path \"x\": rate limit quota exceeded")
}
