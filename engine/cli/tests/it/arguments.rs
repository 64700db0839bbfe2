//! From Terraform's command line to clap's.

use terrarium_cli::args::{self, Refusal, VariableArg, normalise, with_environment};
use terrarium_cli::command_line::{self, Command};
use terrarium_cli::env::Env;

fn words(text: &str) -> Vec<String> {
    args::split("test", text).unwrap()
}

#[test]
fn flags_are_rewritten_by_position_and_values_never() {
    for (given, expected) in [
        ("plan -out=p", "plan --out=p"),
        ("plan -out p", "plan --out=p"),
        ("plan --out p", "plan --out=p"),
        ("plan -var x=-1", "plan --var=x=-1"),
        ("plan -var -x=1 -refresh=false", "plan --var=-x=1 --refresh=false"),
        ("-chdir=a/b plan -destroy", "--chdir=a/b plan --destroy"),
        ("state rm -dry-run a.b", "state rm --dry-run a.b"),
        ("plan -json -target module.x", "plan --json --target=module.x"),
        ("import -- a.b -x", "import -- a.b -x"),
        ("fmt -", "fmt -"),
        ("-version", "--version"),
        ("-v", "--version"),
        ("plan -h", "plan -h"),
        ("plan -testbed -out p", "plan --testbed --out=p"),
        ("plan -testbed=w.db", "plan --testbed=w.db"),
    ] {
        let normal = normalise(words(given), &command_line::tree().command).join(" ");
        assert_eq!(normal, expected, "{given}");
    }
}

#[test]
fn the_environment_stands_right_after_the_command() {
    let env = Env::of([
        ("TF_CLI_ARGS", "-no-color"),
        ("TF_CLI_ARGS_plan", "-var 'x=a b'"),
        ("TF_CLI_ARGS_state_list", "-id=7"),
    ]);
    for (given, expected) in [
        ("-chdir=d plan -json", "-chdir=d|plan|-no-color|-var|x=a b|-json"),
        ("state list a.b", "state|list|-no-color|-id=7|a.b"),
        ("apply", "apply|-no-color"),
        ("-version", "-version"),
    ] {
        let words =
            with_environment(words(given), &env, &command_line::tree().command).unwrap().join("|");
        assert_eq!(words, expected, "{given}");
    }
}

#[test]
fn quotes_group_and_an_open_quote_is_refused() {
    assert_eq!(words(r#"a 'b c' "d \" e" f\ g """#), ["a", "b c", "d \" e", "f g", ""]);
    assert!(args::split("TF_CLI_ARGS", "a 'b").unwrap_err().to_string().contains("TF_CLI_ARGS"));
}

#[test]
fn variables_keep_their_order() {
    let cli =
        command_line::parse(words("plan -var a=1 -var-file=f -var=b=2"), &Env::default()).unwrap();
    let Some(Command::Plan(plan)) = cli.command else { panic!("no plan") };
    let expected = [
        VariableArg::Value("a=1".into()),
        VariableArg::File("f".into()),
        VariableArg::Value("b=2".into()),
    ];
    assert_eq!(plan.plan.variables.0, expected);
}

#[test]
fn switches_can_be_switched_off() {
    let plan = |text: &str| {
        let cli = command_line::parse(words(text), &Env::default()).unwrap();
        let Some(Command::Plan(plan)) = cli.command else { panic!("no plan") };
        plan.plan
    };
    assert!(plan("plan").refresh && plan("plan").state.input && !plan("plan").destroy);
    assert!(!plan("plan -refresh=false").refresh);
    assert!(!plan("plan -input=false").state.input);
    assert!(plan("plan -destroy").destroy && plan("plan -destroy=true").destroy);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_nearest_name() {
    for (given, expected) in [
        ("aplly", "Did you mean \"apply\"?"),
        ("plan -ouut=x", "flag provided but not defined: -ouut; did you mean -out?"),
        ("plan extra", "too many arguments"),
        ("plan -parallelism=0", "0 is not in 1..=65535"),
        ("plan -lock-timeout=soon", "no duration"),
    ] {
        let text = match command_line::parse(words(given), &Env::default()).unwrap_err() {
            Refusal::UnknownCommand(text) | Refusal::Flags { message: text, .. } => text,
            other => panic!("{given}: {other:?}"),
        };
        assert!(text.contains(expected), "{given}: {text}");
    }
    assert!(matches!(command_line::parse(Vec::new(), &Env::default()), Err(Refusal::Usage(_))));
}
