//! View models: what the views show and what a click means, without a browser. All of it runs and is
//! tested natively.

pub(crate) mod background;
pub(crate) mod call_view_model;
pub(crate) mod capture_problem;
pub(crate) mod devices_view_model;
pub(crate) mod governor;
pub(crate) mod invitation;
pub(crate) mod layout;
pub(crate) mod level;
pub(crate) mod list_navigation;
pub(crate) mod portrait;
pub(crate) mod seat;
pub(crate) mod shortcut;
pub(crate) mod source_state;
pub(crate) mod tiles;
pub(crate) mod toasts;
