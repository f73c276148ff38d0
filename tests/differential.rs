//! Chains made and broken at random, before our verifier and three that nobody here wrote.
//!
//! `DIFFERENTIAL_SEED` and `DIFFERENTIAL_CASES` say which chains and how many, and
//! `DIFFERENTIAL_CASE` picks one of them and shows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that is wrong should stop, and one that is skipped should say so"
)]

#[path = "differential/chain.rs"]
mod chain;
#[path = "support/chains.rs"]
mod chains;
#[path = "differential/draft.rs"]
mod draft;
#[path = "support/go.rs"]
mod go;
#[path = "support/judges.rs"]
mod judges;
#[path = "differential/mutation.rs"]
mod mutation;
#[path = "differential/random.rs"]
mod random;
#[path = "differential/reasons.rs"]
mod reasons;
#[path = "differential/values.rs"]
mod values;
#[path = "differential/verdicts.rs"]
mod verdicts;

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use private_ca::verify::{Policy, Purpose};
use private_ca::{Certificate, Timestamp};

use chain::{Ders, Plan};
use go::Go;
use judges::DerCase;
use random::Random;
use reasons::{Refused, limit, misled, stricter_than_all, stricter_than_go};

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Which cases to try: of a seed that is another one each time, unless it is given.
struct Run {
    seed: u64,
    cases: std::ops::Range<u64>,
    shows: bool,
}

impl Run {
    fn new(default_count: u64) -> Self {
        // The same for everybody: a build is not to fail by chance. Other seeds are for explorers.
        let seed = number("DIFFERENTIAL_SEED").unwrap_or(1);
        let cases = match number("DIFFERENTIAL_CASE") {
            Some(case) => case..case + 1,
            None => 0..number("DIFFERENTIAL_CASES").unwrap_or(default_count),
        };
        println!("DIFFERENTIAL_SEED={seed}, {} cases", cases.end - cases.start);
        Self { seed, shows: cases.end - cases.start == 1, cases }
    }

    fn plan(&self, case: u64) -> Plan {
        let mut random = Random::of_case(self.seed, case);
        let mut plan = chain::plan(&mut random);
        let mutations = *random.pick(&[0, 0, 1, 1, 1, 1, 1, 1, 1, 2]);
        for _ in 0..mutations {
            mutation::mutate(&mut plan, &mut random);
        }
        plan
    }

    fn show(&self, ders: &Ders) {
        if self.shows {
            for (what, ders) in [("anchor", &ders.anchors), ("pool", &ders.pool)] {
                for der in ders {
                    println!("{what} {}", Base64::encode_string(der));
                }
            }
            println!("leaf {}", Base64::encode_string(&ders.leaf));
        }
    }
}

fn case<'a>(ders: &'a Ders, purpose: Purpose, at: i64) -> DerCase<'a> {
    DerCase {
        anchors: ders.anchors.iter().map(Vec::as_slice).collect(),
        intermediates: ders.pool.iter().map(Vec::as_slice).collect(),
        leaf: &ders.leaf,
        purpose,
        at: Timestamp::from_unix_seconds(at),
        name: None,
    }
}

/// What was found, and how often.
#[derive(Default)]
struct Tally {
    accepted: usize,
    reasons: BTreeMap<String, usize>,
    excused: BTreeMap<String, usize>,
    /// By what they have in common: how many, and the first few.
    surprises: BTreeMap<String, (usize, Vec<String>)>,
}

impl Tally {
    fn surprise(&mut self, kind: String, text: impl FnOnce() -> String) {
        let (count, examples) = self.surprises.entry(kind).or_default();
        *count += 1;
        if examples.len() < 3 {
            examples.push(text());
        }
    }

    fn excuse(&mut self, sentence: &str) {
        *self.excused.entry(sentence.to_owned()).or_default() += 1;
    }

    fn count(&mut self, ours: &Result<Ders, verdicts::Refusal>) {
        match ours {
            Ok(_) => self.accepted += 1,
            Err(refusal) => *self.reasons.entry(refusal.key.clone()).or_default() += 1,
        }
    }

    fn finish(self) {
        let refused: usize = self.reasons.values().sum();
        println!("{} accepted, {refused} refused:", self.accepted);
        for (reason, count) in &self.reasons {
            println!("  {count:5} {reason}");
        }
        println!("differences for reasons that are stated:");
        for (sentence, count) in &self.excused {
            println!("  {count:5} {sentence}");
        }
        for (kind, (count, examples)) in &self.surprises {
            println!("SURPRISE, {count} times: {kind}");
            for example in examples {
                println!("    {example}");
            }
        }
        assert!(self.surprises.is_empty(), "{} kinds of surprises", self.surprises.len());
        // A test that only ever hears one answer proves nothing.
        if self.accepted + refused > 100 {
            let share = self.accepted * 100 / (self.accepted + refused);
            assert!((15..=85).contains(&share), "{share}% accepted");
        }
    }
}

/// Marks a path in which two certificates have one name.
fn namesakes(path: &Ders) -> &'static str {
    let mut names: Vec<_> = path
        .anchors
        .iter()
        .chain(&path.pool)
        .chain([&path.leaf])
        .map(|der| Certificate::from_der(der).unwrap().subject().as_der().to_vec())
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    if names.len() < count { "(namesakes) " } else { "" }
}

/// The part of a judge's reason that does not change from case to case.
fn head(reason: &str) -> String {
    let error = reason.lines().find(|line| line.starts_with("error ")).unwrap_or(reason);
    // Where OpenSSL cannot read a file: not its name, but the fault.
    let error = error.rsplit_once("routines:").map_or(error, |(_, fault)| fault);
    let error = error.split_once("/tmp/").map_or(error, |(before, _)| before);
    let letters = error.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter });
    let is_marked = reason.starts_with("(namesakes)") && !error.starts_with("(namesakes)");
    let mark = is_marked.then_some("(namesakes) ");
    mark.into_iter().flat_map(str::chars).chain(letters.take(90)).collect()
}

#[test]
fn what_the_default_policies_accept_three_others_accept_and_what_they_refuse_for_themselves_is_stated()
 {
    let Some(mut the_go) = Go::start() else { return };
    let run = Run::new(1500);
    let mut tally = Tally::default();
    for index in run.cases.clone() {
        let plan = run.plan(index);
        let ders = plan.ders();
        run.show(&ders);
        for (purpose, policy) in
            [(Purpose::Client, Policy::tls_client()), (Purpose::Server, Policy::tls_server())]
        {
            let case = case(&ders, purpose, plan.at);
            let ours = verdicts::ours(&ders, policy, plan.at);
            tally.count(&ours);
            let about = || format!("case {index}, {purpose}: {}", plan.notes.join("; "));
            let (webpki, go) = (judges::webpki_on(&case), the_go.judge_on(&case));
            if run.shows {
                println!("{}", about());
                match &ours {
                    Ok(_) => println!("ours: accepted"),
                    Err(refusal) => println!("ours: {refusal}"),
                }
                println!(
                    "webpki: {webpki:?}\nGo: {go:?}\nOpenSSL: {:?}",
                    judges::openssl_on(&case, false)
                );
            }
            if ours.is_err() && (webpki.is_err() || go.is_err()) {
                continue;
            }
            let Some(openssl) = judges::openssl_on(&case, false) else { return };
            match ours {
                Ok(path) => {
                    let alone = DerCase { purpose, ..self::case(&path, purpose, plan.at) };
                    for (judge, verdict) in [("webpki", webpki), ("Go", go), ("OpenSSL", openssl)] {
                        let Err(reason) = verdict else { continue };
                        let again = match judge {
                            "webpki" => judges::webpki_on(&alone),
                            "Go" => the_go.judge_on(&alone),
                            _ => judges::openssl_on(&alone, false).unwrap(),
                        };
                        // What the path itself is refused for tells more than what else was tried.
                        let Err(again) = again else {
                            tally.excuse(misled(judge));
                            continue;
                        };
                        let certificates = path.certificates();
                        let refused = Refused { path: &certificates, at: plan.at, reason: &again };
                        if let Some(sentence) = limit(judge, &refused) {
                            tally.excuse(&sentence);
                            continue;
                        }
                        let reason = format!("{}{again} (at first: {reason})", namesakes(&path));
                        let kind = format!("accepted, and {judge} refuses: {}", head(&reason));
                        tally.surprise(kind, || format!("{}\n        {reason}", about()));
                    }
                }
                Err(refusal) if openssl.is_ok() => {
                    let mut others = self::case(&ders, purpose, plan.at);
                    others.anchors.retain(|anchor| *anchor != ders.leaf.as_slice());
                    if others.anchors.len() < case.anchors.len()
                        && the_go.judge_on(&others).is_err()
                    {
                        tally.excuse("Go asks nothing of a leaf that is an anchor");
                        continue;
                    }
                    if let Some(sentence) = stricter_than_all(&refusal) {
                        tally.excuse(&sentence);
                        continue;
                    }
                    if take_different_paths(&case, &mut the_go) {
                        tally.excuse("each of the three takes a path that another refuses");
                        continue;
                    }
                    let kind = format!("refused, and all accept: {}", refusal.key);
                    tally.surprise(kind, || format!("{}\n        {refusal}", about()));
                }
                Err(_) => {}
            }
        }
    }
    tally.finish();
}

/// Whether a certificate less makes some of the judges refuse, and not others: then they accept for
/// paths of their own.
fn take_different_paths(case: &DerCase<'_>, the_go: &mut Go) -> bool {
    let mut differ = |less: &DerCase<'_>| {
        let verdicts = [
            judges::webpki_on(less).is_ok(),
            the_go.judge_on(less).is_ok(),
            judges::openssl_on(less, false).is_some_and(|verdict| verdict.is_ok()),
        ];
        verdicts.contains(&true) && verdicts.contains(&false)
    };
    let without = |all: &[&[u8]], place: usize| -> Vec<Vec<u8>> {
        all.iter()
            .enumerate()
            .filter(|(other, _)| *other != place)
            .map(|(_, der)| der.to_vec())
            .collect()
    };
    for place in 0..case.intermediates.len() {
        let fewer = without(&case.intermediates, place);
        let intermediates = fewer.iter().map(Vec::as_slice).collect();
        if differ(&DerCase { intermediates, ..case.clone() }) {
            return true;
        }
    }
    for place in 0..case.anchors.len() {
        let fewer = without(&case.anchors, place);
        let anchors = fewer.iter().map(Vec::as_slice).collect();
        if differ(&DerCase { anchors, ..case.clone() }) {
            return true;
        }
    }
    false
}

#[test]
fn the_policy_of_go_decides_as_go_does() {
    let Some(mut the_go) = Go::start() else { return };
    let run = Run::new(6000);
    let mut tally = Tally::default();
    for index in run.cases.clone() {
        let plan = run.plan(index);
        let ders = plan.ders();
        run.show(&ders);
        let ours = verdicts::ours(&ders, Policy::go_tls_client(), plan.at);
        let go = the_go.judge_on(&case(&ders, Purpose::Client, plan.at));
        tally.count(&ours);
        let about = || format!("case {index}: {}", plan.notes.join("; "));
        if run.shows {
            println!("{}", about());
            match &ours {
                Ok(_) => println!("ours: accepted"),
                Err(refusal) => println!("ours: {refusal}"),
            }
            println!("Go: {go:?}");
        }
        match (ours, go) {
            (Ok(_), Ok(())) | (Err(_), Err(_)) => {}
            (Ok(path), Err(reason)) => {
                let certificates = path.certificates();
                let refused = Refused { path: &certificates, at: plan.at, reason: &reason };
                if the_go.judge_on(&case(&path, Purpose::Client, plan.at)).is_ok()
                    && reason.starts_with("anchor: ")
                {
                    tally.excuse("Go reads every anchor, also those that no path needs");
                } else if let Some(sentence) = limit("Go's policy", &refused) {
                    tally.excuse(&sentence);
                } else {
                    let kind = format!("accepted, and Go refuses: {}", head(&reason));
                    tally.surprise(kind, || format!("{}\n        {reason}", about()));
                }
            }
            (Err(refusal), Ok(())) => {
                if let Some(sentence) = stricter_than_go(&refusal) {
                    tally.excuse(&sentence);
                } else {
                    let kind = format!("refused, and Go accepts: {}", refusal.key);
                    tally.surprise(kind, || format!("{}\n        {refusal}", about()));
                }
            }
        }
    }
    tally.finish();
}
