//! The addresses of the site.

use shared::RoomId;

/// What an address shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/`
    Home,
    /// `/r/<room>`: lobby, meeting, and its end.
    Room(RoomId),
    /// Anything else.
    Unknown,
}

impl Route {
    /// Reads a path; a slash at its end does not matter.
    pub(crate) fn from_path(path: &str) -> Self {
        let path = path.trim_end_matches('/');
        if path.is_empty() || path == "/index.html" {
            return Self::Home;
        }
        let room = path.strip_prefix("/r/").and_then(|code| RoomId::new(&code.to_lowercase()).ok());
        room.map_or(Self::Unknown, Self::Room)
    }

    /// The path of the address.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Home | Self::Unknown => "/".to_owned(),
            Self::Room(room) => format!("/r/{room}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_somewhere() {
        let room = |code| Route::Room(RoomId::new(code).unwrap());
        for (path, expected) in [
            ("/", Route::Home),
            ("", Route::Home),
            ("/r/abc-defg-hjk", room("abc-defg-hjk")),
            ("/r/ABC-defg-hjk/", room("abc-defg-hjk")),
            ("/r/", Route::Unknown),
            ("/r/a", Route::Unknown),
            ("/r/abc/def", Route::Unknown),
            ("/elsewhere", Route::Unknown),
        ] {
            assert_eq!(Route::from_path(path), expected, "{path}");
        }
    }

    #[test]
    fn a_room_has_the_path_it_is_read_from() {
        let route = Route::from_path("/r/stand-up");
        assert_eq!(Route::from_path(&route.path()), route);
    }
}
