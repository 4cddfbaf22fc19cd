//! Where things stand: the names at the top, one folder a crate, module names that say something.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Finding;
use super::tree::{File, Tree};

/// The only names at the top of the tree. Whatever else there is belongs below one of them.
const TOP_LEVEL: [&str; 26] = [
    ".cargo",
    ".ci",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".npmrc",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "Trunk.toml",
    "client",
    "clippy.toml",
    "deny.toml",
    "deploy",
    "package-lock.json",
    "package.json",
    "rustfmt.toml",
    "server",
    "shared",
    "static",
];
/// Names at the top that hold no part of the product.
const TOP_LEVEL_SUPPORT: [&str; 2] = ["tests", "xtask"];

/// Files without which nobody may use the project.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Module names that say nothing about what is in them.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "manager", "misc", "util", "utils"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = top_level(tree);
    findings.extend(licences(tree));
    findings.extend(members(tree));
    findings.extend(module_names(tree));
    findings.extend(nested_clippy(tree));
    findings
}

fn top_level(tree: &Tree) -> Vec<Finding> {
    let names: BTreeSet<&str> = tree.files().iter().filter_map(|file| file.path.split('/').next()).collect();
    let is_allowed = |name: &&str| TOP_LEVEL.contains(name) || TOP_LEVEL_SUPPORT.contains(name);
    let unknown = names.into_iter().filter(|name| !is_allowed(name));
    let text = "this name is not among those allowed at the top; put it into the folder of its layer";
    unknown.map(|name| Finding::new(name, 0, "top-level", text)).collect()
}

fn licences(tree: &Tree) -> Vec<Finding> {
    let missing = LICENCES.iter().filter(|name| tree.text(name).is_none_or(str::is_empty));
    missing
        .map(|name| Finding::new(name, 0, "licence", "the licence text is missing: bring it back"))
        .collect()
}

/// Every crate is a member under its folder's name, no deeper than two folders, below a virtual root.
fn members(tree: &Tree) -> Vec<Finding> {
    const RULE: &str = "members";
    let Some(Ok(root)) = tree.text("Cargo.toml").map(str::parse::<Table>) else {
        return vec![Finding::new("Cargo.toml", 0, RULE, "the root manifest is missing or unreadable")];
    };
    let mut findings = Vec::new();
    if root.contains_key("package") {
        let text =
            "the root is a virtual workspace: a package here would turn tests/ into its integration tests";
        findings.push(Finding::new("Cargo.toml", 0, RULE, text));
    }
    let listed = |key: &str| -> BTreeSet<String> {
        let list = root.get("workspace").and_then(|workspace| workspace.get(key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (members, excluded) = (listed("members"), listed("exclude"));
    let manifests: Vec<(&File, &str)> = tree
        .files()
        .iter()
        .filter_map(|file| Some((file, file.path.strip_suffix("/Cargo.toml")?)))
        .filter(|(_, folder)| !excluded.contains(*folder))
        .collect();
    for member in &members {
        if !manifests.iter().any(|(_, folder)| folder == member) {
            let text = format!("the member `{member}` has no folder with a Cargo.toml: remove it");
            findings.push(Finding::new("Cargo.toml", 0, RULE, text));
        }
    }
    for (file, folder) in manifests {
        if !members.contains(folder) {
            let text = "this crate is neither a member nor excluded: list it in the root's Cargo.toml";
            findings.push(Finding::new(&file.path, 0, RULE, text));
        }
        if folder.split('/').count() > 2 {
            findings.push(Finding::new(
                &file.path,
                0,
                RULE,
                "crates lie at most two folders deep: move it up",
            ));
        }
        let directory = folder.rsplit('/').next().unwrap_or(folder);
        if package_name(&file.text).as_deref() != Some(directory) {
            let text = format!("the package must be called `{directory}`, as its folder is");
            findings.push(Finding::new(&file.path, 0, RULE, text));
        }
    }
    findings
}

fn package_name(manifest: &str) -> Option<String> {
    let manifest = manifest.parse::<Table>().ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

fn module_names(tree: &Tree) -> Vec<Finding> {
    const TEXT: &str = "this name does not say what is in it: name the thing it holds";
    let is_empty = |name: &str| EMPTY_NAMES.contains(&name.rsplit('_').next().unwrap_or(name));
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        let segments = file.path.trim_end_matches(".rs").split('/');
        if segments.clone().any(is_empty) {
            findings.push(Finding::new(&file.path, 0, "module-name", TEXT));
        }
        for name in EMPTY_NAMES {
            let inline = code.names_anywhere(&format!("mod {name}")).into_iter();
            findings.extend(inline.map(|line| Finding::new(&file.path, line, "module-name", TEXT)));
        }
    }
    findings
}

/// Clippy reads the nearest `clippy.toml` alone: one further down silently drops the root's rules it does not repeat.
fn nested_clippy(tree: &Tree) -> Vec<Finding> {
    let Some(Ok(root)) = tree.text("clippy.toml").map(str::parse::<Table>) else {
        return vec![Finding::new(
            "clippy.toml",
            0,
            "clippy",
            "the root's clippy.toml is missing or unreadable",
        )];
    };
    let nested =
        tree.files().iter().filter(|file| file.name() == "clippy.toml" && file.path != "clippy.toml");
    nested.flat_map(|file| lost_settings(&root, file)).collect()
}

fn lost_settings(root: &Table, file: &File) -> Vec<Finding> {
    let Ok(own) = file.text.parse::<Table>() else {
        return vec![Finding::new(&file.path, 0, "clippy", "this file is not TOML")];
    };
    let is_kept = |key: &str, value: &Value| match (value, own.get(key)) {
        (Value::Array(wanted), Some(Value::Array(found))) => wanted.iter().all(|entry| found.contains(entry)),
        (wanted, found) => found == Some(wanted),
    };
    let lost = root.iter().filter(|(key, value)| !is_kept(key, value));
    let text = |key: &str| {
        format!("Clippy reads the nearest file only, so the root's `{key}` is lost here: repeat it")
    };
    lost.map(|(key, _)| Finding::new(&file.path, 0, "clippy", text(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace]\nmembers = [\"shared\"]\nexclude = [\"tests/fuzz\"]\n";
    const SHARED: &str = "[package]\nname = \"shared\"\n";

    fn with(more: &[(&str, &str)]) -> Vec<String> {
        let mut files = vec![("LICENSE-APACHE", "a"), ("LICENSE-MIT", "m"), ("clippy.toml", "a = true\n")];
        files.extend([("Cargo.toml", ROOT), ("shared/Cargo.toml", SHARED)]);
        files.retain(|(path, _)| !more.iter().any(|(other, _)| other == path));
        files.extend(more);
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    fn finds(more: &[(&str, &str)], expected: &str) {
        let found = with(more);
        assert!(found.iter().any(|finding| finding.contains(expected)), "{expected:?} is not in {found:#?}");
    }

    #[test]
    fn a_tree_that_follows_the_rules_has_no_findings() {
        assert_eq!(with(&[("tests/fuzz/Cargo.toml", "[package]\nname = \"other\"\n")]), Vec::<String>::new());
    }

    #[test]
    fn a_new_name_at_the_top_is_found() {
        finds(&[("docs/guide.md", "")], "docs: [top-level]");
    }

    #[test]
    fn a_missing_licence_is_found() {
        finds(&[("LICENSE-MIT", "")], "LICENSE-MIT: [licence]");
    }

    #[test]
    fn a_crate_that_is_no_member_misnamed_or_too_deep_is_found() {
        finds(
            &[("server/Cargo.toml", "[package]\nname = \"server\"\n")],
            "server/Cargo.toml: [members] this crate",
        );
        finds(&[("shared/Cargo.toml", "[package]\nname = \"base\"\n")], "must be called `shared`");
        finds(&[("server/a/b/Cargo.toml", "[package]\nname = \"b\"\n")], "at most two folders");
        finds(&[("Cargo.toml", "[workspace]\nmembers = [\"gone\"]\n")], "`gone` has no folder");
        finds(&[("Cargo.toml", "[package]\nname = \"x\"\n")], "virtual workspace");
    }

    #[test]
    fn a_module_name_that_says_nothing_is_found() {
        finds(&[("shared/src/utils.rs", "")], "shared/src/utils.rs: [module-name]");
        finds(&[("shared/src/room_manager/mod.rs", "")], "room_manager/mod.rs: [module-name]");
        finds(&[("shared/src/lib.rs", "fn f() {}\nmod helpers {}\n")], "lib.rs:2: [module-name]");
    }

    #[test]
    fn a_nested_clippy_file_that_drops_a_rule_is_found() {
        finds(&[("shared/clippy.toml", "b = 1\n")], "root's `a` is lost");
        let root = ("clippy.toml", "list = [\"x\", \"y\"]\n");
        finds(&[root, ("shared/clippy.toml", "list = [\"x\"]\n")], "root's `list` is lost");
        assert_eq!(
            with(&[root, ("shared/clippy.toml", "list = [\"y\", \"x\", \"z\"]\n")]),
            Vec::<String>::new()
        );
    }
}
