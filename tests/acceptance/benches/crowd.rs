//! What the whole promises for large courses: CPU time of a command with its embedded testbed, against a bar,
//! and the time that passes in the world. It ends with an error where a bar is passed.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::expect_used, reason = "a benchmark that can't go on stops")]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use terrarium_support::{Terrarium, Workdir};

const CROWD: &str = include_str!("../tests/data/crowd.tf");
const LEASED: &str = include_str!("../tests/data/leased.tf");
const ROOM: &str = r#"{"quotas":{"instances":-1,"cores":-1,"ram":-1,"port":-1,"floatingip":-1}}"#;

/// Clock ticks in a second, as Linux counts them for `/proc`.
const TICKS: f64 = 100.0;

/// Returns how many CPU seconds the children of this process took that have ended; 0 where nobody tells.
fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // `cutime` and `cstime`, the 14th and 15th field after the name.
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// A directory whose world has room for everybody.
struct Stage {
    terrarium: Terrarium,
    servers: String,
    bad: usize,
    dir: Workdir,
}

impl Stage {
    fn new(text: &str, servers: u32) -> Self {
        let dir = Workdir::with("");
        let terrarium = Terrarium::on_testbed(dir.path());
        terrarium.ok(&["apply", "-auto-approve"]);
        terrarium.ok(&["testbed", "settings", ROOM]);
        std::fs::write(dir.path().join("main.tf"), text).expect("a configuration");
        Self { terrarium, servers: format!("-var=servers={servers}"), bad: 0, dir }
    }

    /// Runs a command, and prints what it took beside what it may take.
    fn measure(&mut self, args: &[&str], bar: f64) {
        let args: Vec<&str> = args.iter().copied().chain([self.servers.as_str()]).collect();
        let (cpu, wall) = (children(), Instant::now());
        self.terrarium.ok(&args);
        let (cpu, wall) = (children() - cpu, wall.elapsed().as_secs_f64());
        let verdict = if cpu <= bar { "" } else { "  TOO MUCH" };
        self.bad += usize::from(cpu > bar);
        let (verb, servers) = (args[0], &self.servers);
        println!("{verb:8} {servers:18} {cpu:6.2} CPU s of {bar:4.1}, {wall:6.2} s{verdict}");
    }
}

fn main() {
    let mut bad = 0;
    for (servers, bar) in [(100, 2.0), (500, 5.0)] {
        let mut stage = Stage::new(CROWD, servers);
        stage.measure(&["apply", "-auto-approve"], bar);
        stage.measure(&["plan"], bar / 2.0);
        stage.measure(&["destroy", "-auto-approve"], bar);
        bad += stage.bad;
        drop(stage.dir);
    }
    let mut stage = Stage::new(LEASED, 573);
    let day = |days: i64| {
        let at = Timestamp::now().saturating_add(SignedDuration::from_hours(24 * days));
        at.expect("an instant").strftime("%Y-%m-%d %H:%M").to_string()
    };
    let (start, end) = (format!("-var=start={}", day(2)), format!("-var=end={}", day(4)));
    stage.measure(&["apply", "-auto-approve", &start, &end], 5.0);
    let until = format!("-until={}Z", day(3).replace(' ', "T"));
    stage.measure(&["run", &until, &start, &end], 5.0);
    bad += stage.bad;
    // The bars are those of a release build.
    assert!(bad == 0 || cfg!(debug_assertions), "{bad} commands took more than they may");
}
