//! Terraform's state files: what Terraform wrote comes back byte for byte.
//!
//! `data/v4/*.tfstate` were written by Terraform 1.11.4: by `apply` over `terraform_data`, modules and
//! checks, and (`openstack.tfstate`) by `state rm` over a state written by hand.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use terrarium_state::v4::{V4Error, read, write};
use terrarium_state::{Batch, State, Store};

use crate::sample::{addr, commit, object, objects, place, put, sqlite};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v4");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "tfstate"));
    files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[test]
fn what_terraform_wrote_comes_back_byte_for_byte() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 8, "{} fixtures", fixtures.len());
    for (name, bytes) in fixtures {
        let written = write(&read(&bytes).unwrap());
        assert!(written.as_bytes() == bytes, "{name} differs:\n{written}");
    }
}

#[tokio::test]
async fn it_comes_back_from_the_database_too() {
    for (name, bytes) in fixtures() {
        let (_dir, location) = place();
        let state = read(&bytes).unwrap();
        let batch = Batch { replace: Some(state.into()), ..Batch::default() };
        commit(&sqlite(&location), "one", batch).await;
        let written = write(&sqlite(&location).load().await.unwrap());
        assert!(written.as_bytes() == bytes, "{name} differs:\n{written}");
    }
}

#[test]
fn a_truncated_file_is_refused_with_its_last_line() {
    for (name, bytes) in fixtures() {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.trim_end();
        for (end, _) in text.char_indices().skip(1).step_by(97) {
            let line = text[..end].lines().count();
            match read(&text.as_bytes()[..end]) {
                Err(V4Error::Truncated { line: found }) => {
                    assert!(found.abs_diff(line) <= 1, "{name} {end}: {found}, not {line}");
                }
                other => panic!("{name} cut at {end}: {other:?}"),
            }
        }
    }
    assert_eq!(read(b""), Err(V4Error::Empty));
    assert_eq!(read(b" \n"), Err(V4Error::Empty));
}

#[test]
fn other_formats_are_refused_with_the_way_out() {
    for (version, way) in [(1, "terraform init"), (3, "terraform init"), (5, "newer version")] {
        let text = format!(r#"{{"version":{version},"modules":[]}}"#);
        let refused = read(text.as_bytes()).unwrap_err();
        assert_eq!(refused, V4Error::Version { found: version });
        assert!(refused.help().contains(way), "{}", refused.help());
    }
}

#[test]
fn a_newer_terraform_is_no_obstacle() {
    let text = r#"{"version":4,"terraform_version":"9.9.9","serial":3,"lineage":"l","new":[{}],
        "outputs":{},"resources":[],"check_results":null}"#;
    assert_eq!(read(text.as_bytes()).unwrap().serial, 3);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let cases = [
        (
            r#"{"version":4,"serial":-1}"#,
            "line 1, column 24: invalid value: integer `-1`, expected u64",
        ),
        ("{\"version\":4,\n\"serial\" 1}", "line 2, column 10: expected `:`"),
        ("[]", "line 1, column 2: invalid length 0, expected struct Head with 1 element"),
        (r#"{"a":1}"#, "line 1, column 7: missing field `version`"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), expected);
    }
    let resource = |more: &str| {
        let text = format!(
            r#"{{"version":4,"serial":1,"lineage":"l","outputs":{{}},"resources":[{{
               "mode":"managed","type":"a","name":"b","provider":"provider[\"p\"]",{more}}}]}}"#
        );
        read(text.as_bytes()).unwrap_err().to_string()
    };
    let cases = [
        (
            r#""module":"module.","instances":[]"#,
            "module..a.b: module: a name must stand here (at character 8)",
        ),
        (r#""instances":[{},{}]"#, "a.b: the same instance stands there twice"),
        (
            r#""instances":[{"deposed":"x"},{"deposed":"x"}]"#,
            "a.b: the same instance stands there twice",
        ),
        (r#""instances":[{"status":"odd"}]"#, "a.b: instance : `odd` is no status of an object"),
        (
            r#""instances":[{"index_key":1,"private":"!"}]"#,
            "a.b: instance [1]: private: Invalid symbol 33, offset 0.",
        ),
        (
            r#""instances":[{"dependencies":["module.x"]}]"#,
            "a.b: instance : dependency `module.x` names a module",
        ),
    ];
    for (more, expected) in cases {
        assert_eq!(resource(more), expected);
    }
    assert!(resource(r#""instances":[{"attributes_flat":{}}]"#).contains("apply -refresh-only"));
}

#[test]
fn hostile_input_is_refused_within_the_limits() {
    let deep = format!(r#"{{"version":4,"x":{}"#, "[".repeat(3_000_000));
    assert!(matches!(read(deep.as_bytes()), Err(V4Error::Limit(_))));
    let refused = read(b"{\"version\":4,\n \"x\":\xff}").unwrap_err().to_string();
    assert_eq!(refused, "line 2, column 6: this is not UTF-8");
}

#[test]
fn what_is_ours_alone_is_not_written() {
    let mut ended = object("{}");
    ended.ended = Some(Box::new(terrarium_state::Ended { at: crate::sample::at(1), with: None }));
    let mut state = State { lineage: "l".into(), serial: 1, ..State::default() };
    let mut batch = objects([crate::sample::change("a.ended", Some(ended))]);
    batch.intents = vec![crate::sample::intent(1, "a.b")];
    state.fold(&batch);
    let expected = write(&State { lineage: "l".into(), serial: 1, ..State::default() });
    assert_eq!(write(&state), expected);
}

#[test]
fn dependencies_are_written_as_blocks_in_order() {
    use terrarium_state::Dep;
    let mut dependent = object("{}");
    dependent.deps = vec![
        Dep::Instance(addr(r#"z.z["k"]"#)),
        Dep::Instance(addr("module.m[1].a.a[0]")),
        Dep::Block(addr("module.m[2].a.a").block),
        Dep::Instance(addr("data.b.b")),
    ];
    let mut state = State::default();
    state.fold(&objects([crate::sample::change("a.b", Some(dependent)), put("z.z", "{}")]));
    let written = write(&state);
    let expected =
        "[\n            \"data.b.b\",\n            \"module.m.a.a\",\n            \"z.z\"\n";
    assert!(written.contains(expected), "{written}");
}

fn json() -> impl Strategy<Value = String> {
    let text = "[ -~üÿ<>&\u{2028}😀]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap());
    let number = "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,9})?(e[+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![text, number, Just("null".to_owned()), Just("true".to_owned())];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4)
            .prop_map(|items| format!("[{}]", items.join(",")));
        let object =
            proptest::collection::btree_map("[a-z\"\\\\]{0,4}", inner, 0..4).prop_map(|map| {
                let entries = map.iter();
                let entries = entries
                    .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap()));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            });
        prop_oneof![list, object]
    })
}

fn address() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just(String::new()),
        (0u64..30).prop_map(|index| format!("[{index}]")),
        "[ -~ü<>]{0,5}".prop_map(|key| format!("[{}]", terrarium_address::quote(&key))),
    ];
    let module = prop_oneof![
        Just(String::new()),
        ("[a-c]", key.clone()).prop_map(|(name, key)| format!("module.{name}{key}.")),
    ];
    (module, "(data\\.)?[a-c]\\.[a-c]", key).prop_map(|(m, block, key)| format!("{m}{block}{key}"))
}

proptest! {
    /// What was written is read back as the same, and its text stays the same.
    #[test]
    fn written_and_read_is_the_same(
        entries in proptest::collection::btree_map(
            address(),
            (json(), any::<u64>(), any::<bool>(), proptest::option::of(any::<[u8; 3]>()), "[0-9a-f]{0,2}"),
            0..12,
        ),
    ) {
        let mut state = State { lineage: "l".into(), serial: 9, ..State::default() };
        for (address, (attributes, version, tainted, private, deposed)) in entries {
            let mut one = object(&attributes);
            one.schema_version = version;
            one.create_before_destroy = tainted;
            one.private = private.map(|bytes| bytes.as_slice().into());
            let mut change = crate::sample::change(&address, Some(one));
            change.deposed = (!deposed.is_empty()).then(|| deposed.as_str().into());
            state.fold(&objects([change]));
        }
        let text = write(&state);
        let again = read(text.as_bytes()).unwrap();
        prop_assert_eq!(again.resources.len(), state.resources.len());
        prop_assert_eq!(write(&again), text);
    }
}
