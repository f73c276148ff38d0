//! Protocol-buffer messages as bytes, so that what our definitions do not know stays in them.
//!
//! An update replaces the whole specification of a namespace. A newer server may have written
//! settings into it that a decoder here would drop, and the update would then reset them.

use prost::encoding::{WireType, decode_key, decode_varint};

/// A message ends within a field, or holds something that is no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no protocol-buffer message")]
pub(super) struct NoMessage;

/// One field: its number, all its bytes with the key, and the bytes of its value.
struct Field<'a> {
    number: u32,
    whole: &'a [u8],
    value: &'a [u8],
}

/// The first field of a message, and the rest.
fn first(message: &[u8]) -> Result<(Field<'_>, &[u8]), NoMessage> {
    let mut rest = message;
    let (number, kind) = decode_key(&mut rest).map_err(|_| NoMessage)?;
    let length = match kind {
        WireType::Varint => {
            let mut after = rest;
            decode_varint(&mut after).map_err(|_| NoMessage)?;
            rest.len() - after.len()
        }
        WireType::ThirtyTwoBit => 4,
        WireType::SixtyFourBit => 8,
        WireType::LengthDelimited => {
            let length = decode_varint(&mut rest).map_err(|_| NoMessage)?;
            usize::try_from(length).map_err(|_| NoMessage)?
        }
        // Groups are of proto2; the API is proto3.
        WireType::StartGroup | WireType::EndGroup => return Err(NoMessage),
    };
    let (value, rest) = rest.split_at_checked(length).ok_or(NoMessage)?;
    let whole = message.get(..message.len() - rest.len()).ok_or(NoMessage)?;
    Ok((Field { number, whole, value }, rest))
}

/// A message in the field of that number. Occurrences of a message are merged by joining their bytes
/// (Protocol Buffers, "Encoding", "Last One Wins").
pub(super) fn message_in(message: &[u8], number: u32) -> Result<Option<Vec<u8>>, NoMessage> {
    let mut found: Option<Vec<u8>> = None;
    let mut rest = message;
    while !rest.is_empty() {
        let (field, after) = first(rest)?;
        if field.number == number {
            found.get_or_insert_default().extend_from_slice(field.value);
        }
        rest = after;
    }
    Ok(found)
}

/// A message without the fields of these numbers.
pub(super) fn without(message: &[u8], numbers: &[u32]) -> Result<Vec<u8>, NoMessage> {
    let mut kept = Vec::with_capacity(message.len());
    let mut rest = message;
    while !rest.is_empty() {
        let (field, after) = first(rest)?;
        if !numbers.contains(&field.number) {
            kept.extend_from_slice(field.whole);
        }
        rest = after;
    }
    Ok(kept)
}

/// Adds a message as a field.
pub(super) fn push_message(message: &mut Vec<u8>, number: u32, value: &[u8]) {
    prost::encoding::encode_key(number, WireType::LengthDelimited, message);
    prost::encoding::encode_varint(value.len() as u64, message);
    message.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn other_fields_keep_their_bytes_and_order() {
        // Field 1 as a number, field 2 as text, field 99 as 8 bytes, field 2 again, field 3 as 4 bytes.
        let message: &[u8] = b"\x08\x96\x01\x12\x02ab\x99\x06\x01\x02\x03\x04\x05\x06\x07\x08\x12\x01c\x1d\x01\x02\x03\x04";
        assert_eq!(message_in(message, 2).unwrap().unwrap(), b"abc");
        assert_eq!(message_in(message, 4).unwrap(), None);
        let rest = without(message, &[2]).unwrap();
        assert_eq!(
            rest,
            b"\x08\x96\x01\x99\x06\x01\x02\x03\x04\x05\x06\x07\x08\x1d\x01\x02\x03\x04"
        );
        assert_eq!(without(message, &[]).unwrap(), message);
        let mut again = rest;
        push_message(&mut again, 2, b"abc");
        assert_eq!(message_in(&again, 2).unwrap().unwrap(), b"abc");
    }

    #[test]
    fn what_is_no_message_is_refused_at_every_length() {
        let message: &[u8] = b"\x12\x05abcde";
        for length in 1..message.len() {
            assert_eq!(message_in(&message[..length], 2), Err(NoMessage), "{length}");
        }
        for nonsense in
            [&b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x0b", b"\x00", b"\x17"]
        {
            assert_eq!(without(nonsense, &[]), Err(NoMessage), "{nonsense:x?}");
        }
    }
}
