//! Who may do what: keys, join tokens, and what operators ask of rooms.
//!
//! ```text
//! operator's key ──▶ token (signed claims) ──▶ gate ──▶ Grants ──▶ the room's rules
//!                └─▶ API bearer ─────────────▶ http::v1 ──▶ RoomControl
//! ```
//!
//! Contract: `grants`, `key` and `token` are pure, they are told the time. A role comes from a token and from
//! nothing else; without keys the server is *open*, and then to this machine alone unless the operator says otherwise.

mod gate;
mod grants;
mod key;
pub mod revocation;
mod room_control;
pub mod settings;
mod token;
mod whole_number;

pub use self::gate::{Gate, Locality, Openness, Refusal};
pub use self::grants::{ExternalId, Grants, GrantsError, Metadata, PublishKinds, RoomScope};
pub use self::key::{Key, KeyError, KeyId, Keyring, Material};
pub use self::room_control::{
    Audience, ControlError, Detached, EndReason, MuteKinds, Page, PageRequest, Participant, Policy,
    RoomControl, RoomSummary,
};
pub use self::settings::RoomSettings;
pub use self::token::{
    ApiBearer, CLOCK_SKEW_S, LIFETIME_MAX_S, Parties, TOKEN_BYTES_MAX, TokenError, TokenId, UnixSeconds,
    sign, sign_bearer, verify,
};
pub(crate) use self::whole_number::whole_number;
