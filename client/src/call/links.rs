//! Addresses inside what people write, so that they can be followed.

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// To be read.
    Words(String),
    /// To be followed; begins with `http://` or `https://`, whatever the case.
    Link(String),
}

/// Cuts a text into words and addresses. Put together, the pieces are the text. Nothing but the two schemes of the web is
/// an address: what stands behind others is not to be opened by a click.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    while let Some(start) = next_scheme(rest) {
        let (before, from_scheme) = rest.split_at(start);
        let end = address_end(from_scheme);
        let (address, after) = from_scheme.split_at(end);
        words.push_str(before);
        if has_host(address) {
            if !words.is_empty() {
                pieces.push(Piece::Words(std::mem::take(&mut words)));
            }
            pieces.push(Piece::Link(address.to_owned()));
        } else {
            words.push_str(address);
        }
        rest = after;
    }
    words.push_str(rest);
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    pieces
}

/// Where an address begins: not in the middle of a word.
fn next_scheme(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let is_start = |at: &usize| !lower[..*at].ends_with(|c: char| c.is_alphanumeric());
    let found = |scheme| lower.match_indices(scheme).map(|(at, _)| at).find(is_start);
    [found("https://"), found("http://")].into_iter().flatten().min()
}

/// Up to white space or a quotation mark, without the punctuation of the sentence around it.
fn address_end(text: &str) -> usize {
    let ends =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '“' | '”' | '«' | '»');
    let mut address = &text[..text.find(ends).unwrap_or(text.len())];
    while let Some(last) = address.chars().next_back() {
        let is_loose = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…' => true,
            ')' => address.matches(')').count() > address.matches('(').count(),
            ']' => address.matches(']').count() > address.matches('[').count(),
            _ => false,
        };
        if !is_loose {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address.len()
}

fn has_host(address: &str) -> bool {
    let host = address.split_once("://").map_or("", |(_, rest)| rest);
    host.starts_with(|c: char| c.is_alphanumeric() || c == '[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        let found = pieces(text);
        let joined: String = found
            .iter()
            .map(|piece| match piece {
                Piece::Words(text) | Piece::Link(text) => text.as_str(),
            })
            .collect();
        assert_eq!(joined, text, "nothing is lost");
        found
            .into_iter()
            .filter_map(|piece| if let Piece::Link(link) = piece { Some(link) } else { None })
            .collect()
    }

    #[test]
    fn addresses_are_found_without_the_sentence_around_them() {
        assert_eq!(links("See https://example.org/a?b=c#d."), ["https://example.org/a?b=c#d"]);
        assert_eq!(
            links("(HTTP://example.org), and https://b.example!"),
            ["HTTP://example.org", "https://b.example"]
        );
        assert_eq!(
            links("https://en.example/wiki/Rust_(language)"),
            ["https://en.example/wiki/Rust_(language)"]
        );
        assert_eq!(links("äöü\nhttps://例え.example/ß\n"), ["https://例え.example/ß"]);
        assert_eq!(links("\"https://a.example\""), ["https://a.example"]);
    }

    #[test]
    fn nothing_else_can_be_clicked() {
        for text in [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "www.example.org",
            "https://",
            "http:// x",
            "xhttps://example.org",
            "ftp://example.org",
            "https://.",
        ] {
            assert_eq!(links(text), Vec::<String>::new(), "{text}");
        }
    }
}
