//! Which calls have a latency worth showing, and of which server.

use crate::event::Event;

/// The server whose answer ends the call; none for what is no call, or several.
pub(super) fn server(event: &Event) -> Option<&'static str> {
    match event {
        Event::Issued { .. }
        | Event::Renewed { .. }
        | Event::Revoked { .. }
        | Event::LeaseRead { .. }
        | Event::LeasesListed { .. }
        | Event::IrrevocableListed { .. }
        | Event::Token { .. }
        | Event::Rotated { .. }
        | Event::Health { .. }
        | Event::Metric { .. }
        | Event::Api { .. }
        | Event::StaticRead { login: None, .. } => Some("vault"),
        Event::Login { .. }
        | Event::Used { credential: Some(_), .. }
        | Event::PrincipalRead { .. }
        | Event::SessionOpened { .. }
        | Event::SessionUsed { .. }
        | Event::Sql { .. } => Some("target"),
        // Without a credential nothing is called; a password that was read and tried at once is two calls in one entry.
        _ => None,
    }
}
