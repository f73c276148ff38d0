//! PEM as people have it: several blocks in a file, text between them, CRLF, any line width.
//!
//! RFC 7468 describes the strict form; OpenSSL, ACM and editors produce laxer ones, so those are
//! read here too. What is written is strict: 64 characters a line, LF.
//!
//! The readers of certificates, keys and requests use this by themselves. It is of use where a file
//! may hold anything:
//!
//! ```
//! let file = "some text\n-----BEGIN NOTE-----\naGVsbG8=\n-----END NOTE-----\n";
//! let blocks = private_ca::pem::blocks(file.as_bytes())?;
//! assert_eq!(blocks[0].label(), "NOTE");
//! assert_eq!(blocks[0].contents(), b"hello");
//! # Ok::<(), private_ca::pem::PemError>(())
//! ```

use std::fmt;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// The label of an X.509 certificate.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// The label of a PKCS#10 certificate signing request.
pub const CERTIFICATE_REQUEST: &str = "CERTIFICATE REQUEST";
/// The label of a certificate revocation list.
pub const X509_CRL: &str = "X509 CRL";
/// The label of a plain PKCS#8 private key.
pub const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of an encrypted PKCS#8 private key.
pub const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";

/// One `-----BEGIN …-----` block, decoded. Its contents may be a key and are wiped when dropped.
pub struct Block {
    pub(crate) label: String,
    pub(crate) line: usize,
    pub(crate) contents: Zeroizing<Vec<u8>>,
    headers: Vec<(String, String)>,
}

impl Block {
    /// The label: `CERTIFICATE`, `PRIVATE KEY` and so on.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Line of the `BEGIN`, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The decoded contents, DER for every label this crate knows.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }

    /// The value of a header before the contents, as OpenSSL's traditional PEM has them (RFC 1421 section 4.6):
    /// `DEK-Info: AES-256-CBC,...`. Names are compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether its headers or its label say that the contents are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        let process = self.header("Proc-Type").unwrap_or_default();
        self.label == ENCRYPTED_PRIVATE_KEY
            || process.split(',').any(|part| part.trim().eq_ignore_ascii_case("ENCRYPTED"))
            || self.header("DEK-Info").is_some()
    }

    /// Whether the label says that the contents are a private key, encrypted or not.
    #[must_use]
    pub fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({}, line {}, {} bytes)", self.label, self.line, self.contents.len())
    }
}

/// Why a PEM file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// There is no `-----BEGIN` line at all.
    #[error(
        "there is no PEM block in it: no line starts with \"-----BEGIN \" (a DER file? an empty one?)"
    )]
    NoBlock,
    /// A block is not ended by the `END` line of its own label.
    #[error(
        "the PEM block \"{label}\" that begins on line {line} has no matching END line: the file is cut short"
    )]
    Unterminated {
        /// Label of the block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
    },
    /// A line begins or ends a block almost.
    #[error(
        "line {line} looks like the BEGIN or END line of a PEM block and is none: five dashes, BEGIN or END, the label, five dashes; a block that was damaged so would be passed over"
    )]
    Marker {
        /// The line, counted from 1.
        line: usize,
    },
    /// The text between `BEGIN` and `END` is not base64.
    #[error(
        "the PEM block \"{label}\" that begins on line {line} is not valid base64: the text between BEGIN and END was changed"
    )]
    Base64 {
        /// Label of the block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
    },
}

fn label<'a>(line: &'a [u8], prefix: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    // RFC 7468 section 3: printable ASCII. A terminal would obey anything else.
    let printable = label.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    std::str::from_utf8(label).ok().filter(|_| printable)
}

/// OpenSSL writes two headers, and mail had a few more (RFC 1421 section 4.6); a longer list is none.
const MOST_HEADERS: usize = 16;

/// A line `Name: value`.
fn header(line: &[u8]) -> Option<(String, String)> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (!name.is_empty() && is_name(name)).then(|| (name.to_owned(), value.trim().to_owned()))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A line that somebody took for the begin or end of a block, and is not quite.
fn looks_like_a_marker(line: &[u8]) -> bool {
    (line.starts_with(b"--") || line.ends_with(b"--"))
        && (contains(line, b"BEGIN ") || contains(line, b"END "))
}

/// The lines of a text with their numbers. Where files were joined without a newline between them,
/// the end of one block and the begin of the next are told apart.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], usize)> + Clone {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let joint = b"----------BEGIN ";
    text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).zip(1..).flat_map(
        move |(line, number)| {
            // No line of base64 has a dash, and most lines are base64.
            let place = line
                .contains(&b'-')
                .then(|| line.windows(joint.len()).position(|window| window == joint))
                .flatten();
            let (first, second) = match place {
                Some(place) => line.split_at(place + 5),
                None => line.split_at(line.len()),
            };
            let second = (!second.is_empty()).then_some((second, number));
            std::iter::once((first, number)).chain(second)
        },
    )
}

/// All blocks of a file, in order.
///
/// # Errors
/// [`PemError`] if there is none, one is cut short or not base64, or a line begins or ends a block
/// almost: a block that is passed over by mistake may be the one that matters.
pub fn blocks(text: &[u8]) -> Result<Vec<Block>, PemError> {
    let mut blocks = Vec::new();
    let mut lines = lines(text);
    while let Some((begin, line)) = lines.next() {
        let Some(label_text) = label(begin, b"-----BEGIN ") else {
            if looks_like_a_marker(begin) {
                return Err(PemError::Marker { line });
            }
            continue;
        };
        let ends = |content: &[u8]| content.starts_with(b"-----");
        let body_length: usize = lines
            .clone()
            .map(|(content, _)| content)
            .take_while(|content| !ends(content))
            .map(<[u8]>::len)
            .sum();
        // Sized once: a buffer that grew would leave copies of a key behind.
        let mut body = Zeroizing::new(Vec::with_capacity(body_length));
        let unterminated = || PemError::Unterminated { label: label_text.to_owned(), line };
        let mut headers = Vec::new();
        loop {
            let (content, _) = lines.next().ok_or_else(unterminated)?;
            if label(content, b"-----END ") == Some(label_text) {
                break;
            }
            if ends(content) {
                return Err(unterminated());
            }
            // Headers stand before the contents, and no line of base64 has a colon.
            if body.is_empty()
                && headers.len() < MOST_HEADERS
                && let Some(header) = header(content)
            {
                headers.push(header);
                continue;
            }
            for part in content.split(u8::is_ascii_whitespace) {
                body.extend_from_slice(part);
            }
        }
        let mut contents = Zeroizing::new(vec![0; body.len() / 4 * 3 + 3]);
        let decoded = Base64::decode(body.as_slice(), contents.as_mut_slice()).map(<[u8]>::len);
        let Ok(length) = decoded else {
            return Err(PemError::Base64 { label: label_text.to_owned(), line });
        };
        contents.truncate(length);
        blocks.push(Block { label: label_text.to_owned(), line, contents, headers });
    }
    if blocks.is_empty() {
        return Err(PemError::NoBlock);
    }
    Ok(blocks)
}

/// Whether a file is PEM rather than DER: DER begins with the tag of a SEQUENCE, which is also the
/// character `0`, and holds no `BEGIN` line.
#[must_use]
pub fn is_pem(bytes: &[u8]) -> bool {
    bytes.first() != Some(&0x30) || contains(bytes, b"-----BEGIN ")
}

/// The strict form of one block, ending in a newline. The text may hold a key and is wiped.
pub(crate) fn encode(label: &str, contents: &[u8]) -> Zeroizing<String> {
    encode_with_headers(label, &[], contents)
}

/// The same with headers before the contents.
pub(crate) fn encode_with_headers(
    label: &str,
    headers: &[(&str, &str)],
    contents: &[u8],
) -> Zeroizing<String> {
    const LINE: usize = 64;
    let encoded = Zeroizing::new(Base64::encode_string(contents));
    let lines = encoded.len().div_ceil(LINE);
    let header_length: usize =
        headers.iter().map(|(name, value)| name.len() + value.len() + 3).sum::<usize>() + 1;
    let length = encoded.len() + lines + 2 * label.len() + 34 + header_length;
    let mut pem = Zeroizing::new(String::with_capacity(length));
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    for part in headers.iter().flat_map(|(name, value)| [name, ": ", value, "\n"]) {
        pem.push_str(part);
    }
    if !headers.is_empty() {
        pem.push('\n');
    }
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every index is a character boundary.
        let (line, tail) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &str) -> Vec<(String, Vec<u8>)> {
        blocks(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|block| (block.label, block.contents.to_vec()))
            .collect()
    }

    #[test]
    fn text_around_blocks_crlf_and_odd_line_widths_are_read() {
        let text = "Bag Attributes\r\n  friendlyName: x\r\n-----BEGIN A-----\r\naGVs\r\nbG8=\r\n-----END A-----\r\nsubject=/CN=x\n -----BEGIN B-----\nd29y bGQ=\n-----END B-----";
        assert_eq!(
            decoded(text),
            [("A".into(), b"hello".to_vec()), ("B".into(), b"world".to_vec())]
        );
    }

    #[test]
    fn a_block_that_is_cut_short_is_named_with_its_line() {
        for text in ["\n-----BEGIN A-----\naGVs\n", "\n-----BEGIN A-----\n-----END B-----\n"] {
            assert_eq!(
                blocks(text.as_bytes()).err(),
                Some(PemError::Unterminated { label: "A".into(), line: 2 })
            );
        }
    }

    #[test]
    fn joined_files_a_byte_order_mark_and_a_leading_zero_are_read() {
        let block = "-----BEGIN A-----\naGVsbG8=\n-----END A-----";
        for text in [format!("{block}{block}"), format!("\u{feff}{block}\n{block}")] {
            assert_eq!(decoded(&text), vec![("A".to_owned(), b"hello".to_vec()); 2]);
        }
        assert!(is_pem(format!("0 first\n{block}").as_bytes()));
    }

    #[test]
    fn a_damaged_marker_is_an_error_and_not_a_block_less() {
        let block = "-----BEGIN A-----\naGVsbG8=\n-----END A-----\n";
        for damaged in
            ["----BEGIN A-----", "-----BEGIN A---", "-----END A-----", "\u{a0}-----BEGIN A-----"]
        {
            let text = format!("{block}{damaged}\n{block}");
            assert_eq!(
                blocks(text.as_bytes()).err(),
                Some(PemError::Marker { line: 4 }),
                "{damaged}"
            );
        }
    }

    #[test]
    fn broken_base64_and_absent_blocks_differ() {
        assert_eq!(
            blocks(b"-----BEGIN A-----\naGV\n-----END A-----").err(),
            Some(PemError::Base64 { label: "A".into(), line: 1 })
        );
        assert_eq!(blocks(b"hello").err(), Some(PemError::NoBlock));
        assert_eq!(blocks(b"").err(), Some(PemError::NoBlock));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(contents: Vec<u8>) {
            let text = encode("ANY LABEL", &contents);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(decoded(&text), [("ANY LABEL".to_owned(), contents)]);
        }

        #[test]
        fn any_text_is_read_or_refused(text: Vec<u8>) {
            let _ = blocks(&text);
        }
    }
}
