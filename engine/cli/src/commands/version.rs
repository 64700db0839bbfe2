//! `version`

use serde::Serialize;

use crate::context::Context;
use crate::exit_codes;
use crate::json::{TERRAFORM_VERSION, pretty};

/// Flags.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Twin {
    terraform_version: &'static str,
    terrarium_version: &'static str,
    platform: String,
    provider_selections: std::collections::BTreeMap<String, String>,
    terraform_outdated: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> u8 {
    let ours = env!("CARGO_PKG_VERSION");
    let platform = format!("{}_{}", std::env::consts::OS, architecture());
    if args.json {
        context.out.line(&pretty(&Twin {
            terraform_version: TERRAFORM_VERSION,
            terrarium_version: ours,
            platform,
            provider_selections: std::collections::BTreeMap::new(),
            terraform_outdated: false,
        }));
    } else {
        context.out.line(&format!(
            "Terrarium v{ours}\non {platform}\nlanguage: Terraform {TERRAFORM_VERSION}"
        ));
    }
    exit_codes::SUCCESS
}

/// Returns the architecture in Go's words, which scripts compare.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
