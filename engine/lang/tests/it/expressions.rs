//! What the collection of expressions can't show: causes, marks, bindings, references, places.

use std::cell::RefCell;
use std::sync::Arc;

use proptest::prelude::*;
use terrarium_address::{InstanceKey, Mode};
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::config::BlockRef;
use terrarium_lang::expr::{
    EachPart, Environment, Expr, Frame, KeyRef, PathPart, Scope, ScopeResult, Subject,
    TerraformPart,
};
use terrarium_lang::{StdFiles, tfvars};
use terrarium_value::{Cause, Causes, Kind, Map, Marks, Number, Type, Value, render};

/// A scope that gives what a test needs and remembers which resources were asked for.
struct Given {
    environment: Environment,
    asked: RefCell<Vec<String>>,
}

fn cause(name: &str) -> Causes {
    Causes::one(Cause::Other(name.into()))
}

impl Given {
    fn new() -> Self {
        let environment = Environment::new(
            ".",
            Arc::new(StdFiles),
            "2026-03-01T12:00:00Z".parse().expect("a time"),
        );
        Self { environment, asked: RefCell::default() }
    }
}

impl Scope for Given {
    fn variable(&self, name: &str) -> ScopeResult {
        Ok(match name {
            "secret" => Value::string("hunter-2").marked(Marks::SENSITIVE),
            "key" => Value::string("k"),
            other => Value::unknown(Type::String, cause(other)),
        })
    }

    fn local(&self, name: &str) -> ScopeResult {
        let ids = (0..3).map(Value::number).collect();
        Ok(if name == "ids" { Value::list(Type::Number, ids) } else { Value::string(name) })
    }

    fn resource(&self, block: &BlockRef, key: Option<&InstanceKey>) -> ScopeResult {
        let key = key.map(ToString::to_string).unwrap_or_default();
        self.asked.borrow_mut().push(format!("{block}{key}"));
        let instance = || Value::object_of([("id", Value::string(format!("id{key}")))]);
        Ok(match (&*block.name, key.is_empty()) {
            ("many", true) => Value::object_of([("k", instance()), ("l", instance())]),
            _ => instance(),
        })
    }

    fn module(&self, name: &str, key: Option<&InstanceKey>, output: Option<&str>) -> ScopeResult {
        let key = key.map(ToString::to_string).unwrap_or_default();
        self.asked.borrow_mut().push(format!("module.{name}{key}.{}", output.unwrap_or("*")));
        Ok(Value::string("out"))
    }

    fn each(&self, _: EachPart) -> ScopeResult {
        Ok(Value::string("each"))
    }

    fn count_index(&self) -> ScopeResult {
        Ok(Value::number(1))
    }

    fn this(&self) -> ScopeResult {
        Ok(Value::object(Map::new()))
    }

    fn path(&self, _: PathPart) -> ScopeResult {
        Ok(Value::string("."))
    }

    fn terraform(&self, _: TerraformPart) -> ScopeResult {
        Ok(Value::string("default"))
    }

    fn environment(&self) -> &Environment {
        &self.environment
    }
}

fn read(text: &str) -> (Option<Expr>, Diagnostics) {
    let mut sources = Sources::default();
    let text: Arc<str> = text.into();
    let file = sources.add_text("test", text.clone());
    tfvars::read_expression(file, &text)
}

fn expr(text: &str) -> Expr {
    let (expr, diags) = read(text);
    assert!(!diags.has_errors(), "{text}: {diags:?}");
    expr.expect("an expression")
}

fn eval(text: &str, scope: &Given) -> Value {
    let mut diags = Diagnostics::new();
    let value = expr(text).eval_in(scope, &mut diags);
    assert!(!diags.has_errors(), "{text}: {diags:?}");
    value
}

#[test]
fn unknown_results_wait_for_all_their_operands() {
    let scope = Given::new();
    for text in [
        "\"${var.a}-${var.b}\"",
        "var.a == var.b",
        "upper(\"${var.a}${var.b}\")",
        "format(\"%s %s\", var.a, var.b)",
        "[for x in [\"u\"] : x if var.a == var.b]",
        "{ (var.a) = 1, (var.b) = 2 }",
        "try(\"${var.a}${var.b}\", 1)",
        "join(\",\", [var.a, var.b])",
        "jsonencode({ a = var.a, b = [var.b] })",
        "local.ids[length(\"${var.a}${var.b}\")]",
        "var.a != \"\" && var.b != \"\"",
    ] {
        let value = eval(text, &scope);
        let Kind::Unknown(unknown) = value.kind() else {
            panic!("{text} is known: {}", render(&value))
        };
        let causes: Vec<&Cause> = unknown.causes.iter().collect();
        assert_eq!(causes, [&Cause::Other("a".into()), &Cause::Other("b".into())], "{text}");
    }
}

#[test]
fn what_is_new_at_each_apply_is_unknown_in_a_plan() {
    let scope = Given::new();
    for function in ["timestamp()", "uuid()", "bcrypt(\"x\")"] {
        assert!(!eval(function, &scope).is_known(), "{function}");
    }
    assert!(eval("plantimestamp()", &scope).is_known());
}

#[test]
fn marks_are_on_what_was_made_of_secrets_alone() {
    let scope = Given::new();
    for text in [
        "\"x${var.secret}\"",
        "upper(var.secret)",
        "var.secret == \"x\" ? 1 : 2",
        "true ? 1 : length(var.secret)",
        "local.ids[length(var.secret) - 7]",
    ] {
        assert!(eval(text, &scope).marks().contains(Marks::SENSITIVE), "{text}");
    }
    for text in ["[var.secret, 1]", "{ a = var.secret }", "length([var.secret])"] {
        assert!(eval(text, &scope).marks().is_empty(), "{text}");
    }
}

#[test]
fn an_instance_is_asked_for_and_not_its_block() {
    let scope = Given::new();
    for (text, asked) in [
        ("a_b.one.id", "a_b.one"),
        ("a_b.many[var.key].id", "a_b.many[\"k\"]"),
        ("a_b.many[\"k\"].id", "a_b.many[\"k\"]"),
        ("data.a_b.x[count.index].id", "data.a_b.x[1]"),
        ("resource.a_b.one.id", "a_b.one"),
        ("a_b.many[var.unset].id", "a_b.many"),
        ("[for k, v in a_b.many : v.id][0]", "a_b.many"),
        ("module.m.out", "module.m.out"),
        ("module.m[\"k\"].out", "module.m[\"k\"].out"),
        ("module.m", "module.m.*"),
    ] {
        eval(text, &scope);
        assert_eq!(scope.asked.take(), [asked], "{text}");
    }
}

#[test]
fn bound_names_come_before_the_scope() {
    let scope = Given::new();
    let frame = Frame::new(&scope);
    let outer = frame.bind("port", Value::object_of([("value", Value::string("outer"))]));
    let frame = frame.with(&outer);
    let inner = frame.bind("port", Value::object_of([("value", Value::string("inner"))]));
    let mut diags = Diagnostics::new();
    let port = expr("port.value");
    assert_eq!(port.eval(&frame, &mut diags).as_str(), Some("outer"));
    assert_eq!(port.eval(&frame.with(&inner), &mut diags).as_str(), Some("inner"));
    assert_eq!(
        expr("[for port in [1] : port][0]")
            .eval(&frame, &mut diags)
            .as_number()
            .and_then(Number::to_i64),
        Some(1)
    );
    assert!(diags.is_empty(), "{diags:?}");
}

#[test]
fn references_are_found_without_evaluating() {
    let found =
        expr("[for x in var.list : \"${x}${local.y}\" if a_b.c[each.key].id != data.d.e[0].f]");
    let subjects: Vec<&Subject> =
        found.references().iter().map(|reference| &reference.subject).collect();
    let block =
        |mode, kind: &str, name: &str| BlockRef { mode, kind: kind.into(), name: name.into() };
    assert_eq!(
        subjects,
        [
            &Subject::Variable("list".into()),
            &Subject::Local("y".into()),
            &Subject::Each(EachPart::Key),
            &Subject::Resource(block(Mode::Managed, "a_b", "c"), KeyRef::Computed),
            &Subject::Resource(block(Mode::Data, "d", "e"), KeyRef::Constant(InstanceKey::Int(0))),
        ]
    );
}

#[test]
fn errors_point_at_the_part_that_is_wrong() {
    let scope = Given::new();
    for (text, code, at) in [
        ("[1, 2 + upper(null)]", "T0105", "null"),
        ("1 + [2]", "T0107", "[2]"),
        ("\"a${[1]}\"", "T0116", "[1]"),
        ("{ a = 1 }.b", "T0111", "{ a = 1 }.b"),
        ("[1][2]", "T0112", "[1][2]"),
        ("nosuch(1)", "T0103", "nosuch(1)"),
        ("upper()", "T0104", "upper()"),
        ("null ? 1 : 2", "T0109", "null"),
        ("foo", "T0102", "foo"),
    ] {
        let mut diags = Diagnostics::new();
        expr(text).eval_in(&scope, &mut diags);
        let problem = diags.iter().next().unwrap_or_else(|| panic!("no error: {text}"));
        let span = problem.at.as_ref().expect("a place").span;
        assert_eq!((problem.code.0, &text[span.range()]), (code, at), "{text}");
    }
}

#[test]
fn no_message_shows_a_secret() {
    let scope = Given::new();
    for text in [
        "tonumber(var.secret)",
        "parseint(var.secret, 10)",
        "base64decode(var.secret)",
        "file(var.secret)",
        "formatdate(\"YYYY\", var.secret)",
        "cidrhost(var.secret, 1)",
        "jsondecode(var.secret)",
        "regex(\"x\", var.secret)",
        "{ for x in [var.secret, var.secret] : x => 1 }",
        "timeadd(\"2020-01-01T00:00:00Z\", var.secret)",
        "uuidv5(var.secret, \"x\")",
        "format(var.secret, 1)",
        "var.secret + 1",
        "{ a = 1 }[var.secret]",
        "templatefile(var.secret, {})",
    ] {
        let mut diags = Diagnostics::new();
        expr(text).eval_in(&scope, &mut diags);
        assert!(diags.has_errors(), "{text}");
        assert!(!format!("{diags:?}").contains("hunter-2"), "{text}: {diags:?}");
    }
}

proptest! {
    /// Whatever is typed gives a value or diagnostics, and never a panic.
    #[test]
    fn anything_can_be_typed(text in "[a-z0-9.\"$%{}~\\[\\]()=:?!<>&|+*/ ,\\n-]{0,40}") {
        if let (Some(expr), diags) = read(&text)
            && !diags.has_errors()
        {
            let _ = expr.eval_in(&Given::new(), &mut Diagnostics::new());
        }
    }

    /// No function panics, whatever the arguments.
    #[test]
    fn functions_take_anything(at in 0_usize..1000, args in proptest::collection::vec(argument(), 0..4)) {
        let functions: Vec<_> = terrarium_lang::functions().collect();
        let function = functions[at % functions.len()];
        if function.name == "bcrypt" {
            return Ok(());
        }
        let text = format!("{}({})", function.name, args.join(", "));
        let value = expr(&text).eval_in(&Given::new(), &mut Diagnostics::new());
        let _ = render(&value);
    }
}

/// Literals of all types, and values that often are at a limit.
fn argument() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e30",
        "-1e30",
        "9223372036854775807",
        "1/0",
        "-1/0",
        "\"\"",
        "\"a\"",
        "\"é\\n\"",
        "\"%s %d %5.2f\"",
        "\"/(a/\"",
        "\"(?P<x>a)|b\"",
        "\"10.0.0.0/8\"",
        "\"::/0\"",
        "\"2020-01-01T00:00:00Z\"",
        "\"1h\"",
        "\"{\\\"a\\\": [1]}\"",
        "\"a: [1\"",
        "\"a,b\\n1,2\"",
        "\"////\"",
        "\"UTF-16LE\"",
        "[]",
        "[1, \"a\", null]",
        "[[]]",
        "[\"a\", \"b\"]",
        "{}",
        "{ a = 1 }",
        "{ a = [\"b\"] }",
        "tolist([])",
        "toset([\"a\"])",
        "tomap({ a = \"b\" })",
        "var.unset",
        "[var.unset]",
        "{ a = var.unset }",
        "var.secret",
        "[var.secret]",
        "toset([var.unset])",
        "local.ids",
        "a_b.many",
    ])
}
