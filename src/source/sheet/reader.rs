//! The thread that reads a sheet, and what reads from it.

use super::rows::{RowWriter, Stop};
use super::{Refusal, SheetFault, SheetFormat, SheetName, THREAD, Workbook, choose, ods, xls, xlsx};
use crate::model::error::panic_text;
use crate::source::sheet_info::{SheetInfo, SheetNotes};
use crossbeam_channel::{Receiver, Sender};
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Blocks that wait to be read.
const WAITING: usize = 4;

/// What the thread sends.
pub(super) enum Message {
    /// The sheet is found, and its rows follow; or it is not read.
    Opened(Result<SheetInfo, Refusal>),
    /// Some rows.
    Rows(Vec<u8>),
    /// All rows were read, or none that follow can be.
    End(Result<(), String>),
}

/// What a format has for its work.
pub(super) struct Work<'w> {
    pub(super) workbook: &'w Workbook,
    pub(super) file: &'w Arc<File>,
    asked: Option<String>,
    pub(super) notes: Arc<SheetNotes>,
    /// Bytes of the document that were used.
    pub(super) read: Arc<AtomicU64>,
    messages: Sender<Message>,
}

impl Work<'_> {
    /// Chooses the sheet, and says that its rows follow. Returns its index.
    pub(super) fn choose(&self, names: &[SheetName]) -> Result<usize, Stop> {
        let at = choose(names, self.asked.as_deref()).map_err(Stop::Refused)?;
        let others = names.iter().enumerate().filter(|(i, name)| *i != at && name.has_cells);
        let info = SheetInfo {
            format: self.workbook.format.as_str(),
            name: names[at].name.clone(),
            others: others.map(|(_, name)| name.name.clone()).collect(),
            notes: Arc::clone(&self.notes),
        };
        self.messages.send(Message::Opened(Ok(info))).map_err(|_| Stop::Closed)?;
        Ok(at)
    }
}

/// Reads the rows of a sheet as text.
pub struct SheetReader {
    messages: Receiver<Message>,
    block: Vec<u8>,
    at: usize,
    end: Option<Result<(), String>>,
    /// Where what is known at the end goes.
    notes: Option<(Arc<SheetNotes>, Arc<SheetNotes>)>,
}

impl SheetReader {
    /// Opens a sheet of a workbook, which is in this file.
    pub(super) fn open(
        workbook: &Arc<Workbook>,
        file: &Arc<File>,
        asked: Option<&str>,
        read: Arc<AtomicU64>,
    ) -> Result<(SheetInfo, SheetReader), Refusal> {
        let (tx, messages) = crossbeam_channel::bounded(WAITING);
        let (workbook, file, asked) = (Arc::clone(workbook), Arc::clone(file), asked.map(str::to_owned));
        let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
            let notes = Arc::default();
            let work = Work { workbook: &workbook, file: &file, asked, notes, read, messages: tx };
            run(&work);
        });
        if let Err(error) = thread {
            return Err(Refusal::Damaged(format!("no thread could be started to read it: {error}")));
        }
        match messages.recv() {
            Ok(Message::Opened(Ok(info))) => {
                let reader = SheetReader { messages, block: Vec::new(), at: 0, end: None, notes: None };
                Ok((info, reader))
            }
            Ok(Message::Opened(Err(refusal))) => Err(refusal),
            Ok(Message::End(Err(what))) => Err(Refusal::Damaged(what)),
            Ok(Message::Rows(_) | Message::End(Ok(()))) | Err(_) => {
                Err(Refusal::Damaged("the spreadsheet cannot be read".to_owned()))
            }
        }
    }

    /// What is known at the end goes to `to`.
    pub(super) fn report_to(&mut self, from: &Arc<SheetNotes>, to: &Arc<SheetNotes>) {
        self.notes = Some((Arc::clone(from), Arc::clone(to)));
    }
}

impl Read for SheetReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let rest = &self.block[self.at..];
            if !rest.is_empty() {
                let len = rest.len().min(buffer.len());
                buffer[..len].copy_from_slice(&rest[..len]);
                self.at += len;
                return Ok(len);
            }
            match &self.end {
                Some(Ok(())) => return Ok(0),
                Some(Err(what)) => return Err(io::Error::new(io::ErrorKind::InvalidData, SheetFault(what.clone()))),
                None => {}
            }
            match self.messages.recv() {
                Ok(Message::Rows(rows)) => (self.block, self.at) = (rows, 0),
                Ok(Message::End(end)) => {
                    self.end = Some(end);
                    if let Some((from, to)) = &self.notes {
                        for (from, to) in [
                            (&from.merged, &to.merged),
                            (&from.hidden_rows, &to.hidden_rows),
                            (&from.hidden_columns, &to.hidden_columns),
                        ] {
                            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
                        }
                    }
                }
                Ok(Message::Opened(_)) => {}
                Err(_) => self.end = Some(Err("the spreadsheet cannot be read on".to_owned())),
            }
        }
    }
}

/// Reads the sheet and sends the result. The receiver may be gone by then.
fn run(work: &Work<'_>) {
    let mut rows = RowWriter::new(work.messages.clone());
    let read = || match work.workbook.format {
        SheetFormat::Xlsx => xlsx::read(work, &mut rows),
        SheetFormat::Xlsb => xlsx::read_binary(work, &mut rows),
        SheetFormat::Xls => xls::read(work, &mut rows),
        SheetFormat::Ods => ods::read(work, &mut rows),
    };
    // A library that reads a binary format may panic at damaged data.
    let result = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        Err(Stop::Fault(format!("it has data that no spreadsheet has: {}", panic_text(&*panic))))
    });
    let result = result.and_then(|()| rows.finish());
    let row = rows.last_row();
    let message = match result {
        Ok(()) => {
            work.read.store(work.workbook.len, Ordering::Relaxed);
            Message::End(Ok(()))
        }
        Err(Stop::Closed) => return,
        Err(Stop::Refused(refusal)) => Message::Opened(Err(refusal)),
        Err(Stop::Limit(what)) => {
            rows.abandon();
            let at = if row > 0 { format!(" (behind row {row})") } else { String::new() };
            Message::End(Err(format!("{what}{at}")))
        }
        Err(Stop::Fault(what)) => {
            rows.abandon();
            let at = if row > 0 { format!("behind row {row}") } else { "at its start".to_owned() };
            let help = "get the file again, or open it in a spreadsheet program and save it again";
            Message::End(Err(format!("the spreadsheet is damaged {at} ({what}): {help}")))
        }
    };
    let _ = work.messages.send(message);
}
