//! Rotations before a TLS server of Go's: whoever has to be let in is let in, at every step.

use std::collections::BTreeSet;

use private_ca::PrivateKey;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::chains::{self, Authority};
use super::client::connect;
use super::go::GoFrontend;
use super::{Client, Deed, NAMES, Stage, any_deed};

struct Judge {
    frontend: GoFrontend,
    /// The server's certificate and key in PEM.
    server: (String, String),
    handshakes: usize,
}

impl Judge {
    fn start() -> Option<Self> {
        let server = super::client::Client::of(&Authority::root("Server"), |_| {});
        let key = PrivateKey::from_pem_or_der(&server.key.serialize_der()).unwrap();
        let server = (server.certificate.to_pem(), key.to_pkcs8_pem().to_string());
        Some(Self { frontend: GoFrontend::start()?, server, handshakes: 0 })
    }

    /// Whether the server lets a client in, in the one version of TLS and then in the other.
    fn admits(
        &mut self,
        stage: &Stage,
        client: &Client,
        now: private_ca::Timestamp,
    ) -> Result<(), String> {
        self.handshakes += 1;
        let version = if self.handshakes.is_multiple_of(2) { 12 } else { 13 };
        self.frontend.judge(
            stage.bundle.certificates(),
            (&self.server.0, &self.server.1),
            now,
            version,
            |address| connect(address, &client.key, client.chain.certificates()),
        )
    }
}

/// What a careful person does, with more in between: random deeds alone hardly ever come to the end.
fn any_rotation() -> impl Strategy<Value = Vec<Deed>> {
    let between = || proptest::collection::vec(any_deed(), 0..3);
    let of_worker = |place: usize| vec![Deed::Issued(place), Deed::Confirmed(place)];
    let careful = [
        vec![Deed::AddNewCa],
        of_worker(0),
        of_worker(1),
        vec![Deed::Retired(0), Deed::Retired(1)],
        vec![Deed::RemoveOldCa],
    ];
    [between(), between(), between(), between(), between(), between()].prop_map(move |more| {
        let mut deeds = Vec::new();
        for (place, random) in more.into_iter().enumerate() {
            deeds.extend(random);
            deeds.extend(careful.get(place).into_iter().flatten());
        }
        deeds
    })
}

#[test]
fn go_lets_every_worker_in_at_every_step_of_a_rotation() {
    let Some(mut judge) = Judge::start() else { return };
    let mut runner = TestRunner::deterministic();
    let (mut removed, mut locked_out) = (0, 0);
    for number in 0..24 {
        let deeds = any_rotation().new_tree(&mut runner).unwrap().current();
        let mut stage = Stage::new();
        let mut now = chains::now();
        // The same client at the same day before the same bundle is asked once.
        let mut asked = BTreeSet::new();
        for deed in deeds {
            stage.act(deed, &mut now);
            for client in stage.entitled(now) {
                let leaf = client.chain.certificates()[0].as_der().to_vec();
                if !asked.insert((stage.bundle.to_pem(), leaf, now.unix_seconds())) {
                    continue;
                }
                let verdict = judge.admits(&stage, client, now);
                assert_eq!(verdict, Ok(()), "case {number}, after {deed:?}, at {now}");
            }
        }
        // And once the old CA is gone, who still has a certificate of it alone is not.
        if !stage.bundle.certificates().contains(&stage.old.certificate) {
            removed += 1;
            for place in 0..NAMES.len() {
                let verdict = judge.admits(&stage, &stage.before[place], now);
                locked_out += usize::from(verdict.is_err());
                assert!(verdict.is_err(), "case {number}");
            }
        }
    }
    assert!(judge.handshakes > 100 && removed > 5 && locked_out == 2 * removed, "{removed}");
}
