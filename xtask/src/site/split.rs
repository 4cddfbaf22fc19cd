//! Splits the program that Trunk has built: what the first view needs, and the meeting, which arrives later. The parts are
//! told apart by the linker's notes (see `client/src/session/late.rs`); this only calls the tools in their order, gives the
//! files names that tell their content, and puts these into the document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256, Sha384};

use crate::process;
use crate::setup::tool::CargoTool;
use crate::workspace::Workspace;

/// What the linker made, with its notes.
const LINKED: &str = "target/wasm32-unknown-unknown/wasm-release/client.wasm";
/// What the tools call their files.
const STEM: &str = "client";
/// The script that loads the parts, as the tool names it.
const LOADER: &str = "__wasm_split.js";
/// What comes before the name of a part, as the tool names it.
const PART: &str = "split_";
/// What every browser has that the program runs in; nothing newer may come in through the optimiser.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Replaces the program in `dist` by its parts, optimised for size.
pub(super) fn split(workspace: &Workspace, dist: &Path) -> Result<()> {
    let folder = workspace.root.join("target/site-parts");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    let parts = Parts { linked: folder.join("linked"), bound: folder.join("bound") };
    for folder in [&parts.linked, &parts.bound] {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    parts.separate(workspace)?;
    parts.bind(workspace)?;
    parts.optimise(workspace)?;
    let name = parts.name()?;
    parts.lay_out(dist, &name)
}

/// Folders with what the tools make.
struct Parts {
    linked: PathBuf,
    bound: PathBuf,
}

impl Parts {
    fn separate(&self, workspace: &Workspace) -> Result<()> {
        let tool = CargoTool::wasm_split(workspace)?;
        let mut command = Command::new(tool.executable(workspace));
        command.arg(workspace.root.join(LINKED)).arg(&self.linked).args(["--out-name", STEM]);
        process::run(&mut command)
    }

    /// Makes the script for the first part, which passes on to the others what they share.
    fn bind(&self, workspace: &Workspace) -> Result<()> {
        let tool = CargoTool::wasm_bindgen(workspace)?;
        let mut command = Command::new(tool.executable(workspace));
        command
            .args([
                "--target",
                "web",
                "--keep-lld-exports",
                "--no-typescript",
                "--out-name",
                STEM,
                "--out-dir",
            ])
            .arg(&self.bound)
            .arg(self.linked.join(format!("{STEM}.wasm")));
        process::run(&mut command)?;
        for name in self.part_names()? {
            fs::copy(self.linked.join(&name), self.bound.join(&name))?;
        }
        fs::copy(self.linked.join(LOADER), self.bound.join(LOADER))?;
        Ok(())
    }

    fn optimise(&self, workspace: &Workspace) -> Result<()> {
        let main = format!("{STEM}_bg.wasm");
        for name in self.part_names()?.iter().chain([&main]) {
            let file = self.bound.join(name);
            let mut command = Command::new(workspace.root.join("node_modules/.bin/wasm-opt"));
            process::run(command.arg("-Oz").args(FEATURES).arg(&file).arg("-o").arg(&file))?;
        }
        Ok(())
    }

    /// The files of the parts that arrive later.
    fn part_names(&self) -> Result<Vec<String>> {
        let names = names_in(&self.linked)?;
        let parts: Vec<_> = names
            .into_iter()
            .filter(|name| name.ends_with(".wasm") && *name != format!("{STEM}.wasm"))
            .collect();
        ensure!(
            parts.iter().all(|name| name.starts_with(PART)) && !parts.is_empty(),
            "the program was split into files that are not known here: {parts:?}"
        );
        Ok(parts)
    }

    /// What all files are called: it tells their content, so that they can be kept for ever.
    fn name(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for name in names_in(&self.bound)? {
            hash.update(fs::read(self.bound.join(name))?);
        }
        let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{STEM}-{hash}"))
    }

    fn lay_out(&self, dist: &Path, name: &str) -> Result<()> {
        let index = dist.join("index.html");
        let document = fs::read_to_string(&index).context("Trunk has written no index.html")?;
        let whole = whole_name(&document)?;
        let renamed = self.renamed(name)?;
        let script = self.text(&format!("{STEM}.js"), &renamed)?;
        let loader = self.text(LOADER, &renamed)?;
        let module = fs::read(self.bound.join(format!("{STEM}_bg.wasm")))?;
        let document = relink(&document, &whole, name, &[&script, &loader], &module)?;
        for file in [format!("{whole}.js"), format!("{whole}_bg.wasm")] {
            fs::remove_file(dist.join(&file)).with_context(|| format!("Trunk has written no {file}"))?;
        }
        fs::write(dist.join(format!("{name}.js")), script)?;
        fs::write(dist.join(format!("{name}_parts.js")), loader)?;
        fs::write(dist.join(format!("{name}_bg.wasm")), module)?;
        for part in self.part_names()? {
            fs::copy(self.bound.join(&part), dist.join(renamed_part(name, &part)))?;
        }
        fs::write(&index, document)?;
        Ok(())
    }

    /// Pairs of what the tools call a file and what it is called in the site.
    fn renamed(&self, name: &str) -> Result<Vec<(String, String)>> {
        let mut renamed = vec![
            // The module itself knows the loader by its first name.
            (format!("from \"./{LOADER}\""), format!("from \"./{name}_parts.js\"")),
            (format!("from \"./{STEM}.js\""), format!("from \"./{name}.js\"")),
            (format!("'{STEM}_bg.wasm'"), format!("'{name}_bg.wasm'")),
        ];
        for part in self.part_names()? {
            renamed.push((format!("./{part}"), format!("./{}", renamed_part(name, &part))));
        }
        Ok(renamed)
    }

    fn text(&self, file: &str, renamed: &[(String, String)]) -> Result<String> {
        let text =
            fs::read_to_string(self.bound.join(file)).with_context(|| format!("there is no {file}"))?;
        Ok(renamed.iter().fold(text, |text, (from, to)| text.replace(from, to)))
    }
}

fn renamed_part(name: &str, part: &str) -> String {
    format!("{name}_{}", part.trim_start_matches(PART))
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let listing = fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    let names = listing.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// What Trunk has called the program that is in one piece.
fn whole_name(document: &str) -> Result<String> {
    let after = document.split_once(&format!("'/{STEM}-")).context("the document loads no program")?.1;
    let hash: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
    Ok(format!("{STEM}-{hash}"))
}

/// The document with the parts instead of the whole, and with what they must be: the script and the module that it had named,
/// and the second script, which is asked for at once as well.
fn relink(document: &str, whole: &str, name: &str, scripts: &[&str; 2], module: &[u8]) -> Result<String> {
    let [script, loader] = scripts.map(|script| script.as_bytes());
    let old = format!("href=\"/{whole}.js\"");
    ensure!(document.contains(&old), "the document asks for no script in advance");
    let document = with_integrity(document, &old, script)?;
    let document = with_integrity(&document, &format!("href=\"/{whole}_bg.wasm\""), module)?;
    let first = "<link rel=\"modulepreload\"";
    let second = format!(
        "{first} href=\"/{name}_parts.js\" crossorigin=\"anonymous\" integrity=\"{}\">{first}",
        integrity(loader)
    );
    Ok(document.replacen(first, &second, 1).replace(whole, name))
}

/// Replaces the integrity of the link that has `href`.
fn with_integrity(document: &str, href: &str, content: &[u8]) -> Result<String> {
    let (before, after) = document.split_once(href).with_context(|| format!("the document has no {href}"))?;
    let (attributes, after) = after.split_once("integrity=\"").context("the link has no integrity")?;
    ensure!(!attributes.contains('>'), "the link of {href} has no integrity");
    let (_, after) = after.split_once('"').context("the link's integrity does not end")?;
    Ok(format!("{before}{href}{attributes}integrity=\"{}\"{after}", integrity(content)))
}

/// Subresource Integrity, section 3.1.
fn integrity(content: &[u8]) -> String {
    format!("sha384-{}", BASE64_STANDARD.encode(Sha384::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(
        "<script>import init from '/client-0123456789abcdef.js';init('/client-0123456789abcdef_bg.wasm')</script>",
        "<link rel=\"modulepreload\" href=\"/client-0123456789abcdef.js\" integrity=\"sha384-old\">",
        "<link rel=\"preload\" href=\"/client-0123456789abcdef_bg.wasm\" integrity=\"sha384-older\">",
    );

    #[test]
    fn the_document_asks_for_the_parts_and_knows_what_they_must_be() {
        let whole = whole_name(DOCUMENT).unwrap();
        assert_eq!(whole, "client-0123456789abcdef");
        let document = relink(DOCUMENT, &whole, "client-new", &["script", "loader"], b"module").unwrap();
        assert!(!document.contains("0123456789abcdef") && !document.contains("sha384-old"), "{document}");
        assert!(
            document.contains("import init from '/client-new.js';init('/client-new_bg.wasm')"),
            "{document}"
        );
        for (file, content) in
            [("client-new.js", "script"), ("client-new_parts.js", "loader"), ("client-new_bg.wasm", "module")]
        {
            let (_, link) = document.split_once(&format!("href=\"/{file}\"")).unwrap();
            let (link, _) = link.split_once('>').unwrap();
            assert!(link.contains(&integrity(content.as_bytes())), "{file}: {link}");
        }
    }

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        let known = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
        assert_eq!(integrity(b""), known);
    }

    #[test]
    fn a_document_without_integrity_is_refused() {
        let document = "<link href=\"/client-1.js\"><link integrity=\"sha384-x\">";
        assert!(with_integrity(document, "href=\"/client-1.js\"", b"").is_err());
    }
}
