//! What `check` prints on standard output.

use super::args::{CheckFormat, When};
use super::{Plan, print, profile, summary};
use crate::facade::Sink;
use crate::model::error::{Error, Kind, Result};
use crate::output::file::Output;
use crate::run::job::Summary;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Where findings go, if they go to standard output.
pub(super) enum Findings {
    /// They are printed at the end, or not at all.
    Later,
    /// As lines.
    Lines,
    /// In one JSON document.
    Json(Box<Document>),
}

impl Findings {
    pub(super) fn of(plan: &Plan) -> Findings {
        match plan.format {
            Some(CheckFormat::Ndjson) => Findings::Lines,
            Some(CheckFormat::Json) => Findings::Json(Box::default()),
            Some(CheckFormat::Text | CheckFormat::Html) | None => Findings::Later,
        }
    }

    /// The outputs of a run.
    pub(super) fn sink<'s>(&'s mut self, plan: &'s Plan) -> Sink<'s> {
        let sink = plan.sink();
        match self {
            Findings::Later => sink,
            Findings::Lines => sink.findings(Path::new("-")),
            Findings::Json(document) => sink.findings(&mut **document),
        }
    }

    /// The error of a run that ended because the reader of standard output has left says just that.
    pub(super) fn error(&self, error: Error) -> Error {
        match self {
            Findings::Json(document) if document.is_closed => Kind::ClosedPipe.into(),
            _ => error,
        }
    }

    /// Prints what comes behind the run.
    pub(super) fn finish(&mut self, plan: &Plan, summary: &Summary, color: When) -> Result<()> {
        match self {
            Findings::Later if plan.format == Some(CheckFormat::Text) => {
                let colours = match color {
                    When::Auto => io::stdout().is_terminal() && super::colours(When::Auto),
                    when => super::colours(when),
                };
                let mut text = summary::listed(plan, summary, colours);
                if let Some(statistics) = summary.statistics.as_ref().filter(|_| plan.profile) {
                    text += &profile::table(statistics);
                }
                if text.is_empty() { Ok(()) } else { print(&text) }
            }
            Findings::Later | Findings::Lines => Ok(()),
            Findings::Json(document) => document.end(plan, summary),
        }
    }
}

/// One JSON document of all findings, written as they come, and the receipt.
#[derive(Default)]
pub(super) struct Document {
    output: Option<Output<'static>>,
    /// A finding was written.
    any: bool,
    /// The next byte is inside of a line.
    inside: bool,
    /// The reader of standard output has left.
    is_closed: bool,
}

impl Document {
    fn output(&mut self) -> Result<&mut Output<'static>> {
        if self.output.is_none() {
            let mut output = Output::create(Path::new("-"), false)?;
            output.write(b"{\"findings\":[")?;
            self.output = Some(output);
        }
        Ok(self.output.as_mut().expect("it was opened"))
    }

    fn lines(&mut self, bytes: &[u8]) -> Result<()> {
        let (mut any, mut inside) = (self.any, self.inside);
        let output = self.output()?;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            if !inside {
                output.write(if any { b",\n" } else { b"\n" })?;
            }
            any = true;
            inside = line.last() != Some(&b'\n');
            output.write(line.strip_suffix(b"\n").unwrap_or(line))?;
        }
        (self.any, self.inside) = (any, inside);
        Ok(())
    }

    fn end(&mut self, plan: &Plan, summary: &Summary) -> Result<()> {
        let receipt = serde_json::to_string(&summary.receipt)
            .map_err(|error| Error::io("write", "the receipt", io::Error::other(error)))?;
        let fixes: Vec<serde_json::Value> = summary
            .fixes
            .iter()
            .map(|fix| {
                serde_json::json!({
                    "code": fix.code.as_str(), "outcome": fix.outcome.as_str(), "field": fix.field, "shape": fix.shape,
                    "contacts": fix.contacts,
                })
            })
            .collect();
        let output = self.output()?;
        output.write(format!("\n],\n\"fixes\":{},\n", serde_json::Value::from(fixes)).as_bytes())?;
        if let Some(statistics) = summary.statistics.as_ref().filter(|_| plan.profile) {
            output.write(format!("\"profile\":{},\n", profile::json(statistics)).as_bytes())?;
        }
        output.write(format!("\"receipt\":{receipt}}}\n").as_bytes())?;
        self.output.take().map_or(Ok(()), |output| output.finish().map(drop))
    }
}

impl Write for Document {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.lines(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.is_closed = matches!(error.kind(), Kind::ClosedPipe);
                Err(io::Error::other(error.to_string()))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
