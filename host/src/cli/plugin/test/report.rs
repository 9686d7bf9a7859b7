//! The outcome of all cases, for people (and for programs that read the Test
//! Anything Protocol) or as JSON.

use std::process::ExitCode;

use cuttle_plugin::Spent;
use serde_json::{Value, json};

use super::{compare, run::Found};
use crate::{cases::Case, cli::output::print, telemetry::Escaped};

/// What came of one case.
pub(super) struct Verdict {
    name: String,
    problems: Vec<String>,
    spent: Option<Spent>,
}

/// What came of all.
pub(super) struct Report {
    pub(super) verdicts: Vec<Verdict>,
}

impl Verdict {
    pub(super) fn of(case: &Case, found: Result<Found, String>) -> Self {
        let (problems, spent) = match found {
            Ok(found) => (compare::problems(case, &found), found.spent),
            Err(why) => (vec![format!("the case cannot be run: {why}")], None),
        };
        Self {
            name: case.name.clone(),
            problems,
            spent,
        }
    }

    fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "ok": self.passed(),
            "problems": self.problems,
            "fuel": self.spent.and_then(|spent| spent.fuel),
            "memory": self.spent.map(|spent| spent.memory),
        })
    }

    fn lines(&self, number: usize) -> Vec<String> {
        let verdict = if self.passed() { "ok" } else { "not ok" };
        let spent = self.spent.map_or_else(String::new, cost);
        let name = Escaped(&self.name);
        let mut lines = vec![format!("{verdict} {number} - {name}{spent}")];
        let problems = self.problems.iter().flat_map(|problem| problem.lines());
        lines.extend(problems.map(|line| format!("#   {line}")));
        lines
    }
}

fn cost(spent: Spent) -> String {
    let fuel = spent.fuel.unwrap_or_default();
    format!(" (fuel {fuel}, memory {})", spent.memory)
}

impl Report {
    fn failed(&self) -> usize {
        self.verdicts.iter().filter(|one| !one.passed()).count()
    }

    pub(super) fn code(&self) -> ExitCode {
        match self.failed() {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            let cases: Vec<_> = self.verdicts.iter().map(Verdict::as_json).collect();
            let report = json!({ "failed": self.failed(), "cases": cases });
            return print(&format!("{report:#}"));
        }
        let total = self.verdicts.len();
        print("TAP version 14");
        print(&format!("1..{total}"));
        for (index, verdict) in self.verdicts.iter().enumerate() {
            verdict.lines(index + 1).iter().for_each(|line| print(line));
        }
        print(&format!("# {total} cases, {} failed", self.failed()));
    }
}
