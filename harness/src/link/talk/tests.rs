use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn watch(protocol: Protocol, pattern: &str, moment: Moment) -> Watch {
    Watch { protocol, pattern: Regex::new(pattern).unwrap(), moment, gives_back: false }
}

fn postgres(moment: Moment) -> Box<dyn Talk> {
    watch(Protocol::Postgres, "ALTER (ROLE|USER)", moment).reader(false)
}

fn http(moment: Moment) -> Box<dyn Talk> {
    watch(Protocol::Http, "^PUT /v1/sys/leases/renew$", moment).reader(true)
}

fn aws(moment: Moment) -> Box<dyn Talk> {
    watch(Protocol::Aws, "^(?:DeleteUser)$", moment).reader(true)
}

/// A request as Vault's SDK makes it.
fn form(action: &str) -> Vec<u8> {
    let body = format!("Action={action}&UserName=vault-x&Version=2010-05-08");
    format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), &[0]].concat())
}

fn complete(tag: &str) -> Vec<u8> {
    message(b'C', &[tag.as_bytes(), &[0]].concat())
}

fn ready(state: u8) -> Vec<u8> {
    message(b'Z', &[state])
}

fn passes(passed: &Passed, bytes: &[u8]) {
    assert!(!passed.come && passed.bytes == bytes, "{passed:?} instead of {bytes:?}");
}

#[test]
fn a_statement_is_met_before_any_byte_of_it_has_passed() {
    let mut talk = postgres(Moment::BeforeSent);
    let before = query("SELECT 1");
    let passed = talk.asked(&[before.clone(), query("ALTER ROLE x"), query("SELECT 2")].concat());
    assert_eq!(passed, Passed { bytes: before, come: true });
}

#[test]
fn a_prepared_statement_is_met_when_it_is_executed_and_not_when_it_is_prepared() {
    let mut talk = postgres(Moment::BeforeSent);
    let prepare = [message(b'P', b"s1\0ALTER USER x\0\0\0"), message(b'S', b"")].concat();
    passes(&talk.asked(&prepare), &prepare);
    let bind = message(b'B', b"\0s1\0\0\0\0\0\0\0");
    let passed = talk.asked(&[bind.clone(), message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat());
    assert_eq!(passed, Passed { bytes: bind, come: true });
}

#[test]
fn a_statement_of_its_own_is_done_when_the_server_is_ready_and_nothing_of_that_passes() {
    let mut talk = postgres(Moment::AfterDone);
    let sent = query("ALTER ROLE x");
    passes(&talk.asked(&sent), &sent);
    passes(&talk.answered(&complete("ALTER ROLE")), b"");
    assert_eq!(talk.answered(&ready(b'I')), Passed { bytes: Vec::new(), come: true });
}

#[test]
fn in_a_transaction_a_statement_is_done_when_it_is_committed() {
    let mut talk = postgres(Moment::AfterDone);
    talk.asked(&query("BEGIN"));
    let begun = [complete("BEGIN"), ready(b'T')].concat();
    passes(&talk.answered(&begun), &begun);
    talk.asked(&query("ALTER ROLE x"));
    let altered = [complete("ALTER ROLE"), ready(b'T')].concat();
    passes(&talk.answered(&altered), &altered);
    talk.asked(&query("COMMIT"));
    let committed = talk.answered(&[complete("COMMIT"), ready(b'I')].concat());
    assert_eq!(committed, Passed { bytes: Vec::new(), come: true });
}

#[rstest]
#[case::rolled_back(vec![complete("ALTER ROLE"), ready(b'T')], vec![complete("ROLLBACK"), ready(b'I')])]
#[case::failed_in_a_transaction(vec![message(b'E', b"SERROR\0\0"), ready(b'E')], vec![complete("ROLLBACK"), ready(b'I')])]
#[case::failed_alone(vec![], vec![message(b'E', b"SERROR\0\0"), ready(b'I')])]
fn a_statement_that_did_not_last_is_not_done(#[case] first: Vec<Vec<u8>>, #[case] second: Vec<Vec<u8>>) {
    let mut talk = postgres(Moment::AfterDone);
    talk.asked(&query("ALTER ROLE x"));
    for answer in [first.concat(), second.concat()] {
        passes(&talk.answered(&answer), &answer);
    }
    // And the next one that lasts is.
    talk.asked(&query("ALTER ROLE x"));
    assert!(talk.answered(&[complete("ALTER ROLE"), ready(b'I')].concat()).come);
}

#[test]
fn a_client_that_is_refused_encryption_is_read_and_one_that_gets_it_is_not() {
    for (answer, come) in [(b"N", true), (b"S", false)] {
        let mut talk = watch(Protocol::Postgres, "ALTER", Moment::BeforeSent).reader(true);
        let request = [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat();
        passes(&talk.asked(&request), &request);
        passes(&talk.answered(answer), answer);
        let startup = [13_u32.to_be_bytes().as_slice(), &196_608_u32.to_be_bytes(), b"user\0"].concat();
        passes(&talk.asked(&startup), &startup);
        assert_eq!(talk.asked(&query("ALTER ROLE x")).come, come);
    }
}

#[test]
fn a_request_is_met_by_its_first_line_before_it_has_passed() {
    let mut talk = http(Moment::BeforeSent);
    let before = b"PUT /v1/auth HTTP/1.1\r\nContent-Length: 30\r\n\r\nPUT /v1/sys/leases/renew HTTP/".to_vec();
    passes(&talk.asked(&before), &before[..before.len()]);
    let passed = talk.asked(b"PUT /v1/sys/leases/renew HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(passed, Passed { bytes: Vec::new(), come: true });
}

#[test]
fn a_request_is_done_when_the_server_says_its_first_byte_which_does_not_pass() {
    let mut talk = http(Moment::AfterDone);
    let first = b"POST /v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    passes(&talk.asked(first), first);
    passes(&talk.answered(b"HTTP/1.1 204 No Content\r\n\r\n"), b"HTTP/1.1 204 No Content\r\n\r\n");
    let request = b"PUT /v1/sys/leases/renew HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    passes(&talk.asked(request), request);
    assert_eq!(talk.answered(b"H"), Passed { bytes: Vec::new(), come: true });
}

#[test]
fn an_action_is_met_when_its_form_is_whole_and_no_byte_of_it_has_passed() {
    let mut talk = aws(Moment::BeforeSent);
    let other = form("DeleteUserPolicy");
    passes(&talk.asked(&other), &other);
    let user = form("DeleteUser");
    let (most, rest) = user.split_at(user.len() - 3);
    passes(&talk.asked(most), b"");
    assert_eq!(talk.asked(rest), Passed { bytes: Vec::new(), come: true });
}

#[test]
fn an_action_is_done_when_aws_says_its_first_byte_which_does_not_pass() {
    let mut talk = aws(Moment::AfterDone);
    let other = form("ListAccessKeys");
    passes(&talk.asked(&other), &other);
    passes(&talk.answered(b"HTTP/1.1 200 OK\r\n"), b"HTTP/1.1 200 OK\r\n");
    let user = form("DeleteUser");
    passes(&talk.asked(&user), &user);
    assert_eq!(talk.answered(b"H"), Passed { bytes: Vec::new(), come: true });
}

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], body].concat()
}

fn command(kind: u8, body: &[u8]) -> Vec<u8> {
    packet(0, &[&[kind], body].concat())
}

/// An OK with no rows changed, and this status.
fn ok(status: u8) -> Vec<u8> {
    packet(1, &[0, 0, 0, status, 0, 0, 0])
}

fn mysql(moment: Moment, fresh: bool) -> Box<dyn Talk> {
    watch(Protocol::MySql, "ALTER USER", moment).reader(fresh)
}

#[test]
fn a_mysql_query_and_an_executed_statement_are_met_before_they_have_passed() {
    let mut talk = mysql(Moment::BeforeSent, false);
    let before = command(3, b"SELECT 1");
    let passed = talk.asked(&[before.clone(), command(3, b"ALTER USER x")].concat());
    assert_eq!(passed, Passed { bytes: before, come: true });

    let mut talk = mysql(Moment::BeforeSent, false);
    let prepare = command(0x16, b"ALTER USER x");
    passes(&talk.asked(&prepare), &prepare);
    let prepared = packet(1, &[0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    passes(&talk.answered(&prepared), &prepared);
    assert!(talk.asked(&command(0x17, &[7, 0, 0, 0, 0, 1, 0, 0, 0])).come);
}

#[rstest]
#[case::commits_by_itself(ok(2), true)]
#[case::in_a_transaction(ok(3), false)]
#[case::failed(packet(1, &[0xff, 1, 2, b'#']), false)]
fn a_mysql_statement_is_done_when_it_is_committed(#[case] answer: Vec<u8>, #[case] come: bool) {
    let mut talk = mysql(Moment::AfterDone, false);
    talk.asked(&command(3, b"ALTER USER x"));
    assert_eq!(talk.answered(&answer).come, come);
}

#[test]
fn a_mysql_transaction_is_done_at_its_commit_and_not_when_it_is_rolled_back() {
    for (end, come) in [(&b"COMMIT"[..], true), (b"ROLLBACK", false)] {
        let mut talk = mysql(Moment::AfterDone, false);
        talk.asked(&command(3, b"ALTER USER x"));
        passes(&talk.answered(&ok(3)), &ok(3));
        talk.asked(&command(3, end));
        assert_eq!(talk.answered(&ok(2)).come, come);
    }
}

#[rstest]
#[case::in_the_clear(0x0008, 60, true)]
#[case::encrypted(0x0808, 32, false)]
#[case::compressed(0x0028, 60, false)]
fn a_mysql_session_is_read_when_it_is_in_the_clear(#[case] flags: u32, #[case] length: usize, #[case] come: bool) {
    let mut talk = mysql(Moment::BeforeSent, true);
    let mut greeting = flags.to_le_bytes().to_vec();
    greeting.resize(length, 0);
    let greeting = packet(1, &greeting);
    passes(&talk.asked(&greeting), &greeting);
    assert_eq!(talk.asked(&command(3, b"ALTER USER x")).come, come);
}

/// Gives the bytes in chunks of these lengths, and says what came out and whether the moment had come.
fn in_chunks(mut take: impl FnMut(&[u8]) -> Passed, bytes: &[u8], lengths: &[usize]) -> (Vec<u8>, bool) {
    let (mut out, mut left, mut lengths) = (Vec::new(), bytes, lengths.iter().cycle());
    while !left.is_empty() {
        let (chunk, rest) = left.split_at((*lengths.next().unwrap()).clamp(1, left.len()));
        let passed = take(chunk);
        out.extend(passed.bytes);
        if passed.come {
            return (out, true);
        }
        left = rest;
    }
    (out, false)
}

fn said() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        "[a-z ]{0,20}".prop_map(|sql| query(&sql)),
        Just(query("ALTER ROLE x")),
        Just(message(b'P', b"\0ALTER USER y\0\0\0")),
        Just(message(b'B', b"\0\0\0\0\0\0\0\0")),
        Just(message(b'E', b"\0\0\0\0\0")),
        Just(message(b'S', b"")),
    ];
    prop::collection::vec(one, 0..12).prop_map(|all| all.concat())
}

fn requested() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        "[a-z]{1,9}".prop_map(|path| format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n")),
        "[a-z\r\n]{0,9}".prop_map(|body| format!("POST /b HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len())),
        Just("PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n".to_owned()),
        Just("PUT /v1/sys/leases/renew HTTP/1.1\r\n\r\n".to_owned()),
    ];
    prop::collection::vec(one, 0..8).prop_map(|all| all.concat().into_bytes())
}

proptest! {
    #[test]
    fn statements_are_met_at_the_same_byte_however_they_are_cut(said in said(), lengths in prop::collection::vec(1_usize..40, 1..8)) {
        let whole = in_chunks(|bytes| postgres(Moment::BeforeSent).asked(bytes), &said, &[said.len().max(1)]);
        let mut talk = postgres(Moment::BeforeSent);
        prop_assert_eq!(in_chunks(|bytes| talk.asked(bytes), &said, &lengths), whole);
    }

    #[test]
    fn mysql_statements_are_met_at_the_same_byte_however_they_are_cut(
        said in prop::collection::vec(prop::sample::select(vec!["SELECT 1", "ALTER USER x", ""]), 0..9),
        lengths in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let said = said.iter().map(|sql| command(3, sql.as_bytes())).collect::<Vec<_>>().concat();
        let whole = in_chunks(|bytes| mysql(Moment::BeforeSent, false).asked(bytes), &said, &[said.len().max(1)]);
        let mut talk = mysql(Moment::BeforeSent, false);
        prop_assert_eq!(in_chunks(|bytes| talk.asked(bytes), &said, &lengths), whole);
    }

    #[test]
    fn requests_are_met_at_the_same_byte_however_they_are_cut(said in requested(), lengths in prop::collection::vec(1_usize..40, 1..8)) {
        let whole = in_chunks(|bytes| http(Moment::BeforeSent).asked(bytes), &said, &[said.len().max(1)]);
        let mut talk = http(Moment::BeforeSent);
        prop_assert_eq!(in_chunks(|bytes| talk.asked(bytes), &said, &lengths), whole);
    }

    #[test]
    fn actions_are_met_at_the_same_byte_however_they_are_cut(
        said in prop::collection::vec(prop::sample::select(vec!["CreateUser", "DeleteUserPolicy", "DeleteUser"]), 0..6),
        lengths in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let said = said.into_iter().map(form).collect::<Vec<_>>().concat();
        let whole = in_chunks(|bytes| aws(Moment::BeforeSent).asked(bytes), &said, &[said.len().max(1)]);
        let mut talk = aws(Moment::BeforeSent);
        prop_assert_eq!(in_chunks(|bytes| talk.asked(bytes), &said, &lengths), whole);
    }

    #[test]
    fn what_passes_is_the_beginning_of_what_was_said(
        said in prop::collection::vec(any::<u8>(), 0..600),
        lengths in prop::collection::vec(1_usize..40, 1..8),
        fresh in any::<bool>(),
    ) {
        for protocol in [Protocol::Postgres, Protocol::MySql, Protocol::Http, Protocol::Aws] {
            for moment in [Moment::BeforeSent, Moment::AfterDone] {
                // Matches nothing.
                let mut talk = watch(protocol, "[^\\s\\S]", moment).reader(fresh);
                let (out, come) = in_chunks(|bytes| talk.asked(bytes), &said, &lengths);
                prop_assert!(!come && said.starts_with(&out));
                let (out, come) = in_chunks(|bytes| talk.answered(bytes), &said, &lengths);
                prop_assert!(!come && said.starts_with(&out));
            }
        }
    }

    #[test]
    fn a_commit_is_met_however_its_answer_is_cut(lengths in prop::collection::vec(1_usize..9, 1..5)) {
        let mut talk = postgres(Moment::AfterDone);
        talk.asked(&query("ALTER ROLE x"));
        let notice = message(b'N', b"SNOTICE\0\0");
        let answer = [notice.clone(), complete("ALTER ROLE"), ready(b'I')].concat();
        prop_assert_eq!(in_chunks(|bytes| talk.answered(bytes), &answer, &lengths), (notice, true));
    }
}
