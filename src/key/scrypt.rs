//! scrypt (RFC 7914), which leaves nothing behind.
//!
//! The scrypt crate frees what it computed with as it is, and ends the process if memory runs short. Here the
//! working memory is wiped, and memory that cannot be had is an error.

use std::array::from_fn;
use std::collections::TryReserveError;

use zeroize::{Zeroize, Zeroizing};

use super::pbkdf2::{self, Prf};

/// What Salsa20 works on: 64 octets as sixteen words, by the diagonals of Salsa20's matrix, so that each of
/// its steps is four words at once.
type Block = [[u32; 4]; 4];

const BLOCK: usize = size_of::<Block>();

/// Which of a block's words, in the order of its octets, stands at each place.
#[expect(clippy::indexing_slicing, reason = "sixteen places, counted below 16")]
const DIAGONALS: [[usize; 4]; 4] = {
    let mut words = [[0; 4]; 4];
    let mut place = 0;
    while place < 16 {
        words[place / 4][place % 4] = (place / 4 * 4 + place % 4 * 5) % 16;
        place += 1;
    }
    words
};

fn load(octets: &[u8]) -> Block {
    let (words, _) = octets.as_chunks();
    let word = |place| words.get(place).copied().unwrap_or_default();
    DIAGONALS.map(|diagonal| diagonal.map(|place| u32::from_le_bytes(word(place))))
}

fn store(block: &Block, octets: &mut [u8]) {
    let (words, _) = octets.as_chunks_mut();
    for (word, place) in block.as_flattened().iter().zip(DIAGONALS.as_flattened()) {
        if let Some(octets) = words.get_mut(*place) {
            *octets = word.to_le_bytes();
        }
    }
}

/// A buffer of zeros that is wiped when dropped.
fn zeros<T: Copy>(zero: T, length: usize) -> Result<Zeroizing<Vec<T>>, TryReserveError>
where
    Vec<T>: Zeroize,
{
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(length)?;
    buffer.resize(length, zero);
    Ok(Zeroizing::new(buffer))
}

/// Fills `output`. The parameters were judged: `cost` is a power of two, none is 0, and their products are
/// sizes of memory.
///
/// # Errors
/// The memory that the parameters ask for cannot be had.
pub(super) fn derive(
    passphrase: &[u8],
    salt: &[u8],
    (cost, block_size, parallelization): (usize, usize, usize),
    output: &mut [u8],
) -> Result<(), TryReserveError> {
    let lane_length = 2 * block_size;
    let mut octets = zeros(0_u8, parallelization * lane_length * BLOCK)?;
    let mut table = zeros(Block::default(), cost * lane_length)?;
    let mut lane = zeros(Block::default(), lane_length)?;
    let mut mixed = zeros(Block::default(), lane_length)?;
    pbkdf2::derive(Prf::HmacSha256, passphrase, salt, 1, &mut octets);
    for octets in octets.chunks_exact_mut(lane_length * BLOCK) {
        for (block, octets) in lane.iter_mut().zip(octets.chunks_exact(BLOCK)) {
            *block = load(octets);
        }
        mix_lane(&mut lane, &mut mixed, &mut table);
        for (block, octets) in lane.iter().zip(octets.chunks_exact_mut(BLOCK)) {
            store(block, octets);
        }
    }
    pbkdf2::derive(Prf::HmacSha256, passphrase, &octets, 1, output);
    Ok(())
}

/// scryptROMix (RFC 7914 section 5). `table` is its V: as many lanes as the cost says.
fn mix_lane(lane: &mut [Block], mixed: &mut [Block], table: &mut [Block]) {
    for entry in table.chunks_exact_mut(lane.len()) {
        entry.copy_from_slice(lane);
        mix_blocks(entry, lane);
    }
    let entries = table.len() / lane.len();
    for _ in 0..entries {
        // Integerify: the last block's first octets, the lowest first, modulo a power of two.
        let [[low, ..], .., [_, high, ..]] = lane.last().copied().unwrap_or_default();
        let number = (u64::from(high) << 32 | u64::from(low)) & (entries as u64 - 1);
        let start = usize::try_from(number).unwrap_or_default() * lane.len();
        let entry = table.get(start..).unwrap_or_default();
        for (place, (lane, entry)) in mixed.iter_mut().zip(lane.iter().zip(entry)) {
            *place = *lane;
            xor(place, entry);
        }
        mix_blocks(mixed, lane);
    }
}

/// scryptBlockMix (RFC 7914 section 4): first the results with even numbers, then the others.
fn mix_blocks(input: &[Block], output: &mut [Block]) {
    let (even, odd) = output.split_at_mut(input.len() / 2);
    let mut block = input.last().copied().unwrap_or_default();
    for ((pair, even), odd) in input.as_chunks::<2>().0.iter().zip(even).zip(odd) {
        for (input, place) in pair.iter().zip([even, odd]) {
            xor(&mut block, input);
            block = salsa20_8(block);
            *place = block;
        }
    }
    block.zeroize();
}

#[inline]
fn xor(block: &mut Block, other: &Block) {
    for (word, other) in block.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
        *word ^= other;
    }
}

/// Salsa20/8 Core (RFC 7914 section 3). The rounds over columns and over rows differ only in which words meet,
/// so between them the diagonals are turned.
#[inline]
#[expect(clippy::indexing_slicing, reason = "arrays of four, indexed below 4")]
fn salsa20_8(block: Block) -> Block {
    #[inline]
    fn step(target: [u32; 4], a: [u32; 4], b: [u32; 4], rotation: u32) -> [u32; 4] {
        from_fn(|i| target[i] ^ a[i].wrapping_add(b[i]).rotate_left(rotation))
    }
    #[inline]
    fn turn([w, x, y, z]: [u32; 4]) -> [u32; 4] {
        [x, y, z, w]
    }
    let [mut a, mut b, mut c, mut d] = block;
    for _ in 0..8 {
        b = step(b, a, d, 7);
        c = step(c, b, a, 9);
        d = step(d, c, b, 13);
        a = step(a, d, c, 18);
        (b, c, d) = (turn(d), turn(turn(c)), turn(turn(turn(b))));
    }
    let mixed = [a, b, c, d];
    from_fn(|i| from_fn(|j| mixed[i][j].wrapping_add(block[i][j])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vectors_of_rfc_7914_section_12_come_out() {
        for (passphrase, salt, parameters, expected) in [
            ("", "", (16, 1, 1), "77d6576238657b203b19ca42c18a0497"),
            ("password", "NaCl", (1024, 8, 16), "fdbabe1c9d3472007856e7190d01e9fe"),
            ("pleaseletmein", "SodiumChloride", (16384, 8, 1), "7023bdcb3afd7348461c06cd81fd38eb"),
        ] {
            let mut derived = [0; 16];
            derive(passphrase.as_bytes(), salt.as_bytes(), parameters, &mut derived).unwrap();
            assert_eq!(base16ct::lower::encode_string(&derived), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_scrypt_crate_agrees(
            passphrase: Vec<u8>,
            salt: Vec<u8>,
            log_cost in 1..8_u8,
            block_size in 1..9_u32,
            parallelization in 1..4_u32,
            length in 1..100_usize,
        ) {
            let [mut ours, mut theirs] = [(); 2].map(|()| vec![0; length]);
            let parameters = (1 << log_cost, block_size as usize, parallelization as usize);
            derive(&passphrase, &salt, parameters, &mut ours).unwrap();
            let parameters = ::scrypt::Params::new(log_cost, block_size, parallelization).unwrap();
            ::scrypt::scrypt(&passphrase, &salt, &parameters, &mut theirs).unwrap();
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error() {
        derive(b"", b"", (1 << 50, 8, 1), &mut [0; 32]).unwrap_err();
    }
}
