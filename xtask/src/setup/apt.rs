//! Reading the machine's own apt configuration: which mirror it trusts, and with which key.

/// Where the machine gets Debian from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    /// The address of the mirror, without a trailing slash.
    pub(super) address: String,
    /// The key ring file the machine checks it with, when the source names one.
    pub(super) key_ring: Option<String>,
}

/// Whether `/etc/os-release` is Debian's own (not a derivative: those have other package versions).
pub(super) fn is_debian(os_release: &str) -> bool {
    os_release_value(os_release, "ID") == Some("debian")
}

/// Debian's code name from `/etc/os-release`, for instance `bookworm`.
pub(super) fn code_name(os_release: &str) -> Option<&str> {
    os_release_value(os_release, "VERSION_CODENAME")
}

/// The first archive in `sources` (file name and text each) that carries the suite `code_name`, component `main`.
/// Both formats are read: deb822 (`*.sources`) and one line (`*.list`).
pub(super) fn archive(sources: &[(String, String)], code_name: &str) -> Option<Archive> {
    let stanzas = sources.iter().flat_map(|(name, text)| {
        if name.ends_with(".sources") { parse_deb822(text) } else { parse_one_line(text) }
    });
    stanzas.into_iter().find(|stanza| stanza.carries(code_name)).map(|stanza| Archive {
        address: stanza.address.trim_end_matches('/').to_owned(),
        key_ring: stanza.key_ring,
    })
}

#[derive(Debug, Default)]
struct Stanza {
    is_binary: bool,
    is_enabled: bool,
    address: String,
    suites: Vec<String>,
    components: Vec<String>,
    key_ring: Option<String>,
}

impl Stanza {
    fn carries(&self, code_name: &str) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|entry| entry == word);
        self.is_binary && self.is_enabled && has(&self.suites, code_name) && has(&self.components, "main")
    }
}

/// sources.list(5), "deb822-style format": stanzas of `Field: value`, continued by indented lines.
fn parse_deb822(text: &str) -> Vec<Stanza> {
    let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let stanzas = without_comments.split(|line| line.trim().is_empty()).filter(|lines| !lines.is_empty());
    stanzas.map(parse_deb822_stanza).collect()
}

fn parse_deb822_stanza(lines: &[&str]) -> Stanza {
    let mut stanza = Stanza { is_enabled: true, ..Stanza::default() };
    for line in lines.iter().filter(|line| !line.starts_with([' ', '\t'])) {
        let Some((field, value)) = line.split_once(':') else { continue };
        let words = || value.split_whitespace().map(str::to_owned);
        match field.trim().to_ascii_lowercase().as_str() {
            "types" => stanza.is_binary = words().any(|word| word == "deb"),
            "enabled" => stanza.is_enabled = value.trim() != "no",
            "uris" => stanza.address = words().next().unwrap_or_default(),
            "suites" => stanza.suites = words().collect(),
            "components" => stanza.components = words().collect(),
            // A key may also stand here in full: only a file can be pointed at.
            "signed-by" => stanza.key_ring = words().next().filter(|word| word.starts_with('/')),
            _ => {}
        }
    }
    stanza
}

/// sources.list(5), "one-line-style format": `deb [option=value …] address suite component …`.
fn parse_one_line(text: &str) -> Vec<Stanza> {
    text.lines().filter_map(parse_one_line_entry).collect()
}

fn parse_one_line_entry(line: &str) -> Option<Stanza> {
    let entry = line.split('#').next()?.trim().strip_prefix("deb")?;
    let mut rest = entry.strip_prefix([' ', '\t'])?.trim_start();
    let mut key_ring = None;
    if let Some((options, after)) = rest.strip_prefix('[').and_then(|options| options.split_once(']')) {
        key_ring = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Stanza {
        is_binary: true,
        is_enabled: true,
        address: words.next()?,
        suites: vec![words.next()?],
        components: words.collect(),
        key_ring: key_ring.map(str::to_owned),
    })
}

fn os_release_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Option<Archive> {
        archive(&[(name.to_owned(), text.to_owned())], "bookworm")
    }

    #[test]
    fn a_deb822_source_gives_its_mirror_and_key_ring() {
        let text = "\
Types: deb
# a comment inside
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb deb-src
URIs: http://mirror.example/debian/ http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg
";
        let archive = found("debian.sources", text).unwrap();
        assert_eq!(archive.address, "http://mirror.example/debian");
        assert_eq!(archive.key_ring.as_deref(), Some("/usr/share/keyrings/archive.gpg"));
    }

    #[test]
    fn a_one_line_source_gives_its_mirror_and_key_ring() {
        let text = "\
# deb http://old.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb http://mirror.example/security bookworm-security main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main # ours
";
        let archive = found("sources.list", text).unwrap();
        assert_eq!(archive.address, "http://mirror.example/debian");
        assert_eq!(archive.key_ring.as_deref(), Some("/k.gpg"));
    }

    #[test]
    fn other_peoples_archives_are_passed_over() {
        assert_eq!(found("x.list", "deb https://tools.example/apt bookworm stable"), None);
        assert_eq!(found("x.list", "deb https://tools.example/apt tools-bookworm main"), None);
        let disabled =
            "Types: deb\nEnabled: no\nURIs: http://m.example\nSuites: bookworm\nComponents: main\n";
        assert_eq!(found("x.sources", disabled), None);
        assert_eq!(found("x.list", "deb"), None);
    }

    #[test]
    fn a_key_written_out_in_full_is_no_key_ring_file() {
        let text = "Types: deb\nURIs: http://m.example\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(found("x.sources", text).unwrap().key_ring, None);
    }

    #[test]
    fn the_system_is_recognised_by_its_release_file() {
        let debian = "PRETTY_NAME=\"Debian\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert!(is_debian(debian));
        assert_eq!(code_name(debian), Some("bookworm"));
        assert!(!is_debian("ID=ubuntu\nID_LIKE=debian\n"));
    }
}
