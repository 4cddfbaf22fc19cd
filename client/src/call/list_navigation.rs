//! Moving through an open list with the keyboard, as in the listbox pattern of the ARIA practices.

/// What a key does in a picker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListStep {
    /// Opens the list, or moves to this line of it.
    Move(usize),
    /// Chooses the line that is marked.
    Choose,
    /// Closes the list without choosing.
    Close,
}

/// What a key means while `marked` of `count` lines is marked. Nothing: the key is not for the list.
pub(crate) fn list_step(key: &str, open: bool, marked: usize, count: usize) -> Option<ListStep> {
    let last = count.checked_sub(1)?;
    match (key, open) {
        ("ArrowDown" | "ArrowUp" | "Enter" | " ", false) => Some(ListStep::Move(marked.min(last))),
        ("ArrowDown", true) => Some(ListStep::Move((marked + 1).min(last))),
        ("ArrowUp", true) => Some(ListStep::Move(marked.saturating_sub(1).min(last))),
        ("Home", true) => Some(ListStep::Move(0)),
        ("End", true) => Some(ListStep::Move(last)),
        ("Enter" | " ", true) => Some(ListStep::Choose),
        ("Escape" | "Tab", true) => Some(ListStep::Close),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_open_the_list_and_stay_within_it() {
        assert_eq!(list_step("ArrowDown", false, 1, 3), Some(ListStep::Move(1)));
        assert_eq!(list_step("ArrowDown", true, 1, 3), Some(ListStep::Move(2)));
        assert_eq!(list_step("ArrowDown", true, 2, 3), Some(ListStep::Move(2)));
        assert_eq!(list_step("ArrowUp", true, 0, 3), Some(ListStep::Move(0)));
        assert_eq!(list_step("End", true, 0, 3), Some(ListStep::Move(2)));
        assert_eq!(list_step("ArrowUp", true, 9, 3), Some(ListStep::Move(2)));
    }

    #[test]
    fn enter_chooses_and_escape_closes() {
        assert_eq!(list_step("Enter", true, 1, 3), Some(ListStep::Choose));
        assert_eq!(list_step("Escape", true, 1, 3), Some(ListStep::Close));
        assert_eq!(list_step("Escape", false, 1, 3), None);
        assert_eq!(list_step("x", true, 1, 3), None);
    }

    #[test]
    fn an_empty_list_takes_no_keys() {
        assert_eq!(list_step("ArrowDown", false, 0, 0), None);
    }
}
