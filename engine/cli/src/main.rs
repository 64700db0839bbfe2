//! The `terrarium` binary.

use std::process::ExitCode;

use terrarium_cli::crash;
use terrarium_cli::env::Env;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let env = Env::of_process();
    ExitCode::from(crash::guard(&env.clone(), || terrarium_cli::run(args, env)))
}
