//! What is chosen about the stage and what is shown of it, in the page and in the small window over all others.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::SourceRef;

use crate::call::arrangement::{Arrangement, Choice, Mode};
use crate::call::layout::Size;
use crate::platform::clock::Timer;
use crate::platform::events::Listener;
use crate::platform::full_screen::{self, FloatingWindow};
use crate::platform::page;
use crate::platform::storage::{self, Setting};

/// A handle; all copies mean the same stage.
#[derive(Clone, Copy)]
pub(crate) struct StageHandle {
    /// What is chosen.
    pub(crate) choice: RwSignal<Choice>,
    /// What the page shows; set by the views.
    pub(crate) shown: RwSignal<Option<Arrangement>>,
    /// What the small window shows; set by the views.
    pub(crate) shown_floating: RwSignal<Option<Arrangement>>,
    /// The small window, while it is open.
    pub(crate) floating: RwSignal<Option<FloatingWindow>, LocalStorage>,
    /// Whether the page fills the screen.
    pub(crate) is_full_screen: RwSignal<bool>,
    /// Nobody has looked at the page for a while.
    is_hidden: RwSignal<bool>,
    /// Counts the time until then.
    hiding: StoredValue<Option<Timer>, LocalStorage>,
    _listeners: StoredValue<Vec<Listener>, LocalStorage>,
}

impl StageHandle {
    /// What was chosen the last time. Lives as long as the reactive owner it is created in.
    pub(super) fn new() -> Self {
        let mode = storage::setting(Setting::Layout).map(|name| Mode::remembered(&name));
        let hides_self = storage::setting(Setting::HideSelf).as_deref() == Some(YES);
        let choice = Choice { mode: mode.unwrap_or_default(), hides_self, ..Choice::default() };
        let stage = Self {
            choice: RwSignal::new(choice),
            shown: RwSignal::default(),
            shown_floating: RwSignal::default(),
            floating: RwSignal::new_local(None),
            is_full_screen: RwSignal::default(),
            is_hidden: RwSignal::default(),
            hiding: StoredValue::new_local(None),
            _listeners: StoredValue::new_local(Vec::new()),
        };
        let visibility = page::on_visibility(move |is_visible| stage.follow_visibility(is_visible));
        let full_screen = full_screen::on_full_screen(move |is_full| {
            stage.is_full_screen.try_set(is_full);
        });
        stage._listeners.set_value(visibility.into_iter().chain(full_screen).collect());
        stage
    }

    /// Everything that is shown to somebody; nothing before it is laid out.
    pub(super) fn arrangements(self) -> Option<Vec<Arrangement>> {
        let in_page = self.shown.get()?;
        let in_page = (!self.is_hidden.get()).then_some(in_page);
        Some(in_page.into_iter().chain(self.shown_floating.get()).collect())
    }

    /// Another kind of arrangement from now on; it is remembered. What was pinned is not any more.
    pub(crate) fn choose(self, mode: Mode) {
        storage::keep_setting(Setting::Layout, mode.name());
        self.choice.update(|choice| *choice = Choice { mode, page: 0, pinned: None, ..*choice });
    }

    /// The own tile is not shown any more, or again; it is remembered.
    pub(crate) fn toggle_self(self) {
        let hides_self = !self.choice.with_untracked(|choice| choice.hides_self);
        storage::keep_setting(Setting::HideSelf, if hides_self { YES } else { NO });
        self.choice.update(|choice| choice.hides_self = hides_self);
    }

    /// This is shown large from now on.
    pub(crate) fn pin(self, source: SourceRef) {
        self.choice.update(|choice| choice.pinned = Some(source));
    }

    /// This is shown large from now on, or not any more.
    pub(crate) fn toggle_pin(self, source: SourceRef) {
        self.choice.update(|choice| {
            choice.pinned = if choice.pinned == Some(source) { None } else { Some(source) };
        });
    }

    /// One page on or back.
    pub(crate) fn turn_page(self, forward: bool) {
        let Some((page, pages)) =
            self.shown.with_untracked(|shown| shown.as_ref().map(|shown| (shown.page, shown.pages)))
        else {
            return;
        };
        let page = if forward { (page + 1).min(pages.saturating_sub(1)) } else { page.saturating_sub(1) };
        self.choice.update(|choice| choice.page = page);
    }

    /// Opens the small window, or closes it; to be called from a click or a key.
    pub(crate) fn toggle_floating(self) {
        if self.floating.with_untracked(Option::is_some) {
            return self.close_floating();
        }
        let opened = FloatingWindow::open(FLOATING, move || self.close_floating());
        spawn_local(async move {
            if let Some(window) = opened.await {
                // Dropped, and thereby closed, where the meeting is over.
                self.floating.try_set(Some(window));
            }
        });
    }

    /// Closes the small window.
    pub(crate) fn close_floating(self) {
        self.shown_floating.try_set(None);
        self.floating.try_set(None);
    }

    /// Who comes back within a moment finds everything as it was.
    fn follow_visibility(self, is_visible: bool) {
        let timer = (!is_visible).then(|| {
            Timer::once(HIDING_DELAY, move || {
                self.is_hidden.try_set(true);
            })
        });
        self.hiding.try_set_value(timer);
        if is_visible && self.is_hidden.try_get_untracked() == Some(true) {
            self.is_hidden.set(false);
        }
    }
}

/// A glance at another tab costs no picture.
const HIDING_DELAY: Duration = Duration::from_secs(3);
/// A small window of the shape of a camera's picture.
const FLOATING: Size = Size { width: 400.0, height: 225.0 };
/// In the storage.
const YES: &str = "yes";
const NO: &str = "no";
