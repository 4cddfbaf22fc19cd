//! The part of the FlatBuffers format that a TensorFlow Lite file needs, read in place with every offset checked.
//!
//! A table starts with a signed distance back to its vtable; the vtable holds, for each field, where it lies in the
//! table (0 when it is absent). Vectors start with their length. See "FlatBuffers Internals" of the format's authors.

use super::Malformed;

/// A table: named fields by number, each of them optional.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    vtable: usize,
    vtable_len: usize,
}

/// A vector of 32-bit entries, its length checked against the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    start: usize,
    len: usize,
}

impl<'a> Table<'a> {
    /// The root table of a file.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::at(bytes, read_u32(bytes, 0)? as usize)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self, Malformed> {
        let distance = i64::from(read_u32(bytes, at)?.cast_signed());
        let vtable = i64::try_from(at).ok().and_then(|at| usize::try_from(at - distance).ok());
        let vtable = vtable.ok_or(Malformed::Offset)?;
        let vtable_len = usize::from(read_u16(bytes, vtable)?);
        Ok(Self { bytes, at, vtable, vtable_len })
    }

    /// Where the field lies, if it is present.
    fn field(&self, number: usize) -> Result<Option<usize>, Malformed> {
        let entry = 4 + 2 * number;
        if entry + 2 > self.vtable_len {
            return Ok(None);
        }
        let place = self.vtable.checked_add(entry).ok_or(Malformed::Offset)?;
        let distance = usize::from(read_u16(self.bytes, place)?);
        Ok((distance != 0).then_some(self.at + distance))
    }

    /// A signed byte; 0 when absent, as in the schema.
    pub(super) fn byte(&self, number: usize) -> Result<i8, Malformed> {
        let Some(at) = self.field(number)? else { return Ok(0) };
        self.bytes.get(at).map(|byte| byte.cast_signed()).ok_or(Malformed::Offset)
    }

    /// A 32-bit number; `default` when absent.
    pub(super) fn number(&self, number: usize, default: u32) -> Result<u32, Malformed> {
        self.field(number)?.map_or(Ok(default), |at| read_u32(self.bytes, at))
    }

    /// A table below this one, if it is present.
    pub(super) fn table(&self, number: usize) -> Result<Option<Self>, Malformed> {
        let Some(at) = self.field(number)? else { return Ok(None) };
        Self::at(self.bytes, follow(self.bytes, at)?).map(Some)
    }

    /// A vector of 32-bit numbers; empty when absent.
    pub(super) fn words(&self, number: usize) -> Result<Words<'a>, Malformed> {
        let (start, len) = self.vector(number, 4)?;
        Ok(Words { bytes: self.bytes, start, len })
    }

    /// A vector of bytes, or a text without its terminator; empty when absent.
    pub(super) fn octets(&self, number: usize) -> Result<&'a [u8], Malformed> {
        let (start, len) = self.vector(number, 1)?;
        self.bytes.get(start..start + len).ok_or(Malformed::Offset)
    }

    /// A vector of tables, none longer than `max`; empty when absent.
    pub(super) fn tables(&self, number: usize, max: usize) -> Result<Vec<Self>, Malformed> {
        let words = self.words(number)?;
        if words.len > max {
            return Err(Malformed::TooMany);
        }
        (0..words.len)
            .map(|index| Self::at(self.bytes, follow(self.bytes, words.start + 4 * index)?))
            .collect()
    }

    /// Start and length of a vector, whose entries of `size` bytes all lie in the file.
    fn vector(&self, number: usize, size: usize) -> Result<(usize, usize), Malformed> {
        let Some(at) = self.field(number)? else { return Ok((0, 0)) };
        let at = follow(self.bytes, at)?;
        let len = read_u32(self.bytes, at)? as usize;
        let start = at + 4;
        let end = len.checked_mul(size).and_then(|octets| octets.checked_add(start));
        if end.is_none_or(|end| end > self.bytes.len()) {
            return Err(Malformed::Offset);
        }
        Ok((start, len))
    }
}

impl Words<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The entries, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let bytes = self.bytes.get(self.start..self.start + 4 * self.len).unwrap_or_default();
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    }

    /// The only entry.
    pub(super) fn only(&self) -> Result<u32, Malformed> {
        let mut entries = self.iter();
        entries.next().filter(|_| self.len == 1).ok_or(Malformed::Arity)
    }
}

/// Where the offset at `at`, which counts from itself, leads.
fn follow(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    at.checked_add(read_u32(bytes, at)? as usize).ok_or(Malformed::Offset)
}

fn read_u32(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let end = at.checked_add(4).ok_or(Malformed::Offset)?;
    match bytes.get(at..end) {
        Some(&[a, b, c, d]) => Ok(u32::from_le_bytes([a, b, c, d])),
        _ => Err(Malformed::Offset),
    }
}

fn read_u16(bytes: &[u8], at: usize) -> Result<u16, Malformed> {
    let end = at.checked_add(2).ok_or(Malformed::Offset)?;
    match bytes.get(at..end) {
        Some(&[a, b]) => Ok(u16::from_le_bytes([a, b])),
        _ => Err(Malformed::Offset),
    }
}
