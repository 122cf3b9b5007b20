//! `presort completions` and `presort man`: both are made from the definition of the arguments.

use super::args::Cli;
use crate::model::error::{Error, Result};
use crate::output::file::Output;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `presort completions`.
#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "presort", &mut script);
        let mut output = Output::create(Path::new("-"), false)?;
        output.write(&script)?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Arguments of `presort man`.
#[derive(Args)]
pub(super) struct Man {
    /// The directory to write the pages to; it is created if necessary
    dir: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

impl Man {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let fail = |error| Error::io("create the directory", self.dir.display().to_string(), error);
        std::fs::create_dir_all(&self.dir).map_err(fail)?;
        // The subcommand `help` would have a page for each of the others.
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let mut pages = Vec::new();
        add_pages(&command, &mut pages);
        let outputs: Result<Vec<Output<'_>>> =
            pages.iter().map(|(name, _)| Output::create(&self.dir.join(name), self.force)).collect();
        for (mut output, (_, page)) in outputs?.into_iter().zip(&pages) {
            output.write(page)?;
            output.finish()?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The page of a command, and those of its subcommands.
fn add_pages(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let man = clap_mangen::Man::new(command.clone());
    let name = man.get_filename();
    let mut page = Vec::new();
    // Memory takes everything.
    let _ = man.render(&mut page);
    pages.push((name, page));
    command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|command| add_pages(command, pages));
}
