//! A state of one cloud at another: it is refused before anything is read there. Two testbeds that are served are
//! two clouds, which the engine knows by their clouds.yaml alone.

use std::path::Path;

use serde_json::Value as Json;
use terrarium_support::{Server, Terrarium, Workdir};

const NETWORK: &str = r#"
terraform {
  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 1.51.1"
    }
  }
}

variable "cloud" {
  default = "openstack"
}

provider "openstack" {
  cloud = var.cloud
}

resource "openstack_networking_network_v2" "net" {
  for_each = toset(["a", "b"])
  name     = "realm-${each.key}"
}
"#;

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

/// Names the course's cloud, at this address, with this line for its project.
fn clouds(name: &str, auth_url: &str, project: &str) -> String {
    format!(
        "clouds:\n  {name}:\n    auth:\n      auth_url: {auth_url}\n      username: student\n      password: testbed\n      \
         {project}\n      user_domain_name: Default\n      project_domain_name: Default\n    region_name: KVM@TACC\n"
    )
}

const PROJECT: &str = "project_name: CHI-231095";

fn write(dir: &Path, text: &str) {
    std::fs::write(dir.join("clouds.yaml"), text).expect("a file");
}

fn identity(server: &Server) -> String {
    format!("{}/kvm-tacc/identity", server.url())
}

/// Calls that a server has answered, without those of its control path.
fn calls(server: &Server) -> Vec<String> {
    let traffic = json(&server.get("/testbed/traffic"));
    let requests = traffic["requests"].as_object().expect("an object");
    requests.keys().filter(|call| !call.contains("/testbed/")).cloned().collect()
}

fn networks(server: &Server) -> usize {
    server.get("/testbed/objects").matches("\"realm-").count()
}

#[test]
fn a_state_of_one_cloud_is_refused_at_another_before_anything_is_read_there() {
    let dir = Workdir::with(NETWORK);
    let (elsewhere, other) = (Workdir::with(""), Workdir::with(""));
    let first = Server::start(elsewhere.path(), "1", "{}");
    let second = Server::start(other.path(), "1", "{}");
    let terrarium = Terrarium::plain(dir.path());
    write(dir.path(), &clouds("openstack", &identity(&first), PROJECT));
    terrarium.ok(&["apply", "-auto-approve"]);
    assert_eq!(networks(&first), 2);

    write(dir.path(), &clouds("openstack", &identity(&second), PROJECT));
    for args in [
        &["plan"][..],
        &["apply", "-auto-approve"],
        &["destroy", "-auto-approve"],
        &["refresh"],
        &["apply", "-refresh-only", "-auto-approve"],
        &["plan", "-lock=false"],
        &["plan", "-target=openstack_networking_network_v2.net[\"a\"]"],
    ] {
        let run = terrarium.run(args);
        assert_eq!(run.code, Some(1), "{args:?}\n{}", run.stdout);
        let errors = run.stderr.lines().filter(|line| line.starts_with("Error: ")).count();
        assert_eq!(errors, 1, "{args:?}\n{}", run.stderr);
        assert!(run.stderr.contains(&identity(&first)), "{args:?}\n{}", run.stderr);
    }
    let beyond: Vec<String> =
        calls(&second).into_iter().filter(|call| !call.contains("/identity")).collect();
    assert!(beyond.is_empty(), "{beyond:?}");
    assert_eq!((networks(&first), networks(&second)), (2, 0));
    // What asks no cloud goes on.
    terrarium.ok(&["state", "list"]);
    terrarium.ok(&["output"]);

    // Back at the first one nothing has changed.
    write(dir.path(), &clouds("openstack", &identity(&first), PROJECT));
    terrarium.ok(&["plan", "-detailed-exitcode"]);
    terrarium.ok(&["destroy", "-auto-approve"]);
    assert_eq!(networks(&first), 0);
}

#[test]
fn the_same_cloud_written_otherwise_is_the_same() {
    let dir = Workdir::with(NETWORK);
    let elsewhere = Workdir::with("");
    let server = Server::start(elsewhere.path(), "1", "{}");
    let terrarium = Terrarium::plain(dir.path());
    let root = identity(&server);
    write(dir.path(), &clouds("openstack", &root, PROJECT));
    terrarium.ok(&["apply", "-auto-approve"]);
    let objects = json(&server.get("/testbed/objects"));
    let project = objects["objects"][0]["project"].as_str().expect("a project");
    let project = format!("project_id: {project}");
    for (name, url, project) in [
        ("openstack", format!("{root}/v3"), PROJECT),
        ("openstack", format!("{root}/v3/"), PROJECT),
        ("openstack", root.replace("http://", "HTTP://"), PROJECT),
        ("openstack", root.clone(), project.as_str()),
        ("renamed", root.clone(), PROJECT),
    ] {
        write(dir.path(), &clouds(name, &url, project));
        let cloud = format!("-var=cloud={name}");
        terrarium.ok(&["plan", "-detailed-exitcode", &cloud]);
    }
}
