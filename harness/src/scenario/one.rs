//! The one thing that stands in an `expect`, a `fault` or an `always`: a view of the file's shape in which a match is
//! complete.

use super::file::{
    Always, Api, AsksEvery, Bandwidth, ChangeRole, DeleteRole, Expect, ExpectAudit, ExpectCertificate, ExpectConsumer,
    ExpectHealth, ExpectLease, ExpectLeases, ExpectLedger, ExpectLogin, ExpectMetric, ExpectPrincipal, ExpectSession,
    ExpectStaticRole, ExpectToken, FailRequests, Fault, FillDisk, Kill, Latency, LimitData, MintedPerMinute,
    NoDeadCredential, NoZombie, Nothing, OfConsumer, OnAudit, OnClient, OnConnection, OnCredential, OnLink, OnNode,
    OnServer, Partition, Sealing, Slicer, SlowClose, Sql, Throttle, Timeout, TuneMount, Upgrade, WithoutCredential,
};

/// Makes an enum of a struct whose fields are all optional and of which one is set.
macro_rules! one_of {
    ($(#[$doc:meta])* $view:ident of $file:ident { $($field:ident: $variant:ident($type:ty)),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[expect(missing_docs, reason = "each variant is the field of the same name, documented there")]
        pub enum $view<'a> {
            $($variant(&'a $type)),*
        }

        impl $file {
            /// What stands here; the first, where a file that was not checked has several.
            pub fn one(&self) -> Option<$view<'_>> {
                $(if let Some(marked) = &self.$field { return Some($view::$variant(&marked.value)); })*
                None
            }
        }

        impl $view<'_> {
            /// Its key in the file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($field)),*
                }
            }
        }
    };
}

one_of! {
    /// What is expected.
    Expected of Expect {
        lease: Lease(ExpectLease),
        leases: Leases(ExpectLeases),
        login: Login(ExpectLogin),
        principal: Principal(ExpectPrincipal),
        session: Session(ExpectSession),
        token: Token(ExpectToken),
        static_role: StaticRole(ExpectStaticRole),
        health: Health(ExpectHealth),
        metric: Metric(ExpectMetric),
        audit: Audit(ExpectAudit),
        certificate: Certificate(ExpectCertificate),
        api: Api(Api),
        sql: Sql(Sql),
        consumer: Consumer(ExpectConsumer),
        ledger: Ledger(ExpectLedger),
    }
}

one_of! {
    /// What breaks.
    Broken of Fault {
        down: Down(OnLink),
        cut: Cut(OnLink),
        reset: Reset(OnLink),
        latency: Latency(Latency),
        bandwidth: Bandwidth(Bandwidth),
        slow_close: SlowClose(SlowClose),
        timeout: Timeout(Timeout),
        slicer: Slicer(Slicer),
        limit_data: LimitData(LimitData),
        partition: Partition(Partition),
        stop: Stop(OnServer),
        kill: Kill(Kill),
        pause: Pause(OnServer),
        disconnect: Disconnect(OnServer),
        restart: Restart(OnServer),
        upgrade: Upgrade(Upgrade),
        replace: Replace(OnNode),
        seal: Seal(Sealing),
        step_down: StepDown(Nothing),
        revoke_token: RevokeToken(OnClient),
        expire_token: ExpireToken(OnClient),
        narrow_policy: NarrowPolicy(OnClient),
        tune_mount: TuneMount(TuneMount),
        change_role: ChangeRole(ChangeRole),
        delete_role: DeleteRole(DeleteRole),
        fill_disk: FillDisk(FillDisk),
        hang_audit: HangAudit(OnAudit),
        drop_audit: DropAudit(OnAudit),
        block_audit: BlockAudit(OnAudit),
        disable_audit: DisableAudit(OnAudit),
        change_root_password: ChangeRootPassword(OnConnection),
        lock_root: LockRoot(OnConnection),
        revoke_privilege: RevokePrivilege(OnConnection),
        terminate_sessions: TerminateSessions(OnConnection),
        exhaust_connections: ExhaustConnections(OnConnection),
        drop_user: DropUser(OnCredential),
        own_objects: OwnObjects(OnCredential),
        throttle: Throttle(Throttle),
        fail_requests: FailRequests(FailRequests),
        delete_root_key: DeleteRootKey(Nothing),
        second_root_key: SecondRootKey(Nothing),
        delete_user: DeleteUser(OnCredential),
    }
}

one_of! {
    /// What holds throughout.
    Throughout of Always {
        credential_gap: CredentialGap(WithoutCredential),
        recovers_within: RecoversWithin(WithoutCredential),
        minted_per_minute: MintedPerMinute(MintedPerMinute),
        asks_every: AsksEvery(AsksEvery),
        no_dead_credential: NoDeadCredential(NoDeadCredential),
        no_secret_in_log: NoSecretInLog(OfConsumer),
        no_early_death: NoEarlyDeath(Nothing),
        no_zombie: NoZombie(NoZombie),
    }
}
