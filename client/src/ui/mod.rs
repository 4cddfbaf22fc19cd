//! Views: they show what the view models say and pass on what people do. No text, no browser, no decisions.

mod components;
pub(crate) mod pages;
