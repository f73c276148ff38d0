//! What strangers say, so that it fits a line and stays on it.

use std::fmt::Display;

use crate::marks::written_out;

/// How long a line may be, in characters: what a stranger says may be as long as a book.
const LONGEST_LINE: usize = 2_000;

/// How long one name may be. Real ones have less than half of this.
const LONGEST_NAME: usize = 160;

/// Without anything that ends a line, moves a cursor or turns the direction of writing, and not too long.
pub(super) fn line(text: &str) -> String {
    shortened(&written_out(text, &[]), LONGEST_LINE)
}

/// The same for a name, or for another part of a line.
pub(super) fn name(name: impl Display) -> String {
    shortened(&written_out(&name.to_string(), &[]), LONGEST_NAME)
}

/// The first names, and how many more there are.
pub(super) fn names<T: Display>(all: &[T], most: usize) -> String {
    let shown: Vec<_> = all.iter().take(most).map(name).collect();
    let shown = shown.join(", ");
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Cut at so many characters, if that is worth saying.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            let more = text.get(end..).unwrap_or_default().chars().count();
            format!("{start}... ({more} characters more)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{line, name, names};

    #[test]
    fn texts_are_cut_between_characters_and_say_by_how_much() {
        assert_eq!(name("ä".repeat(160)), "ä".repeat(160));
        assert_eq!(name("ä".repeat(165)), format!("{}... (5 characters more)", "ä".repeat(160)));
        assert!(line(&"\u{202e}".repeat(1 << 16)).len() < 2_100);
    }

    #[test]
    fn a_few_names_are_shown_and_the_rest_counted() {
        assert_eq!(names(&["a", "b\nc"], 2), "a, b c");
        assert_eq!(names(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(names::<&str>(&[], 2), "");
    }
}
