//! Which language the page speaks.

use std::cell::Cell;
use std::time::Duration;

use crate::platform::language as browser;
use crate::platform::page;
use crate::platform::storage::{self, Setting};
use crate::strings::{self, Language, first_language};

/// Finds the language to begin with and calls `begin` once it can be spoken. When its file does not come in good
/// time, the page begins in English: a meeting in a foreign language is better than none.
pub(crate) fn begin_speaking(begin: impl FnOnce() + 'static) {
    strings::format_numbers_with(browser::format_number);
    let asked = browser::asked_for();
    // A link with a wish holds for this tab; it does not change what the person has chosen for good.
    if let Some(language) = asked.as_deref().and_then(Language::from_tag) {
        storage::keep_language_of_tab(language.tag());
    }
    let (of_tab, chosen) = (storage::language_of_tab(), storage::setting(Setting::Language));
    let language =
        first_language([asked.as_deref(), of_tab.as_deref(), chosen.as_deref()], &browser::preferred());
    if language == Language::English {
        show(language);
        begin();
        return;
    }
    page::spawn_before_mounting(async move {
        let is_here = fetch(language, PATIENCE_AT_START).await;
        show(if is_here { language } else { Language::English });
        begin();
    });
}

/// Speaks a language from now on and remembers it. Says whether it could: its file may not come, and then
/// everything stays as it was.
pub(crate) async fn choose_language(language: Language) -> bool {
    let choice = CHOICES.with(|choices| choices.replace(choices.get().wrapping_add(1)).wrapping_add(1));
    if !fetch(language, PATIENCE_LATER).await {
        return false;
    }
    // Somebody who chose twice means the second.
    if CHOICES.with(Cell::get) == choice {
        storage::keep_setting(Setting::Language, language.tag());
        storage::forget_language_of_tab();
        browser::forget_asked_for();
        show(language);
    }
    true
}

/// Speaks a language from now on without remembering it: the page around the frame wants it. Says whether it could.
pub(crate) async fn speak_for_now(language: Language) -> bool {
    let choice = CHOICES.with(|choices| choices.replace(choices.get().wrapping_add(1)).wrapping_add(1));
    let is_here = fetch(language, PATIENCE_AT_START).await;
    if is_here && CHOICES.with(Cell::get) == choice {
        show(language);
    }
    is_here
}

async fn fetch(language: Language, patience: Duration) -> bool {
    if strings::is_fetched(language) {
        return true;
    }
    let file = browser::fetch(language, patience).await;
    file.is_some_and(|file| strings::put(language, &file))
}

fn show(language: Language) {
    strings::speak(language);
    browser::label_page(language, language.direction());
}

thread_local! {
    /// Numbers the choices, so that a late file of an earlier one is recognised.
    static CHOICES: Cell<u32> = const { Cell::new(0) };
}

/// Three round trips of a slow network.
const PATIENCE_AT_START: Duration = Duration::from_secs(3);
const PATIENCE_LATER: Duration = Duration::from_secs(10);
