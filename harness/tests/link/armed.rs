//! A link that waits for a moment: all passes before it, nothing after it, on no connection.

use leaseproof_harness::link::{Moment, Protocol, Watch};
use regex::Regex;

use crate::support::{Rig, assert_reset, assert_silent, hear, say, soon};

const ORDINARY: &str = "GET /v1/sys/health HTTP/1.1\r\n\r\n";
const AWAITED: &str = "PUT /v1/sys/leases/renew HTTP/1.1\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn watch(moment: Moment) -> Watch {
    Watch { protocol: Protocol::Http, pattern: Regex::new("^PUT .*/renew$").unwrap(), moment, gives_back: false }
}

#[tokio::test]
async fn before_a_request_nothing_of_it_passes_nor_anything_after_it_on_any_connection() {
    let rig = Rig::new().await;
    let (mut other, mut others_server) = rig.pair().await;
    let (id, mut coming) = rig.proxy.arm(watch(Moment::BeforeSent)).await;
    let (mut client, mut server) = rig.pair().await;
    say(&mut client, ORDINARY).await;
    hear(&mut server, ORDINARY).await;
    say(&mut server, ANSWER).await;
    hear(&mut client, ANSWER).await;
    assert!(!coming.has_come());
    // In two pieces, of which the first is enough to know.
    let (first, second) = AWAITED.split_at(30);
    say(&mut client, first).await;
    say(&mut client, second).await;
    soon(coming.wait()).await;
    say(&mut other, ORDINARY).await;
    assert_silent(&mut others_server).await;
    assert_silent(&mut server).await;
    assert_silent(&mut client).await;
    rig.proxy.remove(id).await.unwrap();
    assert_reset(&mut client).await;
    assert_reset(&mut server).await;
    assert_reset(&mut other).await;
}

#[tokio::test]
async fn after_a_request_is_done_its_answer_does_not_pass() {
    let rig = Rig::new().await;
    let (id, mut coming) = rig.proxy.arm(watch(Moment::AfterDone)).await;
    let (mut client, mut server) = rig.pair().await;
    say(&mut client, AWAITED).await;
    hear(&mut server, AWAITED).await;
    assert!(!coming.has_come());
    say(&mut server, ANSWER).await;
    soon(coming.wait()).await;
    assert_silent(&mut client).await;
    rig.proxy.remove(id).await.unwrap();
    assert_reset(&mut client).await;
}

#[tokio::test]
async fn a_link_that_gives_back_lets_go_of_everything_late_and_whole() {
    let rig = Rig::new().await;
    let (mut other, mut others_server) = rig.pair().await;
    for moment in [Moment::BeforeSent, Moment::AfterDone] {
        let (id, mut coming) = rig.proxy.arm(Watch { gives_back: true, ..watch(moment) }).await;
        let (mut client, mut server) = rig.pair().await;
        say(&mut client, AWAITED).await;
        if moment == Moment::AfterDone {
            hear(&mut server, AWAITED).await;
            say(&mut server, ANSWER).await;
        }
        soon(coming.wait()).await;
        say(&mut other, ORDINARY).await;
        for nobody in [&mut client, &mut others_server] {
            assert_silent(nobody).await;
        }
        rig.proxy.remove(id).await.unwrap();
        hear(&mut others_server, ORDINARY).await;
        if moment == Moment::BeforeSent {
            hear(&mut server, AWAITED).await;
            say(&mut server, ANSWER).await;
        }
        hear(&mut client, ANSWER).await;
        // And goes on as if nothing had been.
        say(&mut client, ORDINARY).await;
        hear(&mut server, ORDINARY).await;
    }
}

#[tokio::test]
async fn a_link_whose_moment_has_not_come_is_none_the_worse_for_having_waited() {
    let rig = Rig::new().await;
    let (id, coming) = rig.proxy.arm(watch(Moment::BeforeSent)).await;
    let (mut client, mut server) = rig.pair().await;
    let half = &AWAITED[..20];
    // Kept back, since it may become what is waited for.
    say(&mut client, half).await;
    assert_silent(&mut server).await;
    rig.proxy.remove(id).await.unwrap();
    hear(&mut server, half).await;
    assert!(!coming.has_come());
}
