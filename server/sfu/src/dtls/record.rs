//! The structure of a DTLS datagram, as far as it shows without keys (RFC 6347 §4.1 and §4.2.2).

use super::DtlsError;

/// A datagram whose records, and whose plaintext handshake fragments, are well-formed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Datagram<'a> {
    octets: &'a [u8],
}

/// One fragment of a plaintext handshake message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) message_type: u8,
    pub(super) message_seq: u16,
    /// Length of the whole message.
    pub(super) message_len: usize,
    pub(super) offset: usize,
    pub(super) data: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// # Errors
    /// [`DtlsError::Malformed`].
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, DtlsError> {
        let datagram = Self { octets };
        let mut parsed_len = 0;
        for record in datagram.records().take(RECORDS_MAX) {
            if !record.is_well_formed() {
                return Err(DtlsError::Malformed);
            }
            parsed_len += RECORD_HEADER_LEN + record.body.len();
        }
        if octets.is_empty() || parsed_len != octets.len() {
            return Err(DtlsError::Malformed);
        }
        Ok(datagram)
    }

    pub(super) fn octets(&self) -> &'a [u8] {
        self.octets
    }

    pub(super) fn record_count(&self) -> usize {
        self.records().count()
    }

    /// The plaintext handshake fragments.
    pub(super) fn fragments(&self) -> impl Iterator<Item = Fragment<'a>> + use<'a> {
        self.records().filter(Record::is_plain_handshake).flat_map(|record| Fragments { rest: record.body })
    }

    /// Whether the end of a ClientHello is in it.
    pub(super) fn ends_client_hello(&self) -> bool {
        self.fragments().any(|fragment| {
            fragment.message_type == CLIENT_HELLO
                && fragment.offset + fragment.data.len() == fragment.message_len
        })
    }

    fn records(&self) -> Records<'a> {
        Records { rest: self.octets }
    }
}

/// Walks records and stops at the first that does not fit.
struct Records<'a> {
    rest: &'a [u8],
}

struct Record<'a> {
    content_type: u8,
    version: [u8; 2],
    epoch: u16,
    body: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (header, rest) = self.rest.split_at_checked(RECORD_HEADER_LEN)?;
        let (body, rest) = rest.split_at_checked(be16(header, 11))?;
        self.rest = rest;
        let epoch = be16(header, 3) as u16;
        Some(Record { content_type: header[0], version: [header[1], header[2]], epoch, body })
    }
}

impl Record<'_> {
    fn is_plain_handshake(&self) -> bool {
        self.epoch == 0 && self.content_type == HANDSHAKE
    }

    fn is_well_formed(&self) -> bool {
        let is_plain = self.epoch == 0;
        let is_body_good = match self.content_type {
            CHANGE_CIPHER_SPEC => !is_plain || self.body == [1],
            ALERT => !is_plain || self.body.len() == 2,
            HANDSHAKE => !is_plain || self.are_fragments_well_formed(),
            APPLICATION_DATA => !is_plain,
            _ => false,
        };
        (self.version == DTLS_1_0 || self.version == DTLS_1_2) && !self.body.is_empty() && is_body_good
    }

    fn are_fragments_well_formed(&self) -> bool {
        let mut fragments = Fragments { rest: self.body };
        let fit = fragments.by_ref().all(|fragment| {
            fragment.message_len <= MESSAGE_LEN_MAX
                && fragment.offset + fragment.data.len() <= fragment.message_len
                && (!fragment.data.is_empty() || fragment.message_len == 0)
        });
        fit && fragments.rest.is_empty()
    }
}

/// Walks the fragments of a handshake record and stops at the first that does not fit.
struct Fragments<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Fragment<'a>;

    fn next(&mut self) -> Option<Fragment<'a>> {
        let (header, rest) = self.rest.split_at_checked(FRAGMENT_HEADER_LEN)?;
        let (data, rest) = rest.split_at_checked(be24(header, 9))?;
        self.rest = rest;
        Some(Fragment {
            message_type: header[0],
            message_seq: be16(header, 4) as u16,
            message_len: be24(header, 1),
            offset: be24(header, 6),
            data,
        })
    }
}

fn be16(octets: &[u8], at: usize) -> usize {
    usize::from(octets[at]) << 8 | usize::from(octets[at + 1])
}

fn be24(octets: &[u8], at: usize) -> usize {
    usize::from(octets[at]) << 16 | be16(octets, at + 1)
}

/// Handshake message type of ClientHello.
pub(super) const CLIENT_HELLO: u8 = 1;

/// Record content type of handshake messages.
pub(super) const HANDSHAKE: u8 = 22;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const APPLICATION_DATA: u8 = 23;

const DTLS_1_0: [u8; 2] = [0xfe, 0xff];
const DTLS_1_2: [u8; 2] = [0xfe, 0xfd];

const RECORD_HEADER_LEN: usize = 13;
const FRAGMENT_HEADER_LEN: usize = 12;

/// Records in one datagram: a client's last flight has five.
const RECORDS_MAX: usize = 16;

/// Longest handshake message: a certificate chain fits, a memory filler does not.
const MESSAGE_LEN_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content_type: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut octets = vec![content_type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 7];
        octets.extend((body.len() as u16).to_be_bytes());
        octets.extend(body);
        octets
    }

    fn fragment(message_len: u8, offset: u8, len: u8) -> Vec<u8> {
        let mut octets = vec![1, 0, 0, message_len, 0, 0, 0, 0, offset, 0, 0, len];
        octets.extend(std::iter::repeat_n(9, usize::from(len)));
        octets
    }

    fn is_well_formed(octets: &[u8]) -> bool {
        Datagram::parse(octets).is_ok()
    }

    #[test]
    fn only_well_formed_records_are_accepted() {
        assert!(is_well_formed(&record(20, 0, &[1])));
        assert!(!is_well_formed(&record(20, 0, &[2])));
        assert!(is_well_formed(&record(21, 0, &[1, 0])));
        assert!(!is_well_formed(&record(21, 0, &[1])));
        assert!(is_well_formed(&record(23, 1, &[0])));
        assert!(!is_well_formed(&record(23, 0, &[0])), "application data is never plain");
        assert!(!is_well_formed(&record(26, 0, &[0])), "no DTLS 1.3");
        assert!(!is_well_formed(&record(22, 1, &[])));
        assert!(!is_well_formed(&[]));
        assert!(is_well_formed(&record(21, 0, &[1, 0]).repeat(RECORDS_MAX)));
        assert!(!is_well_formed(&record(21, 0, &[1, 0]).repeat(RECORDS_MAX + 1)));
    }

    #[test]
    fn only_fragments_inside_their_message_are_accepted() {
        assert!(is_well_formed(&record(22, 0, &fragment(9, 0, 9))));
        assert!(is_well_formed(&record(22, 0, &fragment(9, 4, 5))));
        assert!(is_well_formed(&record(22, 0, &fragment(0, 0, 0))));
        assert!(!is_well_formed(&record(22, 0, &fragment(9, 4, 6))));
        assert!(!is_well_formed(&record(22, 0, &fragment(9, 4, 0))), "an empty fragment brings nothing");
        assert!(!is_well_formed(&record(22, 0, &fragment(9, 0, 9)[..20])));
        assert!(!is_well_formed(&record(22, 0, &[&fragment(9, 0, 9)[..], &[1]].concat())));
    }

    #[test]
    fn the_end_of_a_client_hello_is_seen() {
        let ends = |body: &[u8]| Datagram::parse(&record(22, 0, body)).unwrap().ends_client_hello();
        assert!(ends(&fragment(9, 0, 9)));
        assert!(ends(&fragment(9, 4, 5)));
        assert!(!ends(&fragment(9, 0, 8)));
    }

    proptest! {
        #[test]
        fn arbitrary_and_truncated_datagrams_never_panic(
            body in proptest::collection::vec(any::<u8>(), 0..60), cut in 0_usize..100, raw: bool
        ) {
            let octets = if raw { body } else { record(22, 0, &body) };
            let octets = &octets[..cut.min(octets.len())];
            if let Ok(datagram) = Datagram::parse(octets) {
                let total: usize = datagram.fragments().map(|fragment| fragment.data.len()).sum();
                prop_assert!(total <= octets.len());
            }
        }
    }
}
