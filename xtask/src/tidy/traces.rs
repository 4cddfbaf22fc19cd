//! Traces of somebody's machine: paths of a home or work folder, hosts of a package registry. Both make the project
//! work in one place only.

use super::Finding;
use super::tree::Tree;

/// Folders at the root of a machine that are nobody else's business. Written without slashes, so that this file
/// itself passes.
const MACHINE_FOLDERS: [&str; 4] = ["work", "root", "home", "Users"];

/// Hosts that a package manager knows by itself; the last part is joined by a dot.
const REGISTRY_HOSTS: [(&str, &str); 8] = [
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("debian", "org"),
    ("rust-lang", "org"),
    ("static.crates", "io"),
    ("index.crates", "io"),
];

/// Written by Cargo, which names its registry's index there.
const EXEMPT: [&str; 1] = ["Cargo.lock"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().iter().filter(|file| !EXEMPT.contains(&file.path.as_str())) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(path) = machine_path(line) {
                let text =
                    format!("`{path}` is a path of one machine: use a path below the checkout or a setting");
                findings.push(Finding::new(&file.path, index + 1, "machine-path", text));
            }
            if let Some(host) = registry_host(line) {
                let text = format!("`{host}` is a registry's host: let the package manager choose its own");
                findings.push(Finding::new(&file.path, index + 1, "registry-host", text));
            }
        }
    }
    findings
}

fn machine_path(line: &str) -> Option<String> {
    let continues_a_path = |c: char| c.is_alphanumeric() || "._-~}*$)".contains(c);
    MACHINE_FOLDERS.iter().map(|folder| format!("/{folder}/")).find(|path| {
        let mut places = line.match_indices(path.as_str());
        places.any(|(start, _)| !line[..start].ends_with(continues_a_path))
    })
}

fn registry_host(line: &str) -> Option<String> {
    let hosts = REGISTRY_HOSTS.iter().map(|(name, domain)| format!("{name}.{domain}"));
    hosts.into_iter().find(|host| line.contains(host.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&Tree::of(&[("README.md", text)])).len()
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(found(&format!("cd /{folder}/somebody")), 1, "{folder}");
            assert_eq!(found(&format!("see src/{folder}/mod.rs")), 0, "{folder}");
        }
    }

    #[test]
    fn a_registry_host_is_found() {
        for (name, domain) in REGISTRY_HOSTS {
            assert_eq!(found(&format!("https://{name}.{domain}/x")), 1, "{name}");
        }
        assert_eq!(found("https://docs.rs/rtc and https://www.rfc-editor.org/rfc/rfc8445"), 0);
    }

    #[test]
    fn the_lock_file_is_cargos_own_business() {
        let (name, domain) = REGISTRY_HOSTS[0];
        let line = format!("source = \"https://{name}.{domain}\"");
        assert!(check(&Tree::of(&[("Cargo.lock", &line)])).is_empty());
    }
}
