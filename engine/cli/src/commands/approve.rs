//! Asks before anything is changed: only `yes` is a yes.

use terrarium_core::{Cancel, Mode, Plan};

use crate::codes;
use crate::context::{Context, Failed, Speech, fail};
use crate::render::paint::bold;

/// What the user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// Asks whether the plan is to be carried out; a request to stop is no answer.
pub(crate) async fn ask(
    context: &Context,
    plan: &Plan,
    workspace: &str,
    input: bool,
    cancel: &Cancel,
) -> Result<Answer, Failed> {
    let refuse = |why: &str| {
        fail(
            codes::APPROVAL,
            "The actions were not approved",
            format!(
                "{why} Give -auto-approve, or save a plan with `terrarium plan -out=FILE` and apply that file."
            ),
        )
    };
    if !context.may_ask(input) {
        return refuse("Asking is switched off (-input=false or TF_INPUT).");
    }
    let place = if workspace == "default" {
        String::new()
    } else {
        format!(" in workspace \"{workspace}\"")
    };
    let (question, explanation) = match plan.mode {
        Mode::Normal => (
            format!("Do you want to perform these actions{place}?"),
            "Terrarium will perform the actions described above.\n  Only 'yes' will be accepted to approve.",
        ),
        Mode::Destroy => (
            format!("Do you really want to destroy all resources{place}?"),
            "Terrarium will destroy all your managed infrastructure, as shown above.\n  There is no undo. Only 'yes' \
             will be accepted to confirm.",
        ),
        Mode::RefreshOnly => (
            format!("Would you like to update the state to reflect these detected changes{place}?"),
            "Terrarium will write these changes to the state without modifying any real infrastructure.\n  There is \
             no undo. Only 'yes' will be accepted to confirm.",
        ),
    };
    context.out.data(&format!(
        "\n{}\n  {explanation}\n\n  {} ",
        bold(&question),
        bold("Enter a value:")
    ));
    let answer = tokio::select! {
        answer = context.out.ask_aside() => answer,
        () = cancel.raised() => {
            context.out.line("");
            return refuse("The question was interrupted; nothing was changed.");
        }
    };
    match answer {
        Some(answer) if answer == "yes" => {
            context.out.line("");
            Ok(Answer::Yes)
        }
        Some(_) => Ok(Answer::No),
        None => {
            context.out.line("");
            refuse(
                "The question could not be answered: there is no terminal, and nothing on stdin.",
            )
        }
    }
}

/// Refuses at once what could only end with a question to nobody: `-json` without `-auto-approve`.
pub(crate) fn refuse_json(context: &Context) -> Result<(), Failed> {
    if context.speech() == Speech::Text {
        return Ok(());
    }
    fail(
        codes::APPROVAL,
        "Plan file or auto-approve required",
        "Terrarium can't ask for approval where -json is set. Apply a saved plan, or give -auto-approve.",
    )
}
