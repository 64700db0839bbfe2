//! The `terrarium` binary.

use std::process::ExitCode;

use terrarium_cli::env::Env;

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    ExitCode::from(terrarium_cli::run(args, Env::of_process()))
}
