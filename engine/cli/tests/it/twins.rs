//! What programs read keeps Terraform's keys.

use serde_json::Value as Json;
use terrarium_cli::json::{self, Secrets};

use crate::fixture::cases;
use crate::plan_text::plan_of;

#[test]
fn a_plan_has_terraforms_keys_and_no_secret() {
    for path in cases("plan", "json") {
        let case: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let plan = plan_of(&case);
        let hidden: Json = serde_json::to_value(json::plan::twin(&plan, Secrets::Hide)).unwrap();
        assert_eq!(hidden["format_version"], "1.2");
        for key in [
            "planned_values",
            "resource_changes",
            "output_changes",
            "prior_state",
            "configuration",
            "complete",
        ] {
            assert!(hidden.get(key).is_some(), "{key} in {}", path.display());
        }
        assert!(!hidden.to_string().contains("hush"), "{}", path.display());
    }
}

#[test]
fn unknown_and_sensitive_parts_have_their_shapes() {
    let case: Json = serde_json::from_str(include_str!("../data/plan/sensitive.json")).unwrap();
    let twin = |secrets| serde_json::to_value(json::plan::twin(&plan_of(&case), secrets)).unwrap();
    let change = twin(Secrets::Hide)["resource_changes"][0]["change"].clone();
    assert_eq!(change["before_sensitive"]["user_data"], true);
    assert_eq!(change["after_sensitive"]["metadata"], serde_json::json!({"k": true}));
    assert_eq!(change["before"]["user_data"], Json::Null);
    assert_eq!(twin(Secrets::Show)["resource_changes"][0]["change"]["before"]["user_data"], "b");
    let case: Json = serde_json::from_str(include_str!("../data/plan/create.json")).unwrap();
    let change = serde_json::to_value(json::plan::twin(&plan_of(&case), Secrets::Hide)).unwrap();
    let change = change["resource_changes"][0]["change"].clone();
    assert_eq!(change["after_unknown"]["id"], true);
    assert_eq!(change["after_unknown"]["network"], serde_json::json!([{"port": true}, {}]));
    assert!(change["after"].get("id").is_none());
    assert_eq!(change["actions"], serde_json::json!(["create"]));
}
