//! Habits inside a file: its length, nothing unfinished, a reason beside every exception.

use super::Finding;
use super::tree::Tree;

/// Lines outside tests.
const LENGTH_MAX: usize = 600;

/// Files that are longer, each with the reason why splitting would make it worse.
const LONG_FILES: [(&str, &str); 1] = [(
    "client/src/strings/key.rs",
    "one list of the names of all texts, which the locale files are held against",
)];

/// Code that says it is not finished.
const UNFINISHED: [&str; 2] = ["todo!", "unimplemented!"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        let is_listed = LONG_FILES.iter().any(|(path, _)| *path == file.path);
        if code.length() > LENGTH_MAX && !file.is_test() && !is_listed {
            let text = format!(
                "{} lines outside tests, more than {LENGTH_MAX}: split it by responsibility, or list it in tidy with a \
                 reason",
                code.length()
            );
            findings.push(Finding::new(&file.path, 0, "length", text));
        }
        for name in UNFINISHED {
            let text = format!("`{name}` stands for something that is not there: finish it or leave it out");
            let lines = code.names_anywhere(name).into_iter();
            findings.extend(lines.map(|line| Finding::new(&file.path, line, "unfinished", text.as_str())));
        }
        for line in code.names_anywhere("#[ignore") {
            let text = "an ignored test checks nothing: assert today's behaviour, or delete it";
            findings.push(Finding::new(&file.path, line, "ignored-test", text));
        }
        for (line, attribute) in code.attributes("allow") {
            if !attribute.contains("reason") {
                let text = "an exception without a reason: write `#[expect(lint, reason = \"…\")]`";
                findings.push(Finding::new(&file.path, line, "reason", text));
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
    fn a_long_file_is_found_unless_it_is_tests() {
        let long = "fn f() {}\n".repeat(LENGTH_MAX + 1);
        assert!(found("server/src/app.rs", &long)[0].contains("601 lines"));
        assert_eq!(found("server/src/app/tests.rs", &long), Vec::<String>::new());
        let with_tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(found("server/src/app.rs", &with_tests), Vec::<String>::new());
    }

    #[test]
    fn unfinished_code_is_found_even_in_tests() {
        let source = format!("#[cfg(test)]\nmod tests {{\n    fn f() {{ {}() }}\n}}\n", UNFINISHED[0]);
        assert!(found("server/src/app.rs", &source)[0].contains("app.rs:3: [unfinished]"));
        assert_eq!(found("server/src/app.rs", "// a todo! in prose\n"), Vec::<String>::new());
    }

    #[test]
    fn an_ignored_test_is_found() {
        assert_eq!(found("server/src/app.rs", "#[ignore = \"later\"]\nfn f() {}\n").len(), 1);
    }

    #[test]
    fn an_exception_needs_a_reason() {
        assert_eq!(found("server/src/app.rs", "#[allow(dead_code)]\nfn f() {}\n").len(), 1);
        let with_reason = "#[allow(dead_code, reason = \"used on Windows\")]\nfn f() {}\n";
        assert_eq!(found("server/src/app.rs", with_reason), Vec::<String>::new());
    }
}
