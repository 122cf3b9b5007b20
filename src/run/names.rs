//! The names of the inputs of a run.

use crate::clean::lines::InputLabel;
use crate::document::Document;
use std::ops::Deref;

/// The names of all inputs, in their order.
#[derive(Debug, Default)]
pub struct InputNames {
    names: Vec<String>,
    /// The sheet that is the only input.
    sheet: Option<String>,
}

impl InputNames {
    /// The names of these inputs.
    #[must_use]
    pub fn of(documents: &[Document<'_>]) -> Self {
        let sheet = match documents {
            [one] => one.source.sheet().map(|sheet| sheet.name.clone()),
            _ => None,
        };
        InputNames { names: documents.iter().map(|document| document.source.name().to_owned()).collect(), sheet }
    }

    /// The name of the only input.
    #[must_use]
    pub fn one(name: &str) -> Self {
        InputNames { names: vec![name.to_owned()], sheet: None }
    }

    /// What findings say of an input: its name, where there are several. Of a workbook alone, the sheet.
    #[must_use]
    pub fn label(&self, input: usize) -> Option<InputLabel<'_>> {
        match &self.sheet {
            Some(sheet) => Some(InputLabel::Sheet(sheet)),
            None => (self.names.len() > 1).then(|| InputLabel::Input(&self.names[input])),
        }
    }
}

impl Deref for InputNames {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.names
    }
}
