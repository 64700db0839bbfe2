//! What a block's tokens tell apart, and what they don't.

use std::path::Path;

use terrarium_diagnostic::Sources;
use terrarium_lang::config::{self, BlockText, Module};

use crate::config::Texts;

fn module(files: &[(&str, &str)]) -> std::sync::Arc<Module> {
    let texts = Texts::new(files.iter().copied());
    let mut sources = Sources::default();
    let (configuration, diags) = config::load(Path::new("."), &texts, &mut sources);
    assert!(!diags.has_errors(), "{diags:?}");
    configuration.root().unwrap().clone()
}

fn tokens(text: &BlockText) -> String {
    let mut found = String::new();
    text.for_each_token(&mut |token| found.extend([token, "|"]));
    found
}

/// Returns the tokens of everything in a module, block by block.
fn all(files: &[(&str, &str)]) -> Vec<String> {
    let module = module(files);
    let mut texts: Vec<&BlockText> = module.variables.values().map(|it| &it.text).collect();
    texts.extend(module.locals.values().map(|it| &it.text));
    texts.extend(module.outputs.values().map(|it| &it.text));
    texts.extend(module.resources.values().map(|it| &it.text));
    texts.extend(module.providers.iter().map(|it| &it.text));
    texts.into_iter().map(tokens).collect()
}

const BASE: &str = "variable \"v\" { type = list(string) }
locals { a = \"${var.v}\" }
resource \"x_y\" \"z\" {
  # why
  a = [1, 2] /* both */
  b {
    c = <<-E
      text ${local.a}
    E
  }
}
";

#[test]
fn comments_blanks_and_what_fmt_changes_do_not_count() {
    let other = "// head
variable v {
  type=list(string)
}
locals {
  a = var.v // as it is
}


resource x_y \"z\" {
  a =   [1,2]

  b { # inner
    c = <<-E
      text ${  local.a }
  E
  }
}
";
    assert_eq!(all(&[("main.tf", BASE)]), all(&[("main.tf", other)]));
    let apart =
        [("a.tf", "locals { a = \"${var.v}\" }"), ("b.tf", &BASE.replace("locals", "# locals"))];
    assert_eq!(all(&apart), all(&[("main.tf", BASE)]), "the file does not count either");
}

#[test]
fn every_other_edit_counts_for_its_block_alone() {
    let before = all(&[("main.tf", BASE)]);
    for (at, from, to) in [
        (0, "list", "set"),
        (1, "\"${var.v}\"", "[var.v]"),
        (2, "[1, 2]", "[1, 3]"),
        (2, "text", "Text"),
        (2, "a = [1", "aa = [1"),
        (2, "b {", "bb {"),
    ] {
        let after = all(&[("main.tf", &BASE.replacen(from, to, 1))]);
        for (index, (one, other)) in before.iter().zip(&after).enumerate() {
            assert_eq!(one == other, index != at, "{from} -> {to}: {one} {other}");
        }
    }
}

#[test]
fn overrides_and_json_count() {
    let plain = all(&[("main.tf", "resource \"x_y\" \"z\" { a = 1 }")]);
    let overridden = all(&[
        ("main.tf", "resource \"x_y\" \"z\" { a = 1 }"),
        ("override.tf", "resource \"x_y\" \"z\" { a = 2 }"),
    ]);
    assert_ne!(plain, overridden);
    let json = |text| all(&[("main.tf.json", text)]);
    let one = json("{\"resource\": {\"x_y\": {\"z\": {\"a\": 1}}}}");
    assert_eq!(one, json("{\"resource\":{\"x_y\":\n{\"z\":{\"a\":1}}}}"));
    assert_ne!(one, json("{\"resource\": {\"x_y\": {\"z\": {\"a\": 2}}}}"));
}

#[test]
fn a_calls_arguments_are_told_apart() {
    let call = |text: &str| {
        let files = [("main.tf", text), ("m/main.tf", "variable \"a\" {}\nvariable \"b\" {}")];
        let call = module(&files).calls["m"].clone();
        let of = |name: &str| tokens(&call.argument_texts[name]);
        (tokens(&call.text), of("a"), of("b"))
    };
    let one = call("module \"m\" {\n  source = \"./m\"\n  count = 2\n  a = 1\n  b = 2\n}\n");
    let other = call("module \"m\" {\n  source = \"./m\"\n  count = 2\n  a = 3\n  b = 2\n}\n");
    assert_eq!((&one.0, &one.2), (&other.0, &other.2));
    assert_ne!(one.1, other.1);
    let more = call("module \"m\" {\n  source = \"./m\"\n  count = 3\n  a = 1\n  b = 2\n}\n");
    assert_ne!(one.0, more.0);
    assert_eq!((one.1, one.2), (more.1, more.2));
}
