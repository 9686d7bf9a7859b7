//! One clean head: what clients may send, byte by byte, over sockets, with an
//! origin that writes down what arrives there.
//!
//! The table is the same for the gateway and for two servers that people put in
//! its place. The gateway has to pass all of it, by the status of its
//! documentation; of the others it is only told how many they pass, where every
//! refusal and every harmless repair counts.

mod case;
mod judge;
mod rivals;
mod scene;
mod table;

use std::{collections::BTreeSet, io::Write as _};

use cuttle_tests::TestResult;

use case::Case;
use judge::{Measure, judge};
use rivals::Rival;
use scene::Scene;

/// Fewer would not be the table that is documented.
const LEAST: usize = 300;

/// The cases a server has failed, with the reasons.
async fn failures(scene: &Scene, cases: &[Case], measure: Measure) -> Vec<String> {
    let mut failures = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let outcome = scene.run(case, number).await;
        if let Err(reason) = judge(case, &outcome, measure, scene.authority()) {
            failures.push(format!("{}: {reason}", case.name));
        }
    }
    failures
}

/// What is told about a server, past the capture of output: it is what the test
/// is run for.
fn tell(name: &str, cases: &[Case], failures: &[String]) {
    let (all, good) = (cases.len(), cases.len() - failures.len());
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "hostile heads: {name} passes {good} of {all}");
    if std::env::var_os("CUTTLE_SHOW_FAILURES").is_some() {
        for failure in failures {
            let _ = writeln!(out, "    {failure}");
        }
    }
}

#[test]
fn the_table_is_large_and_names_each_case_once() {
    let cases = table::all();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert!(cases.len() >= LEAST, "{}", cases.len());
    let twice = |case: &&Case| cases.iter().filter(|other| other.name == case.name).count() > 1;
    let double: Vec<_> = cases.iter().filter(twice).map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "{double:?}");
}

#[tokio::test]
async fn the_gateway_passes_every_case() -> TestResult {
    let cases = table::all();
    let scene = Scene::gateway().await?;
    let failures = failures(&scene, &cases, Measure::Documented).await;
    tell("cuttle", &cases, &failures);
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    Ok(())
}

/// How others do is no verdict on the gateway: only that they took part counts.
#[tokio::test]
async fn the_same_cases_are_put_to_others() -> TestResult {
    let cases = table::all();
    let score = async |rival: Rival| {
        let scene = Scene::rival(rival).await?;
        let failures = failures(&scene, &cases, Measure::Harmless).await;
        let name = format!("{rival:?} {}", rival.version().await?);
        tell(&name, &cases, &failures);
        assert!(failures.len() < cases.len(), "{name}: {failures:?}");
        anyhow::Ok(())
    };
    let (nginx, haproxy) = tokio::join!(score(Rival::Nginx), score(Rival::Haproxy));
    nginx.and(haproxy)
}
