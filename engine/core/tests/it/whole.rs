//! What is judged once a plan is whole: what its parts claim together.

use crate::scene::{Command, Doing, Scene};

const LEASES: &str = r#"
resource "fake_lease" "a" {
  name  = "a"
  start = "2027-03-01T00:00:00Z"
  end   = "2027-03-05T00:00:00Z"
}
resource "fake_lease" "b" {
  count = 2
  name  = "b${count.index}"
  start = "2027-03-0${4 + 4 * count.index}T00:00:00Z"
  end   = "2027-03-0${6 + 3 * count.index}T00:00:00Z"
}
"#;

/// Plans with a quota; returns what is said, and where.
async fn said(scene: &mut Scene, quota: u64) -> Vec<(String, bool)> {
    scene.cloud.inside().quota = Some(quota);
    let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
    outcome.found.iter().map(|one| (one.detail.clone(), one.at.is_some())).collect()
}

#[tokio::test]
async fn a_quota_counts_as_the_peak_over_time_and_is_told_once() {
    let mut scene = Scene::of(LEASES);
    assert_eq!(said(&mut scene, 2).await, [], "three leases, never more than two at once");
    let expected = "2 leases at 2027-03-04T00:00:00Z, and the project may have 1".to_owned();
    assert_eq!(said(&mut scene, 1).await, [(expected, true)]);
    assert_eq!(scene.cloud.calls("check"), 2, "once a plan");
}

#[tokio::test]
async fn what_only_refreshes_or_destroys_is_not_judged() {
    let mut scene = Scene::of(LEASES);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let asked = scene.cloud.calls("check");
    for mode in [terrarium_core::Mode::Destroy, terrarium_core::Mode::RefreshOnly] {
        let mut command = Command::default();
        command.options.mode = mode;
        scene.cloud.inside().quota = Some(0);
        scene.run(&command, Doing::Plan).await.unwrap();
    }
    assert_eq!(scene.cloud.calls("check"), asked);
}
