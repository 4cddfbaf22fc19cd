//! Rust source with what is not code taken out: rules about code must not stumble over prose, texts and tests.

/// A Rust file in two views of equal length, and which of its lines are test code.
#[derive(Debug)]
pub(super) struct Code {
    /// Comments and the inside of texts replaced by spaces.
    bare: String,
    /// Comments replaced by spaces.
    with_texts: String,
    /// For every line, whether it lies in an item marked `#[cfg(test)]`.
    is_test: Vec<bool>,
}

impl Code {
    /// Reads a Rust file. Never fails: on source that does not parse, the views are merely less exact.
    pub(super) fn read(source: &str) -> Self {
        let (bare, with_texts) = blank(source);
        let is_test = test_lines(&bare);
        Self { bare, with_texts, is_test }
    }

    /// The lines (counted from 1) outside tests where `path` is named, written out or in a `use` group:
    /// `std::fs` is found in `std::fs::read` and in `use std::{fs, io}`, not in `my_std::fs` or `std::fstab`.
    pub(super) fn names(&self, path: &str) -> Vec<usize> {
        self.names_anywhere(path).into_iter().filter(|line| !self.is_test_line(*line)).collect()
    }

    /// As [`Self::names`], tests included.
    pub(super) fn names_anywhere(&self, path: &str) -> Vec<usize> {
        let mut offsets = word_offsets(&self.bare, path);
        if let Some((module, name)) = path.rsplit_once("::") {
            for start in word_offsets(&self.bare, &format!("{module}::{{")) {
                let group = &self.bare[start + module.len() + 2..];
                let group = &group[..closing(group, '{', '}').unwrap_or(group.len())];
                let inside = word_offsets(group, name).into_iter();
                offsets.extend(inside.map(|offset| start + module.len() + 2 + offset));
            }
        }
        let mut lines: Vec<usize> = offsets.into_iter().map(|offset| self.line_of(offset)).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// Every attribute that starts with `name(`, as its line and its full text.
    pub(super) fn attributes(&self, name: &str) -> Vec<(usize, &str)> {
        let starts = word_offsets(&self.bare, &format!("{name}("));
        let in_attribute = starts.into_iter().filter(|start| {
            let line = self.bare[..*start].rsplit('\n').next().unwrap_or_default().trim_start();
            line.starts_with("#[") || line.starts_with("#![")
        });
        let with_end = in_attribute.map(|start| {
            let end = closing(&self.bare[start..], '(', ')').map_or(self.bare.len(), |length| start + length);
            (self.line_of(start), &self.with_texts[start..end])
        });
        with_end.collect()
    }

    /// Lines outside tests.
    pub(super) fn length(&self) -> usize {
        self.is_test.iter().filter(|is_test| !**is_test).count()
    }

    /// The code outside tests, comments and white space taken out: what a change of behaviour must change.
    pub(super) fn essence(&self) -> String {
        let lines = self.with_texts.lines().zip(&self.is_test).filter(|(_, is_test)| !**is_test);
        lines.flat_map(|(line, _)| line.split_whitespace()).collect()
    }

    /// The code with its texts, for rules with a grammar of their own.
    pub(super) fn with_texts(&self) -> &str {
        &self.with_texts
    }

    /// The line, counted from 1, of a byte offset.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.bare.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn is_test_line(&self, line: usize) -> bool {
        self.is_test.get(line - 1).copied().unwrap_or(false)
    }
}

/// Where `word` stands in `text` with no identifier character on either side.
fn word_offsets(text: &str, word: &str) -> Vec<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let open_end = word.ends_with(|c: char| !is_part(c));
    let stands_alone = |start: &usize| {
        let before = text[..*start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_part) && (open_end || !after.is_some_and(is_part))
    };
    text.match_indices(word).map(|(start, _)| start).filter(stands_alone).collect()
}

/// The offset just behind the bracket that closes the first `open` in `text`.
pub(super) fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close && depth > 0 {
            depth -= 1;
            if depth == 0 {
                return Some(offset + c.len_utf8());
            }
        }
    }
    None
}

fn test_lines(bare: &str) -> Vec<bool> {
    let mut is_test = vec![false; bare.lines().count()];
    let line_of = |offset: usize| bare.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count();
    for (start, attribute) in bare.match_indices("#[cfg(test)]") {
        let item = start + attribute.len();
        let Some(body) = bare[item..].find(['{', ';']).map(|length| item + length) else { continue };
        let length = if bare[body..].starts_with('{') { closing(&bare[body..], '{', '}') } else { Some(1) };
        let end = length.map_or(bare.len(), |length| body + length);
        let last = line_of(end).min(is_test.len().saturating_sub(1));
        is_test[line_of(start)..=last].fill(true);
    }
    is_test
}

/// The two views of [`Code`]: every removed byte becomes a space, line ends stay.
fn blank(source: &str) -> (String, String) {
    let mut bare = String::with_capacity(source.len());
    let mut with_texts = String::with_capacity(source.len());
    let mut rest = source;
    while !rest.is_empty() {
        let token = token(rest, bare.chars().next_back());
        let (text, after) = rest.split_at(token.length);
        bare.push_str(&if token.kind == Kind::Code { text.to_owned() } else { spaces(text) });
        with_texts.push_str(&if token.kind == Kind::Comment { spaces(text) } else { text.to_owned() });
        rest = after;
    }
    (bare, with_texts)
}

fn spaces(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    /// In bytes, at least one character.
    length: usize,
}

/// The next piece of `rest`, which is not empty; `before` is the last character of code in front of it.
fn token(rest: &str, before: Option<char>) -> Token {
    let until = |end: Option<usize>| end.unwrap_or(rest.len());
    if rest.starts_with("//") {
        return Token { kind: Kind::Comment, length: until(rest.find('\n')) };
    }
    if rest.starts_with("/*") {
        return Token { kind: Kind::Comment, length: block_comment_length(rest) };
    }
    if rest.starts_with('"') {
        return Token { kind: Kind::Text, length: quoted_length(rest, '"') };
    }
    let follows_identifier = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !follows_identifier && (rest.starts_with('r') || rest.starts_with("br")) {
        let opening = rest.trim_start_matches(['b', 'r']);
        let hashes = opening.len() - opening.trim_start_matches('#').len();
        if opening[hashes..].starts_with('"') {
            let end = format!("\"{}", &opening[..hashes]);
            let start = rest.len() - opening.len() + hashes + 1;
            let length = until(rest[start..].find(&end).map(|length| start + length + end.len()));
            return Token { kind: Kind::Text, length };
        }
    }
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut characters = inside.chars();
        let is_literal = characters.next() == Some('\\') || characters.next() == Some('\'');
        if is_literal {
            return Token { kind: Kind::Text, length: quoted_length(rest, '\'') };
        }
    }
    Token { kind: Kind::Code, length: rest.chars().next().map_or(0, char::len_utf8) }
}

/// Length of a text that starts with `quote`, escapes included.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return offset + 1;
        }
    }
    rest.len()
}

/// Length of a block comment; they nest.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut offset = 0;
    while let Some(next) = rest[offset..].find(['/', '*']) {
        let here = offset + next;
        if rest[here..].starts_with("/*") {
            depth += 1;
            offset = here + 2;
        } else if rest[here..].starts_with("*/") {
            depth -= 1;
            offset = here + 2;
            if depth == 0 {
                return offset;
            }
        } else {
            offset = here + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_naming(path: &str, source: &str) -> Vec<usize> {
        Code::read(source).names(path)
    }

    #[test]
    fn a_path_is_found_where_it_is_used_and_nowhere_else() {
        let source = "use std::fs;\nuse std::{\n  io,\n  fs::File,\n};\nmy_std::fs; std::fstab; std::io;\n";
        assert_eq!(lines_naming("std::fs", source), [1, 4]);
        assert_eq!(lines_naming("web_sys", "use web_sys_extra;\nweb_sys::window()"), [2]);
    }

    #[test]
    fn comments_and_texts_are_not_code() {
        let source = "// std::fs\n/* std::fs /* nested */ std::fs */\nlet a = \"std::fs \\\" std::fs\";\nlet b = r#\"\" std::fs\"#;\nstd::fs\n";
        assert_eq!(lines_naming("std::fs", source), [5]);
    }

    #[test]
    fn a_lifetime_does_not_open_a_text() {
        let source = "fn f<'a>(x: &'a str) -> char { '\"' }\nstd::fs\nlet q = '\\'';\nstd::fs\n";
        assert_eq!(lines_naming("std::fs", source), [2, 4]);
    }

    #[test]
    fn test_modules_are_apart() {
        let source = "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { std::fs }\n}\n#[cfg(test)]\nmod more;\nstd::fs\n";
        let code = Code::read(source);
        assert_eq!(code.names("std::fs"), [8]);
        assert_eq!(code.names_anywhere("std::fs"), [4, 8]);
        assert_eq!(code.length(), 2);
    }

    #[test]
    fn an_attribute_is_given_in_full() {
        let source =
            "#[allow(\n  dead_code,\n  reason = \"why\"\n)]\nlet allow = f.allow(1);\n#![allow(unused)]\n";
        let code = Code::read(source);
        let found = code.attributes("allow");
        assert_eq!(found.len(), 2);
        assert!(found[0].1.contains("reason = \"why\""));
        assert_eq!(found[1], (6, "allow(unused)"));
    }

    #[test]
    fn the_essence_ignores_comments_spaces_and_tests() {
        let one = "/// Says a.\nfn  f() { \"x y\" }\n#[cfg(test)]\nmod tests { }\n";
        let other = "fn f() {\n    \"x y\"\n}\n";
        assert_eq!(Code::read(one).essence(), Code::read(other).essence());
        assert_ne!(Code::read("fn f() {}").essence(), Code::read("fn g() {}").essence());
    }

    #[test]
    fn foreign_letters_do_not_shift_lines() {
        let source = "// ä – ö\nlet a = \"日本\";\nlet b = 'é';\nstd::fs\n";
        assert_eq!(lines_naming("std::fs", source), [4]);
    }
}
