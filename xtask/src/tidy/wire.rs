//! The prose of the wire in step with its types: a change of one without the other fails.

use super::Finding;
use super::code::{Code, closing};
use super::tree::{File, Tree};

const FOLDER: &str = "shared/src/protocol";
const PROSE: &str = "shared/PROTOCOL.md";
const MARK: &str = "<!-- protocol types: ";
const RULE: &str = "protocol";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let types: Vec<(&File, Code)> =
        tree.rust().filter(|(file, _)| file.path.starts_with(FOLDER) && !file.is_test()).collect();
    if types.is_empty() {
        return Vec::new();
    }
    let Some(prose) = tree.text(PROSE) else {
        let text = format!("the protocol has types and no prose: describe every message in {PROSE}");
        return vec![Finding::new(PROSE, 0, RULE, text)];
    };
    let mut findings = missing_kinds(&types, prose);
    let expected = format!("{MARK}{:016x} -->", hash(&types));
    if !prose.lines().any(|line| line == expected) {
        let text = format!(
            "the types in {FOLDER} have changed since this was last read against them: read it, mend it, then put \
             this line in place of its mark:\n    {expected}"
        );
        findings.push(Finding::new(PROSE, mark_line(prose), RULE, text));
    }
    findings
}

fn mark_line(prose: &str) -> usize {
    prose.lines().position(|line| line.starts_with(MARK)).map_or(0, |index| index + 1)
}

/// Every name that an enum puts on the wire must stand in the prose as code: `name` or "name".
fn missing_kinds(types: &[(&File, Code)], prose: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in types {
        for (line, name) in wire_names(code) {
            if !prose.contains(&format!("`{name}`")) && !prose.contains(&format!("\"{name}\"")) {
                let text =
                    format!("`{name}` goes over the wire and does not stand in {PROSE}: describe it there");
                findings.push(Finding::new(&file.path, line, RULE, text));
            }
        }
    }
    findings
}

/// The variants of every enum with `rename_all = "snake_case"`, as they are written on the wire.
fn wire_names(code: &Code) -> Vec<(usize, String)> {
    let text = code.with_texts();
    let mut names = Vec::new();
    for (start, _) in text.match_indices("rename_all = \"snake_case\"") {
        let Some(header) = text[start..].find('{').map(|length| &text[start..start + length]) else {
            continue;
        };
        if !header.contains("enum ") || header.contains("struct ") {
            continue;
        }
        let body = start + header.len();
        let end = closing(&text[body..], '{', '}').map_or(text.len(), |length| body + length);
        let variants = variants(&text[body + 1..end]).into_iter();
        names.extend(variants.map(|(offset, name)| (code.line_of(body + 1 + offset), snake_case(name))));
    }
    names
}

/// The names at the top level of an enum's body, with their offsets. One that serde takes for unknown names is no name.
fn variants(body: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut is_expected = true;
    let mut is_catch_all = false;
    let mut offset = 0;
    while let Some(c) = body[offset..].chars().next() {
        let rest = &body[offset..];
        let mut length = c.len_utf8();
        match c {
            '#' if depth == 0 => {
                length = closing(rest, '[', ']').unwrap_or(rest.len());
                is_catch_all = rest[..length].contains("serde(other)");
            }
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => is_expected = true,
            _ if depth == 0 && is_expected && c.is_alphabetic() => {
                length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                if !is_catch_all {
                    found.push((offset, &rest[..length]));
                }
                (is_expected, is_catch_all) = (false, false);
            }
            _ => {}
        }
        offset += length;
    }
    found
}

/// As serde writes it: `SlotMap` becomes `slot_map`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (index, c) in name.char_indices() {
        if c.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// FNV-1a, 64 bits: stable between compilers and machines. Comments and layout of the code play no part.
fn hash(types: &[(&File, Code)]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (file, code) in types {
        for byte in file.path.bytes().chain([0]).chain(code.essence().bytes()).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &str = "\
/// A message.
#[derive(Serialize)]
#[serde(tag = \"type\", rename_all = \"snake_case\")]
pub enum Message {
    /// Hello, World.
    Hello(Hello),
    SlotMap { slots: Vec<Slot>, Size: u8 },
    #[serde(default)]
    Leave,
    #[serde(other)]
    Unknown,
}
";

    fn found(types: &str, prose: &str) -> Vec<Finding> {
        check(&Tree::of(&[("shared/src/protocol/mod.rs", types), (PROSE, prose)]))
    }

    /// The mark that tidy asks for, taken from its finding.
    fn mark(types: &str) -> String {
        let findings = found(types, "");
        findings
            .iter()
            .find_map(|finding| finding.text.lines().last()?.trim().strip_prefix("<!--"))
            .map(|rest| format!("<!--{rest}"))
            .unwrap()
    }

    #[test]
    fn the_names_on_the_wire_are_the_variants_in_snake_case() {
        let names: Vec<_> = wire_names(&Code::read(TYPES)).into_iter().collect();
        assert_eq!(names, [(6, "hello".to_owned()), (7, "slot_map".to_owned()), (9, "leave".to_owned())]);
    }

    #[test]
    fn prose_with_every_name_and_the_mark_is_in_step() {
        let prose = format!("`hello` \"slot_map\" `leave`\n\n{}\n", mark(TYPES));
        assert_eq!(found(TYPES, &prose), []);
    }

    #[test]
    fn a_name_that_the_prose_does_not_know_is_found() {
        let prose = format!("`hello` `leave`\n{}\n", mark(TYPES));
        let findings = found(TYPES, &prose);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].text.contains("`slot_map`"));
    }

    #[test]
    fn changed_types_ask_for_a_new_mark_and_changed_comments_do_not() {
        let prose = format!("`hello` `slot_map` `leave`\n{}\n", mark(TYPES));
        assert_eq!(found(&TYPES.replace("u8", "u16"), &prose)[0].line, 2);
        assert_eq!(found(&TYPES.replace("Hello, World.", "Hi."), &prose), []);
    }

    #[test]
    fn types_without_prose_are_found() {
        let findings = check(&Tree::of(&[("shared/src/protocol/mod.rs", TYPES)]));
        assert_eq!(findings.len(), 1);
        assert_eq!(check(&Tree::of(&[("shared/src/lib.rs", TYPES)])), []);
    }
}
