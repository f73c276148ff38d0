//! What a run of benchmarks says at its end: a table of ratios, and a plot of them.
#![allow(clippy::print_stdout, reason = "it is what the run is for")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A run of one benchmark program.
pub(crate) struct Run {
    name: &'static str,
    ours: &'static str,
    start: SystemTime,
}

/// What one implementation took for one work.
struct Time {
    implementation: String,
    nanoseconds: f64,
}

impl Run {
    pub(crate) fn start(name: &'static str, ours: &'static str) -> Self {
        Self { name, ours, start: SystemTime::now() }
    }

    /// Prints the table and writes `NAME.svg` beside criterion's results, of what this run measured. Under `cargo
    /// test`, where everything runs once, nothing was.
    pub(crate) fn report(&self, works: &[&str]) {
        if !std::env::args().any(|argument| argument == "--bench") {
            return;
        }
        let folder = folder();
        let measured: Vec<(&str, Vec<Time>)> = works
            .iter()
            .map(|work| (*work, self.times(&folder.join(work))))
            .filter(|(_, times)| times.iter().any(|time| time.implementation == self.ours))
            .collect();
        if measured.is_empty() {
            return;
        }
        println!("\n{}", self.table(&measured));
        let plot = folder.join(self.name).with_extension("svg");
        std::fs::write(&plot, self.plot(&measured)).unwrap();
        println!("plot: {}", plot.display());
    }

    /// What this run measured for a work, the quickest first.
    fn times(&self, work: &Path) -> Vec<Time> {
        let mut times: Vec<Time> = std::fs::read_dir(work)
            .into_iter()
            .flatten()
            .filter_map(|entry| self.time(&entry.ok()?.path()))
            .collect();
        times.sort_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
        times
    }

    fn time(&self, implementation: &Path) -> Option<Time> {
        let file = implementation.join("new/estimates.json");
        // Criterion keeps what earlier runs measured.
        if file.metadata().ok()?.modified().ok()? < self.start {
            return None;
        }
        let estimates: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        Some(Time {
            implementation: implementation.file_name()?.to_string_lossy().into_owned(),
            nanoseconds: estimates.pointer("/median/point_estimate")?.as_f64()?,
        })
    }

    /// How much of an implementation's time ours takes.
    fn ratio(&self, times: &[Time], time: &Time) -> f64 {
        let ours = times.iter().find(|time| time.implementation == self.ours);
        ours.map_or(f64::NAN, |ours| ours.nanoseconds / time.nanoseconds)
    }

    fn table(&self, measured: &[(&str, Vec<Time>)]) -> String {
        let mut text = format!(
            "| work | implementation | median | {} takes, of that |\n| --- | --- | ---: | ---: |\n",
            self.ours
        );
        for (work, times) in measured {
            for time in times {
                let Time { implementation, nanoseconds } = time;
                let ratio = match *implementation == self.ours {
                    true => String::new(),
                    false => format!("{:.2}", self.ratio(times, time)),
                };
                let duration = duration(*nanoseconds);
                let _ = writeln!(text, "| {work} | {implementation} | {duration} | {ratio} |");
            }
        }
        text
    }

    /// Bars, each work on a scale of its own.
    fn plot(&self, measured: &[(&str, Vec<Time>)]) -> String {
        const ROW: usize = 20;
        const LEFT: usize = 110;
        const BAR: f64 = 420.0;
        let rows: usize = measured.iter().map(|(_, times)| times.len() + 2).sum();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {0}\" width=\"720\" height=\"{0}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            rows * ROW
        );
        let mut row = 0;
        for (work, times) in measured {
            row += 1;
            let _ = writeln!(
                svg,
                "<text x=\"8\" y=\"{}\" font-weight=\"bold\" fill=\"#222222\">{work}</text>",
                row * ROW
            );
            let slowest = times.iter().map(|time| time.nanoseconds).fold(0.0, f64::max);
            for time in times {
                row += 1;
                let Time { implementation, nanoseconds } = time;
                let is_ours = *implementation == self.ours;
                let (colour, ratio) = match is_ours {
                    true => ("#b7410e", String::new()),
                    false => ("#8a9ba8", format!(", ratio {:.2}", self.ratio(times, time))),
                };
                let (width, duration) = (nanoseconds / slowest * BAR, duration(*nanoseconds));
                let (top, base) = (row * ROW - 12, row * ROW);
                let _ = writeln!(
                    svg,
                    "<text x=\"{0}\" y=\"{base}\" text-anchor=\"end\" fill=\"#222222\">{implementation}</text><rect x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"14\" fill=\"{colour}\"/><text x=\"{1:.1}\" y=\"{base}\" fill=\"#222222\">{duration}{ratio}</text>",
                    LEFT - 8,
                    LEFT as f64 + width + 6.0,
                );
            }
            row += 1;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Where criterion is told to put its results: beside the profile's folder in the target folder.
pub(crate) fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    // target/release/deps/NAME
    program.ancestors().nth(3).unwrap().join("criterion")
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1e4 => format!("{short:.0} ns"),
        medium if medium < 1e7 => format!("{:.1} us", medium / 1e3),
        long => format!("{:.1} ms", long / 1e6),
    }
}
