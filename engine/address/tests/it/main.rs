//! Addresses: what is printed can be read again, and what is wrong says where.

use proptest::prelude::*;
use terrarium_address::{ConfigAddr, InstanceKey, Mode, ModulePath, ResourceAddr, Target};

fn key() -> impl Strategy<Value = InstanceKey> {
    prop_oneof![
        Just(InstanceKey::None),
        any::<u64>().prop_map(InstanceKey::Int),
        any::<String>().prop_map(|text| InstanceKey::Str(text.into())),
        "[$%{\"\\\\]{0,6}".prop_map(|text| InstanceKey::Str(text.into())),
    ]
}

fn ident() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_-]{0,8}".prop_filter("keyword", |word| word != "module" && word != "data")
}

prop_compose! {
    fn addr()(
        calls in prop::collection::vec((ident(), key()), 0..3),
        data in any::<bool>(), kind in ident(), name in ident(), key in key(),
    ) -> ResourceAddr {
        let module = calls.into_iter().fold(ModulePath::root(), |path, (name, key)| path.child(name.into(), key));
        let mode = if data { Mode::Data } else { Mode::Managed };
        ResourceAddr { block: ConfigAddr { module, mode, kind: kind.into(), name: name.into() }, key }
    }
}

proptest! {
    #[test]
    fn what_is_printed_can_be_read(addr in addr()) {
        prop_assert_eq!(addr.to_string().parse::<ResourceAddr>(), Ok(addr.clone()));
        prop_assert!(addr.to_string().parse::<Target>().unwrap().contains(&addr));
        prop_assert_eq!(addr.block.module.to_string().parse::<ModulePath>(), Ok(addr.block.module));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = text.parse::<Target>();
    }
}

#[test]
fn errors_say_where() {
    for (text, at) in
        [("a", 1), ("a.b[", 4), ("a.b[x]", 4), ("a.b[\"x]", 7), ("a.b.c", 3), ("module.m.1x.y", 9)]
    {
        assert_eq!(text.parse::<Target>().unwrap_err().at, at, "{text}");
    }
}

#[test]
fn a_module_without_a_key_stands_for_every_instance() {
    let one: ResourceAddr = "module.lab[\"g1\"].t.x[0]".parse().unwrap();
    for (target, holds) in [
        ("module.lab", true),
        ("module.lab[\"g2\"]", false),
        ("module.lab.t.x", true),
        ("module.lab.t.x[1]", false),
        ("t.x", false),
    ] {
        assert_eq!(target.parse::<Target>().unwrap().contains(&one), holds, "{target}");
    }
}
