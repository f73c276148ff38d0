//! Letters that a terminal acts on, or that nobody sees: texts of strangers are shown without them.

/// Whether a letter moves the cursor, ends a line, turns the direction of writing, or is not seen.
///
/// These are the control characters, the separators of lines and paragraphs, the marks around
/// annotations, and what has Unicode's property `Default_Ignorable_Code_Point`
/// (`DerivedCoreProperties.txt`, version 16). All marks of direction (UAX 9 section 2) are among the
/// latter, and all of no width: UTR 36 shows what can be feigned with them.
pub(crate) fn is_mark(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text whose marks are written out, as `\u{202e}`, but for those that are kept. Of the ends of ASCII's
/// lines, and of tabs, which are in many honest texts, only a blank is left.
#[cfg(feature = "connect")]
pub(crate) fn written_out(text: &str, kept: &[char]) -> String {
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if kept.contains(&letter) => written.push(letter),
            '\n' | '\r' | '\t' => written.push(' '),
            _ if is_mark(letter) => written.extend(letter.escape_unicode()),
            _ => written.push(letter),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::is_mark;

    #[test]
    fn the_marks_of_direction_lines_and_no_width_are_marks_and_letters_are_none() {
        // UAX 9's explicit marks, the separators, C0 and C1, and the best known that are not seen.
        for mark in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\
            \u{2028}\u{2029}\0\n\t\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{fff9}\u{e0041}"
            .chars()
        {
            assert!(is_mark(mark), "{mark:?}");
        }
        for letter in " aé\u{301}ж好ا\u{5d0}…\u{2010}\u{202f}\u{2070}\u{fffd}🦀".chars() {
            assert!(!is_mark(letter), "{letter:?}");
        }
    }

    #[cfg(feature = "connect")]
    #[test]
    fn marks_are_written_out_and_line_ends_are_blanks_unless_they_are_kept() {
        use super::written_out;
        assert_eq!(written_out("a\u{202e}b\nc\u{85}d", &[]), "a\\u{202e}b c\\u{85}d");
        assert_eq!(written_out("a\tb\r\nc", &['\n']), "a b \nc");
    }
}
