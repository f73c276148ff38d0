//! Everything that is printed: text for a person, or one JSON object with `--json`.

mod authority;
mod certificate;
mod doctor;
mod file;
#[cfg(feature = "temporal-cloud")]
mod namespace;
mod refusal;
mod rotation;
mod temporal;
mod worker;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use private_ca::CertificateChain;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(crate) use authority::*;
pub(crate) use certificate::*;
pub(crate) use doctor::*;
pub(crate) use file::*;
#[cfg(feature = "temporal-cloud")]
pub(crate) use namespace::*;
pub(crate) use rotation::*;
pub(crate) use temporal::*;
pub(crate) use worker::*;

use crate::Failure;
use crate::failure::causes;
use crate::marks::{is_mark, written_out};

/// An answer, in both forms, and the exit status that goes with it.
pub(crate) struct Answer {
    text: Zeroizing<String>,
    json: Json,
    status: u8,
}

enum Json {
    Value(Value),
    /// The text itself, under this name. It may hold a key, so the JSON is made only if it is
    /// asked for, in memory that is wiped.
    Text(&'static str),
}

/// Prints an answer or the lack of one, and says how the process ends.
pub(crate) fn print(answer: Result<Answer, Failure>, as_json: bool) -> ExitCode {
    let is_answer = answer.is_ok();
    let (status, text, json) = match answer {
        Ok(Answer { text, json: Json::Value(json), status }) => (status, text, json),
        Ok(Answer { text, json: Json::Text(name), .. }) => {
            return finish(
                0,
                std::io::stdout().write_all(
                    match as_json {
                        true => pem_json(name, &text),
                        false => text,
                    }
                    .as_bytes(),
                ),
            );
        }
        Err(failure) => {
            let (status, (text, json)) = match failure {
                Failure::No(error) => (1, told(&error.to_string(), &*error)),
                Failure::Refused(refusal) => (1, refusal::told(&refusal)),
                Failure::Unasked(error) => (2, told(&error.to_string(), &*error)),
            };
            (status, Zeroizing::new(text), json)
        }
    };
    let written = if as_json {
        std::io::stdout().write_all(json_text(&json).as_bytes())
    } else if is_answer {
        std::io::stdout().write_all(text.as_bytes())
    } else {
        std::io::stderr().write_all(text.as_bytes())
    };
    finish(status, written)
}

/// An error in both forms: its sentence, and the causes that this does not state.
fn told(sentence: &str, error: &(dyn Error + 'static)) -> (String, Value) {
    let causes: Vec<_> = further_causes(error).iter().map(|cause| still(cause)).collect();
    let sentence = still(sentence);
    let mut text = format!("private-ca: {sentence}\n");
    for cause in &causes {
        let _ = writeln!(text, "  because {cause}");
    }
    (text, json!({ "error": sentence, "causes": causes }))
}

/// JSON leaves the marks above ASCII as they are, and a terminal acts on them; escaped, they say the same.
fn json_text(json: &Value) -> Zeroizing<String> {
    let text = Zeroizing::new(format!("{json:#}\n"));
    // Outside of its strings there is no mark but the ends of its lines.
    let moves = |letter: char| letter != '\n' && is_mark(letter);
    if !text.contains(moves) {
        return text;
    }
    let mut escaped = Zeroizing::new(String::with_capacity(2 * text.len()));
    for letter in text.chars() {
        if moves(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// PEM has no character that JSON escapes but the newline.
fn pem_json(name: &str, pem: &str) -> Zeroizing<String> {
    let mut json = Zeroizing::new(String::with_capacity(2 * pem.len() + name.len() + 16));
    json.push_str("{\n  \"");
    json.push_str(name);
    json.push_str("\": \"");
    for line in pem.split_terminator('\n') {
        json.push_str(line);
        json.push_str("\\n");
    }
    json.push_str("\"\n}\n");
    json
}

fn finish(status: u8, written: std::io::Result<()>) -> ExitCode {
    match written.and_then(|()| std::io::stdout().flush()) {
        Ok(()) => ExitCode::from(status),
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(status),
        Err(_) => ExitCode::from(2),
    }
}

/// The causes that the errors before them do not state already.
fn further_causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut said = error.to_string();
    let mut further = Vec::new();
    for error in causes(error).skip(1) {
        let cause = error.to_string();
        if !said.contains(&cause) {
            said.clone_from(&cause);
            further.push(cause);
        }
        // What lies behind it are the layers of AWS's SDK, whose last word it has said.
        #[cfg(feature = "aws")]
        if error.is::<private_ca::authority::aws::AwsError>() {
            break;
        }
    }
    further
}

/// With nothing that moves the cursor: errors repeat what strangers wrote.
fn still(text: &str) -> String {
    written_out(text, &['\n'])
}

/// One line: whoever wrote what it repeats begins no line of his own.
fn line(text: &str) -> String {
    written_out(text, &[])
}

fn said(text: String, json: Value) -> Answer {
    // Names come from files and from other accounts; none of them is to move the cursor.
    let text = written_out(&text, &['\n', '\t']);
    Answer { text: Zeroizing::new(text), json: Json::Value(json), status: 0 }
}

/// A path as JSON can hold it: text.
fn path_json(path: &Path) -> Value {
    json!(path.display().to_string())
}

/// A PEM file as it is.
pub(crate) fn pem(what: &'static str, pem: &str) -> Answer {
    Answer { text: Zeroizing::new(pem.to_owned()), json: Json::Text(what), status: 0 }
}

/// A file was written.
pub(crate) fn written(path: &Path) -> Answer {
    said(format!("wrote {}\n", path.display()), json!({ "written": path_json(path) }))
}

fn lines(text: &mut String, indent: &str, rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        let _ = writeln!(text, "{indent}{name:width$}  {value}");
    }
}

/// The walkthrough, told step by step as one screen.
#[derive(Default)]
pub(crate) struct Story {
    text: String,
    steps: Vec<Value>,
}

impl Story {
    /// A step: what was done, the command that does it alone, and what came of it.
    pub(crate) fn step(&mut self, title: &str, command: &str, findings: &[String]) {
        let number = self.steps.len() + 1;
        let _ = writeln!(self.text, "{number}. {title}");
        if !command.is_empty() {
            let _ = writeln!(self.text, "   $ {command}");
        }
        for finding in findings {
            for line in finding.lines() {
                let _ = writeln!(self.text, "   {line}");
            }
        }
        self.steps.push(json!({ "title": title, "command": command, "findings": findings }));
    }

    pub(crate) fn end(mut self, folder: &Path) -> Answer {
        let _ = writeln!(self.text, "Everything is in {}.", folder.display());
        said(self.text, json!({ "folder": path_json(folder), "steps": self.steps }))
    }
}

/// Certificates by their subjects, for one line.
pub(crate) fn subjects(chain: &CertificateChain) -> String {
    let subjects: Vec<_> = chain.into_iter().map(|one| one.subject().to_string()).collect();
    subjects.join(" < ")
}

/// A path as a word for a POSIX shell.
pub(crate) fn shell_path(path: &Path) -> String {
    shell(&path.display().to_string())
}

/// A word for a POSIX shell, quoted if it has to be.
pub(crate) fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
