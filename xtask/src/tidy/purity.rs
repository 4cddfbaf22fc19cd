//! Layers inside the source: pure crates name nothing that touches the world, the page is named in one folder only,
//! and the wire stays out of the forwarder.

use super::Finding;
use super::tree::Tree;

/// The folders of the pure crates.
const PURE_FOLDERS: [&str; 8] = [
    "shared/src/",
    "client/deep_filter/src/",
    "client/denoise/src/",
    "client/effects/src/",
    "client/engine/src/",
    "client/lanes/src/",
    "server/sfu/src/",
    "server/src/meeting/",
];

/// What touches the world, and what stands in its place in pure code.
const IMPURE: [(&str, &str); 18] = [
    ("Instant::now", "take `now` as an argument"),
    ("SystemTime", "take the time as an argument"),
    ("UdpSocket", "return what is to be sent as an output"),
    ("TcpStream", "return what is to be sent as an output"),
    ("TcpListener", "sockets belong to the server's shell"),
    ("std::thread", "threads belong to the shell"),
    ("thread::spawn", "threads belong to the shell"),
    ("thread::sleep", "return a timeout as an output"),
    ("thread_local", "keep state in the value that owns it"),
    ("std::fs", "files belong to the shell"),
    ("std::env", "take settings as arguments"),
    ("std::process", "processes belong to the shell"),
    ("thread_rng", "take randomness as an argument"),
    ("rand::rng", "take randomness as an argument"),
    ("OsRng", "take randomness as an argument"),
    ("SystemRandom", "take randomness as an argument"),
    ("getrandom", "take randomness as an argument"),
    ("tokio", "pure code does not wait: it is asked and answers"),
];

/// The folders that end up in the browser.
const BROWSER_FOLDERS: [&str; 2] = ["client/", "shared/"];
/// What stands for the browser's page.
const PAGE: [&str; 3] = ["web_sys", "js_sys", "wasm_bindgen"];
/// The only places that name the page: the platform layer, and the start of the program.
const PAGE_PLACES: [&str; 2] = ["client/src/platform", "client/src/main.rs"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        if PURE_FOLDERS.iter().any(|folder| file.path.starts_with(folder)) && !file.is_test() {
            for (path, remedy) in IMPURE {
                let text = format!("pure code names `{path}`: {remedy}");
                findings.extend(
                    code.names(path)
                        .into_iter()
                        .map(|line| Finding::new(&file.path, line, "purity", text.as_str())),
                );
            }
        }
        if file.path.starts_with("server/sfu/") {
            let text = "the forwarder does not know the wire: use `shared::{identity, media, limits}`, and let the \
                        server's signaling translate";
            let lines = code.names_anywhere("shared::protocol").into_iter();
            findings.extend(lines.map(|line| Finding::new(&file.path, line, "wire-at-the-edge", text)));
        }
        let is_below = |folders: &[&str]| folders.iter().any(|folder| file.path.starts_with(folder));
        if is_below(&BROWSER_FOLDERS) && !is_below(&PAGE_PLACES) {
            for name in PAGE {
                let text = format!(
                    "`{name}` is named outside client/src/platform: give the platform a function for it"
                );
                findings.extend(
                    code.names_anywhere(name)
                        .into_iter()
                        .map(|line| Finding::new(&file.path, line, "platform", text.as_str())),
                );
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, source: &str) -> Vec<String> {
        check(&Tree::of(&[(path, source)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pure_code_that_reads_the_clock_is_found() {
        let findings =
            found("server/sfu/src/peer.rs", "use std::time::Instant;\nlet now = Instant::now();\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("server/sfu/src/peer.rs:2: [purity]"), "{findings:?}");
    }

    #[test]
    fn every_way_out_of_pure_code_is_found() {
        for (path, _) in IMPURE {
            let findings = found("client/engine/src/lib.rs", &format!("fn f() {{ {path}(); }}\n"));
            assert!(!findings.is_empty(), "{path}");
        }
    }

    #[test]
    fn shells_and_tests_may_touch_the_world() {
        assert_eq!(found("server/src/media/clock.rs", "Instant::now()"), Vec::<String>::new());
        assert_eq!(found("server/sfu/src/ice/tests.rs", "Instant::now()"), Vec::<String>::new());
        let inline = "#[cfg(test)]\nmod tests { fn f() { Instant::now() } }\n";
        assert_eq!(found("server/sfu/src/ice.rs", inline), Vec::<String>::new());
    }

    #[test]
    fn the_forwarder_may_not_name_the_wire() {
        assert_eq!(found("server/sfu/src/room.rs", "use shared::{media, protocol::Want};\n").len(), 1);
        assert_eq!(found("server/sfu/src/room.rs", "use shared::media;\n"), Vec::<String>::new());
        assert_eq!(found("server/src/signaling/session.rs", "use shared::protocol;\n"), Vec::<String>::new());
    }

    #[test]
    fn the_page_is_named_in_the_platform_layer_only() {
        assert_eq!(found("client/src/ui/tile.rs", "use web_sys::HtmlVideoElement;\n").len(), 1);
        assert_eq!(
            found("client/src/platform/peer.rs", "use web_sys::RtcPeerConnection;\n"),
            Vec::<String>::new()
        );
        assert_eq!(found("client/src/main.rs", "wasm_bindgen::throw_str(\"\")"), Vec::<String>::new());
    }
}
