//! The problems that operations have in common, for the description of the API.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

/// What every operation may answer.
pub(super) struct Authorized;
/// What an operation with a body may answer.
pub(super) struct WithBody;
/// What an operation that may set a room up may answer.
pub(super) struct Counted;
/// What an operation with an idempotency key may answer.
pub(super) struct Once;
/// What an operation on a live room may answer.
pub(super) struct OfLiveRooms;

impl IntoResponses for Authorized {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("401", "There is no key, or it does not open the API."),
            ("403", "The server has no keys."),
            ("408", "The body did not arrive in time."),
            ("413", "The body is too long."),
            ("429", "Too many requests; Retry-After tells how long to wait."),
            ("503", "The server cannot do it now; Retry-After tells when to try again."),
        ])
    }
}

impl IntoResponses for WithBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("400", "The body is no JSON."),
            ("415", "The body is not said to be JSON."),
            ("422", "A value does not fit."),
        ])
    }
}

impl IntoResponses for Counted {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(
            "403",
            "The server has no keys, or the key has set up as many rooms as it may (rooms_per_key_max).",
        )])
    }
}

impl IntoResponses for Once {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("400", "The Idempotency-Key or the body does not fit."),
            ("409", "It exists already, or the same request is being worked on."),
            ("422", "A value does not fit, or the Idempotency-Key was used for another request."),
        ])
    }
}

impl IntoResponses for OfLiveRooms {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("404", "Nobody is in the room, or the participant is not."),
            ("501", "This server does not tell about its live rooms."),
        ])
    }
}

fn problems(list: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |description: &str| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new().description(description).content("application/problem+json", content).build()
    };
    list.iter().map(|(status, text)| ((*status).to_owned(), problem(text).into())).collect()
}
