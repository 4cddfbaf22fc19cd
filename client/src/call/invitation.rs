//! What somebody pastes to open a meeting: its link, or only its code.

use shared::RoomId;

/// Why a text opens no meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvitationError {
    /// Nothing was entered.
    Empty,
    /// A link, but of another server, which has to be asked itself.
    OtherServer,
    /// Neither a link to a meeting nor a code.
    NotAnInvitation,
}

/// Finds the room in a link of this server or in a bare code. `host` is this page's own, for example
/// `meet.example.org:8080`. Capital letters and surrounding white space do not matter.
pub(crate) fn read_invitation(text: &str, host: &str) -> Result<RoomId, InvitationError> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Err(InvitationError::Empty);
    }
    let without_scheme = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let path = without_scheme.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let code = match path.split_once("/r/") {
        Some(("", code)) => code,
        Some((named_host, code)) if named_host == host.to_lowercase() => code,
        Some(_) => return Err(InvitationError::OtherServer),
        None => path,
    };
    RoomId::new(code).map_err(|_| InvitationError::NotAnInvitation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, InvitationError>) {
        let found = read_invitation(text, "meet.example.org:8080");
        assert_eq!(found.as_ref().map(RoomId::as_str), expected.as_ref().copied(), "{text:?}");
    }

    #[test]
    fn a_code_opens_its_room() {
        check("abc-defg-hjk", Ok("abc-defg-hjk"));
        check("  ABC-defg-hjk\n", Ok("abc-defg-hjk"));
    }

    #[test]
    fn a_link_of_this_server_opens_its_room() {
        check("https://meet.example.org:8080/r/abc-defg-hjk", Ok("abc-defg-hjk"));
        check("http://Meet.Example.org:8080/r/abc-defg-hjk/?from=mail#now", Ok("abc-defg-hjk"));
        check("meet.example.org:8080/r/stand-up", Ok("stand-up"));
        check("/r/stand-up", Ok("stand-up"));
    }

    #[test]
    fn a_link_of_another_server_is_not_opened_here() {
        check("https://elsewhere.example/r/abc-defg-hjk", Err(InvitationError::OtherServer));
    }

    #[test]
    fn anything_else_is_refused() {
        check("", Err(InvitationError::Empty));
        check("   ", Err(InvitationError::Empty));
        check("ab", Err(InvitationError::NotAnInvitation));
        check("hello world", Err(InvitationError::NotAnInvitation));
        check("https://meet.example.org:8080/", Err(InvitationError::NotAnInvitation));
        check("/r/a/b", Err(InvitationError::NotAnInvitation));
    }
}
