//! More seeds than a test has time for: `storm DIR FIRST LAST` judges the scenario or semester in a directory.

#![expect(clippy::print_stdout, reason = "a program for people")]

use std::path::Path;
use std::process::ExitCode;

use terrarium_simulation::{Plant, Scenario, Semester, Verdict, judge, judge_semester};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, first, last] = args.as_slice() else {
        println!("storm DIR FIRST LAST");
        return ExitCode::FAILURE;
    };
    match storm(Path::new(dir), first, last) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            println!("{failed} seeds are wrong");
            ExitCode::FAILURE
        }
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Judges the seeds from the first up to and without the last, and counts those that are wrong.
fn storm(dir: &Path, first: &str, last: &str) -> Result<usize, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    let judged: Box<dyn Fn(u64) -> Verdict> = if dir.join("steps").exists() {
        let semester = Semester::read(dir)?;
        Box::new(move |seed| judge_semester(seed, &semester, Plant::Honest))
    } else {
        let scenario = Scenario::read(dir)?;
        Box::new(move |seed| judge(seed, &scenario, Plant::Honest))
    };
    let mut failed = 0;
    for seed in number(first)?..number(last)? {
        if let Some(wrong) = judged(seed).wrong {
            println!("{wrong}\n");
            failed += 1;
        }
    }
    println!("judged the seeds from {first} up to {last}: {failed} wrong");
    Ok(failed)
}
