//! Where the lease cases play: the testbed, or a real cloud.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value as Json, json};
use terrarium_support::{Run, Terrarium, Workdir};

/// Names a cloud and its clouds.yaml, as `student@/path/of/clouds.yaml`.
pub(crate) const REAL: &str = "TERRARIUM_REAL_CLOUD";

/// A cloud for the cases.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// An embedded world, whose clock the case moves.
    Testbed,
    /// A cloud of a clouds.yaml. Its clock runs for real: its leases last minutes.
    Real {
        /// Its name.
        cloud: String,
        /// The file that has it.
        clouds: PathBuf,
    },
}

/// A configuration at a place.
pub(crate) struct Stage {
    place: Place,
    dir: Workdir,
    terrarium: Terrarium,
    variables: BTreeMap<String, Json>,
}

impl Place {
    /// Returns the real cloud, where one is named.
    pub(crate) fn real() -> Option<Place> {
        let named = std::env::var(REAL).ok()?;
        let (cloud, clouds) = named.split_once('@').expect("a cloud and its clouds.yaml");
        Some(Place::Real { cloud: cloud.to_owned(), clouds: PathBuf::from(clouds) })
    }

    /// Returns how far ahead a lease begins that must not have begun yet.
    pub(crate) fn soon(&self) -> SignedDuration {
        match self {
            Place::Testbed => SignedDuration::from_hours(30),
            Place::Real { .. } => SignedDuration::from_mins(3),
        }
    }

    /// Returns how long a lease lasts: nodes of the testbed take their time to boot.
    pub(crate) fn length(&self) -> SignedDuration {
        match self {
            Place::Testbed => SignedDuration::from_hours(6),
            Place::Real { .. } => SignedDuration::from_mins(6),
        }
    }

    /// Returns a node type, and how many nodes of it are more than there are.
    fn nodes(&self) -> (&'static str, u32) {
        match self {
            Place::Testbed => ("gpu_v100", 5),
            Place::Real { .. } => ("gpu_v100", 3),
        }
    }
}

impl Stage {
    /// Sets up a configuration, with dates from now until the usual length is over.
    pub(crate) fn new(place: &Place, name: &str, configuration: &str) -> Stage {
        let text = format!("{}\n{configuration}", include_str!("../../data/leases/common.tf"));
        let dir = Workdir::with(&text);
        let world = dir.path().join(".terrarium").join("testbed.db");
        let (terrarium, cloud) = match place {
            Place::Testbed => {
                (Terrarium::on_server(dir.path(), &world.display().to_string()), None)
            }
            Place::Real { cloud, clouds } => {
                let clouds = clouds.display().to_string();
                let plain = Terrarium::plain(dir.path());
                (plain.env("OS_CLIENT_CONFIG_FILE", &clouds), Some(cloud))
            }
        };
        let mut stage = Stage { place: place.clone(), dir, terrarium, variables: BTreeMap::new() };
        let cloud = |site: &str| cloud.map_or_else(|| json!(site), |cloud| json!(cloud));
        stage.set("vm_cloud", cloud("kvm"));
        stage.set("metal_cloud", cloud("uc"));
        stage.set("name", json!(format!("accept-{name}-{}", std::process::id())));
        if configuration.contains("var.node_type") {
            stage.set("node_type", json!(place.nodes().0));
        }
        let end = stage.after(place.length());
        stage.set("end", json!(end));
        stage
    }

    /// Sets up somebody else's configuration at the same place, in the same world.
    pub(crate) fn beside(&self, configuration: &str) -> Stage {
        let text = format!("{}\n{configuration}", include_str!("../../data/leases/common.tf"));
        let dir = Workdir::with(&text);
        let world = self.dir.path().join(".terrarium").join("testbed.db");
        let terrarium = match &self.place {
            Place::Testbed => Terrarium::on_server(dir.path(), &world.display().to_string()),
            Place::Real { clouds, .. } => Terrarium::plain(dir.path())
                .env("OS_CLIENT_CONFIG_FILE", &clouds.display().to_string()),
        };
        let variables = self.variables.clone();
        let stage = Stage { place: self.place.clone(), dir, terrarium, variables };
        stage.write();
        stage
    }

    /// Returns the place.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Returns how many nodes are more than there are.
    pub(crate) fn too_many(&self) -> u32 {
        self.place.nodes().1
    }

    /// Gives a variable another value.
    pub(crate) fn set(&mut self, name: &str, value: Json) {
        self.variables.insert(name.to_owned(), value);
        self.write();
    }

    fn write(&self) {
        let text = serde_json::to_string_pretty(&self.variables).expect("JSON");
        fs::write(self.dir.path().join("terraform.tfvars.json"), text).expect("a file");
    }

    /// Returns the place's time.
    pub(crate) fn now(&self) -> Timestamp {
        match self.place {
            // A world begins with its first command, at the real time.
            Place::Testbed => match self.run(&["testbed", "status", "-json"]) {
                Run { code: Some(0), stdout, .. } => {
                    let status: Json = serde_json::from_str(&stdout).expect("JSON");
                    status["clock"]["now"].as_str().expect("a clock").parse().expect("an instant")
                }
                _ => Timestamp::now(),
            },
            Place::Real { .. } => Timestamp::now(),
        }
    }

    /// Returns the first whole minute that is at least so far ahead.
    pub(crate) fn after(&self, ahead: SignedDuration) -> String {
        let at = self.now() + ahead + 59.seconds();
        let minute = at.as_second() - at.as_second().rem_euclid(60);
        Timestamp::from_second(minute).expect("an instant of our time").to_string()
    }

    /// Lets time pass until an instant.
    pub(crate) fn pass(&self, until: &str) {
        match self.place {
            Place::Testbed => drop(self.ok(&["testbed", "advance", until])),
            Place::Real { .. } => {
                let until: Timestamp = until.parse().expect("an instant");
                let left = until.duration_since(Timestamp::now()).max(SignedDuration::ZERO);
                // Only a real cloud's clock is waited for.
                std::thread::sleep(Duration::try_from(left).expect("a time to come"));
            }
        }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.terrarium.run(args)
    }

    /// Starts a command in the background.
    pub(crate) fn spawn(&self, args: &[&str]) -> std::process::Child {
        self.terrarium.spawn(args)
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        self.terrarium.ok(args)
    }

    /// Runs a command that must end with a code, and returns all that it says.
    pub(crate) fn ends(&self, args: &[&str], code: i32) -> String {
        let run = self.run(args);
        let said = format!("{}\n{}", run.stdout, run.stderr);
        assert_eq!(run.code, Some(code), "{args:?}\n{said}");
        said
    }

    /// Applies, and returns what is said.
    pub(crate) fn apply(&self) -> String {
        self.ends(&["apply", "-auto-approve"], 0)
    }

    /// Plans, and expects nothing to do.
    pub(crate) fn settled(&self) -> String {
        self.ends(&["plan", "-detailed-exitcode"], 0)
    }

    /// Returns an output's text.
    pub(crate) fn output(&self, name: &str) -> String {
        self.ok(&["output", "-raw", name])
    }

    /// Returns the addresses that are recorded.
    pub(crate) fn recorded(&self) -> Vec<String> {
        self.ok(&["state", "list"]).lines().map(str::to_owned).collect()
    }

    /// Destroys everything, and expects nothing to be left.
    pub(crate) fn destroy(&self) -> String {
        let said = self.ends(&["destroy", "-auto-approve"], 0);
        assert_eq!(self.recorded(), Vec::<String>::new());
        said
    }
}

impl Drop for Stage {
    /// Leaves nothing behind at a real cloud where a case failed.
    fn drop(&mut self) {
        if std::thread::panicking() && self.place != Place::Testbed {
            drop(self.run(&["destroy", "-auto-approve"]));
        }
    }
}
