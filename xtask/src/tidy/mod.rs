//! The rules of the source tree that no compiler checks.
//!
//! Every rule is a function from a [`Tree`] (and what Cargo says about the packages) to findings, so that it is tested
//! on trees that exist nowhere. A finding says where, which rule, and what to do.

mod code;
mod habits;
mod layout;
mod packages;
mod purity;
mod traces;
mod tree;
mod wire;

use std::fmt;

use anyhow::{Result, bail};

use self::packages::Packages;
use self::tree::Tree;
use crate::console;
use crate::workspace::Workspace;

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1; 0 when the whole file or folder is meant.
    line: usize,
    rule: &'static str,
    /// What is wrong and what to do about it.
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: [{}] {}", self.path, self.rule, self.text),
            line => write!(f, "{}:{line}: [{}] {}", self.path, self.rule, self.text),
        }
    }
}

/// Checks the checkout; the error counts the findings, which are printed.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let tree = Tree::of_checkout(&workspace.root)?;
    let packages = Packages::of_workspace(&workspace.root)?;
    let findings = findings(&tree, &packages);
    for finding in &findings {
        console::line(finding);
    }
    if !findings.is_empty() {
        bail!("{} finding(s) of tidy", findings.len());
    }
    console::line(format!("tidy: {} files follow the rules", tree.files().len()));
    Ok(())
}

fn findings(tree: &Tree, packages: &Packages) -> Vec<Finding> {
    let mut all = layout::check(tree);
    all.extend(packages::check(packages));
    all.extend(purity::check(tree));
    all.extend(habits::check(tree));
    all.extend(traces::check(tree));
    all.extend(wire::check(tree));
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_which_rule_and_what_to_do() {
        let finding = Finding::new("server/src/app.rs", 7, "todo", "finish it");
        assert_eq!(finding.to_string(), "server/src/app.rs:7: [todo] finish it");
        assert_eq!(Finding::new("docs", 0, "top-level", "move it").to_string(), "docs: [top-level] move it");
    }
}
