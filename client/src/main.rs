//! Visavis in the browser.
//!
//! ```text
//! ui (views) ──▶ call (view models, pure) ──▶ engine (pure) ──▶ shared
//!    │                                          ▲
//!    └──▶ session (shell: signals, commands) ───┴──▶ platform (the only place that names the browser)
//! ```
//!
//! Everything compiles natively too, so that view models and layouts are tested by plain `cargo test`.

#[expect(unreachable_pub, reason = "the component macro writes `pub` items")]
mod app;
mod call;
mod platform;
mod route;
mod session;
mod strings;
#[expect(unreachable_pub, reason = "the component macro writes `pub` items")]
mod ui;

fn main() {
    console_error_panic_hook::set_once();
    if session::is_given_up() {
        return;
    }
    session::begin_speaking(|| {
        leptos::mount::mount_to_body(app::App);
        session::remove_splash();
    });
}
