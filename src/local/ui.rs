//! What the user sees: results on one writer, progress on another.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a long step says where it stands when there is no terminal to draw on.
const PULSE: Duration = Duration::from_secs(30);

/// Where results (`out`) and progress (`err`) go. Progress is drawn when `err` is a terminal, and told in plain lines otherwise.
///
/// What cannot be written (a closed pipe) is dropped: progress is never worth failing for.
pub struct Ui {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    bars: Option<MultiProgress>,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui")
            .field("drawn", &self.bars.is_some())
            .finish_non_exhaustive()
    }
}

impl Ui {
    /// Results to stdout, progress to stderr.
    pub fn stdio() -> Self {
        let drawn = io::stderr().is_terminal();
        Self {
            out: Mutex::new(Box::new(io::stdout())),
            err: Mutex::new(Box::new(io::stderr())),
            bars: drawn.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
        }
    }

    /// Plain lines to these two writers.
    pub fn plain(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self {
            out: Mutex::new(Box::new(out)),
            err: Mutex::new(Box::new(err)),
            bars: None,
        }
    }

    /// Says nothing.
    pub fn silent() -> Self {
        Self::plain(io::sink(), io::sink())
    }

    /// A line of the result.
    pub fn line(&self, text: impl Display) {
        self.write(&self.out, &text);
    }

    /// A line beside the result.
    pub fn note(&self, text: impl Display) {
        self.write(&self.err, &text);
    }

    /// Begins a step of the work; `what` is a gerund: `building pulumi 3.259.0`. `about` is how long it usually takes.
    pub fn step(&self, what: impl Into<String>, about: Option<Duration>) -> Step<'_> {
        let what = what.into();
        let headline = match about {
            Some(about) => format!("{what} (about {})", in_words(about)),
            None => what.clone(),
        };
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {prefix}  {elapsed}  {msg}"));
            bar.set_prefix(headline.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() && about.is_some() {
            self.note(format_args!("… {headline}"));
        }
        let started = Instant::now();
        Step {
            ui: self,
            what,
            started,
            told: started,
            bar,
            length: 0,
            position: 0,
            ended: false,
        }
    }

    fn write(&self, to: &Mutex<Box<dyn Write + Send>>, text: &impl Display) {
        let write = || {
            let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(to, "{text}").and_then(|()| to.flush()).ok()
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        };
    }
}

/// A step of the work, from [`Ui::step`]. Dropped without [`Step::done`], it has failed.
#[derive(Debug)]
pub struct Step<'ui> {
    ui: &'ui Ui,
    what: String,
    started: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
    length: u64,
    position: u64,
    ended: bool,
}

impl Step<'_> {
    /// The step has this many parts; with that it can show how far it is.
    pub fn parts(&mut self, length: u64) {
        self.length = length;
        if let Some(bar) = &self.bar {
            bar.set_length(length);
            bar.set_style(style("{spinner} {prefix}  [{bar:24}] {pos}/{len}  {elapsed}  {msg}"));
        }
    }

    /// One more part is done.
    pub fn part(&mut self) {
        self.position += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.position);
        }
    }

    /// What it is at.
    pub fn at(&mut self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.chars().take(60).collect::<String>());
        } else if self.told.elapsed() >= PULSE {
            self.told = Instant::now();
            let elapsed = in_figures(self.started.elapsed());
            match self.length {
                0 => self.ui.note(format_args!("… {}  {elapsed}  {message}", self.what)),
                length => self
                    .ui
                    .note(format_args!("… {}  {}/{length}  {elapsed}", self.what, self.position)),
            }
        }
    }

    /// The step has succeeded; `what` says what there is now: `built pulumi 3.259.0`.
    pub fn done(mut self, what: impl Display) -> Duration {
        let took = self.started.elapsed();
        self.end();
        self.ui.note(format_args!("✓ {what}  {}", in_figures(took)));
        took
    }

    fn end(&mut self) {
        self.ended = true;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end();
            self.ui
                .note(format_args!("✗ {}  {}", self.what, in_figures(self.started.elapsed())));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// `0.4s`, `52s`, `3m07s`, `2h05m`.
pub(crate) fn in_figures(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0..=90 => format!("{} seconds", time.as_secs()),
        seconds => format!("{} minutes", (seconds + 30) / 60),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;

    /// A writer whose text can be read back.
    #[derive(Clone, Default)]
    pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_a_terminal_a_long_step_says_that_it_begins_and_how_long_it_took() {
        let (out, err) = (Page::default(), Page::default());
        let ui = Ui::plain(out.clone(), err.clone());
        ui.step("building pulumi", Some(Duration::from_mins(4)))
            .done("built pulumi");
        assert_eq!(
            err.text(),
            "… building pulumi (about 4 minutes)\n✓ built pulumi  0.0s\n"
        );
        assert_eq!(out.text(), "");
    }

    #[test]
    fn a_step_that_is_left_has_failed() {
        let err = Page::default();
        drop(Ui::plain(io::sink(), err.clone()).step("starting AWS", None));
        assert_eq!(err.text(), "✗ starting AWS  0.0s\n");
    }

    #[test]
    fn times_read_like_times() {
        let texts = [0, 52, 187, 7500].map(|seconds| in_figures(Duration::from_secs(seconds)));
        assert_eq!(texts, ["0.0s", "52s", "3m07s", "2h05m"]);
    }
}
