//! Blocks of commands in a Markdown page, and what they print.
//!
//! A command begins with `$ `, goes on after a backslash, and is followed by its output, standard
//! error included. What differs from run to run (times, durations, fingerprints and other
//! identifiers) counts as equal; an identifier that the page shows twice has to be the same one
//! twice, and where a command names it, the command is run with that of this run.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use regex::Regex;

/// What differs from run to run.
static VOLATILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?<time> \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ )
        | (?<duration> \b\d+\ (?:ms|days)\b )
        | (?<id> \b [0-9a-f]{8} (?: -[0-9a-f]{4} ){3} -[0-9a-f]{12} \b
               | \b [0-9a-f]{16,} \b )",
    )
    .expect("a pattern")
});

/// A shell in one folder, with this environment and no other.
pub(crate) struct Console {
    folder: PathBuf,
    environment: Vec<(String, String)>,
    /// What is so here, and how the page shows it.
    pub(crate) shown_as: Vec<(String, String)>,
    /// The identifiers of this run, by those of the page.
    identifiers: HashMap<String, String>,
}

impl Console {
    pub(crate) fn new(folder: PathBuf, environment: Vec<(String, String)>) -> Self {
        Self { folder, environment, shown_as: Vec::new(), identifiers: HashMap::new() }
    }

    /// The exit status, and everything that was printed.
    pub(crate) fn run(&self, command: &str) -> (Option<i32>, String) {
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What the command of a page prints, in the page's words.
    fn play(&self, command: &str) -> String {
        let mut command = command.to_owned();
        for (here, shown) in &self.shown_as {
            command = command.replace(shown, here);
        }
        for (shown, here) in &self.identifiers {
            command = command.replace(shown, here);
        }
        let (status, mut output) = self.run(&command);
        // 2 is a question that could not be asked, 126 and more a command that did not run.
        assert!(status.is_some_and(|status| status < 2), "$ {command}\n[{status:?}]\n{output}");
        for (here, shown) in &self.shown_as {
            output = output.replace(here, shown);
        }
        output
    }

    /// Holds an output against that of a page, and learns this run's identifiers.
    fn compare(&mut self, command: &str, shown: &str, output: &str) {
        assert_eq!(bare(output), bare(shown), "$ {command}\nprints now:\n{output}");
        self.learn(command, shown, output);
    }

    fn learn(&mut self, command: &str, shown: &str, output: &str) {
        let identifiers = |text| {
            VOLATILE.captures_iter(text).filter_map(|found| found.name("id").map(|id| id.as_str()))
        };
        for (shown, here) in identifiers(shown).zip(identifiers(output)) {
            let known = self.identifiers.entry(shown.to_owned()).or_insert_with(|| here.to_owned());
            assert_eq!(known, here, "$ {command}\n{shown} is not the one that it was above");
        }
    }
}

/// A text without what differs from run to run.
fn bare(text: &str) -> String {
    VOLATILE.replace_all(text, Blank).into_owned()
}

/// The kind of what differs, instead of it.
struct Blank;

impl regex::Replacer for Blank {
    fn replace_append(&mut self, found: &regex::Captures<'_>, text: &mut String) {
        for kind in ["time", "duration", "id"] {
            if found.name(kind).is_some() {
                text.push_str(kind);
            }
        }
    }
}

/// A page of the manual.
pub(crate) struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path: path.to_owned(), text }
    }

    /// Runs every command, and holds what it prints against the page, or writes it into it.
    pub(crate) fn play(&self, console: &mut Console) {
        let write = env::var_os("MANUAL").is_some_and(|value| value == "write");
        let mut written = String::new();
        let mut played = 0;
        let mut lines = self.text.lines().peekable();
        let mut within = false;
        while let Some(line) = lines.next() {
            let start = written.len();
            written.push_str(line);
            written.push('\n');
            within = (within || line == "```console") && line != "```";
            if !within || !line.starts_with("$ ") {
                continue;
            }
            let mut last = line;
            let mut command = line.trim_start_matches("$ ").to_owned();
            while last.ends_with('\\') {
                last = lines.next().unwrap_or_else(|| panic!("the page ends within: {command}"));
                command.push('\n');
                command.push_str(last);
                written.push_str(last);
                written.push('\n');
            }
            let mut shown = String::new();
            while let Some(line) =
                lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("```"))
            {
                shown.push_str(line);
                shown.push('\n');
            }
            let output = console.play(&command);
            if write {
                let mut renewed = written.split_off(start);
                for (shown, here) in &console.identifiers {
                    renewed = renewed.replace(shown, here);
                }
                written.push_str(&renewed);
                written.push_str(&output);
                // What the page has always shown is still the same thing under another name.
                if bare(&shown) == bare(&output) {
                    console.learn(&command, &shown, &output);
                }
            } else {
                console.compare(&command, &shown, &output);
            }
            played += 1;
        }
        assert!(played > 0, "{} has no commands", self.path.display());
        if write {
            fs::write(&self.path, written).expect("the page");
        }
    }
}

/// The commands of a block without output.
pub(crate) fn commands(block: &str) -> Vec<String> {
    let whole = block.replace("\\\n", " ");
    let lines = whole.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
