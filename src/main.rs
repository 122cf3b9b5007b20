//! The program: calls [`presort::cli`] and turns its answer into an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    presort::cli::main()
}
