use leptos::html;
use leptos::prelude::*;
use shared::PeerId;

use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use crate::call::chat::{LineView, OwnLineView, announcement, length_problem};
use crate::call::links::Piece;
use crate::session::{self, Act, MeetingHandle};
use crate::strings::{Key, text, text_with};

/// What is written in the meeting, and the field to write in.
#[component]
pub(crate) fn ChatPanel(meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let list = NodeRef::<html::Div>::new();
    let at_end = RwSignal::new(true);
    let is_empty = Memo::new(move |_| talk.chat.with(|chat| chat.lines.is_empty() && chat.own.is_empty()));
    talk.is_chat_open.set(true);
    on_cleanup(move || {
        talk.is_chat_open.try_set(false);
    });
    let to_end = move || {
        // Once the lines stand there.
        request_animation_frame(move || {
            if let Some(list) = list.get_untracked() {
                session::scroll_to_end(&list);
            }
        });
    };
    Effect::new(move |_| {
        talk.chat.track();
        if list.get().is_some() && at_end.get_untracked() {
            to_end();
        }
    });
    Effect::new(move |_| {
        let newest = talk.chat.with(crate::call::chat::ChatView::newest);
        if at_end.get() {
            talk.read.set(newest);
        }
    });
    let has_news =
        Memo::new(move |_| !at_end.get() && talk.chat.with(|chat| chat.unread(talk.read.get()) > 0));
    view! {
        <div class="chat" role="tabpanel" id="panel-chat" aria-labelledby="tab-chat" data-testid="chat">
            <div
                class="chat-lines"
                node_ref=list
                tabindex="0"
                role="group"
                aria-label=move || text(Key::Chat)
                on:scroll=move |_| {
                    if let Some(list) = list.get_untracked() {
                        at_end.set(session::before_end(&list) < AT_END_PIXELS);
                    }
                }
            >
                <Show when=move || is_empty.get()>
                    <div class="chat-empty">
                        <IconView icon=Icon::Chat />
                        <strong>{move || text(Key::ChatEmpty)}</strong>
                        <p>{move || text(Key::ChatEmptyText)}</p>
                    </div>
                </Show>
                <ul>
                    <For
                        each=move || talk.chat.with(|chat| chat.lines.clone())
                        key=|line| (line.id, line.continues)
                        let:line
                    >
                        <Line line=line />
                    </For>
                    <For
                        each=move || talk.chat.with(|chat| chat.own.clone())
                        key=|line| (line.number, line.problem.is_some())
                        let:line
                    >
                        <OwnLine line=line meeting=meeting />
                    </For>
                </ul>
            </div>
            <Show when=move || has_news.get()>
                <button
                    type="button"
                    class="button primary chat-news"
                    data-testid="new-messages"
                    on:click=move |_| to_end()
                >
                    {move || text(Key::NewMessages)}
                    <IconView icon=Icon::Chevron />
                </button>
            </Show>
            <Composer meeting=meeting sent=move || at_end.set(true) />
            <div class="only-spoken" role="log" aria-live="polite">
                {move || talk.chat.with(announcement)}
            </div>
        </div>
    }
}

/// One line of the chat. Its text is put into the page as text, whatever is in it.
#[component]
fn Line(line: LineView) -> impl IntoView {
    let LineView { at_s, peer, author, is_own, continues, private_with, pieces, .. } = line;
    let time = session::time_of_day(at_s);
    let private = private_with.map(|name| {
        move || {
            if is_own {
                text_with(Key::PrivateTo, &[("name", &name)])
            } else {
                text(Key::PrivateFrom).to_owned()
            }
        }
    });
    let is_private = private.is_some();
    let head = (!continues).then(|| {
        view! {
            <div class="line-head">
                <strong dir="auto">
                    {move || if is_own { text(Key::You).to_owned() } else { author.clone() }}
                </strong>
                <span class="line-time">{time}</span>
                {private.map(|private| view! { <span class="line-private">{private}</span> })}
            </div>
        }
    });
    view! {
        <li
            class="line"
            data-testid="line"
            data-own=is_own.to_string()
            data-private=is_private.to_string()
            data-peer=peer.to_string()
        >
            {head}
            <p dir="auto">{pieces.into_iter().map(piece).collect_view()}</p>
        </li>
    }
}

fn piece(piece: Piece) -> AnyView {
    match piece {
        Piece::Words(words) => words.into_any(),
        Piece::Link(link) => {
            let href = link.clone();
            view! {
                <a href=href target="_blank" rel="noopener noreferrer nofollow">
                    {link}
                </a>
            }
            .into_any()
        }
    }
}

/// A line that the others may not see yet.
#[component]
fn OwnLine(line: OwnLineView, meeting: MeetingHandle) -> impl IntoView {
    let OwnLineView { number, text: written, problem } = line;
    let state = if problem.is_some() { "failed" } else { "underway" };
    let note = match problem {
        None => view! { <p class="line-note">{move || text(Key::LineUnderway)}</p> }.into_any(),
        Some(reason) => view! {
            <p class="line-note" role="alert">
                {move || text_with(Key::LineFailed, &[("reason", &reason)])}
            </p>
            <div class="line-actions">
                <button
                    type="button"
                    class="button quiet"
                    data-testid="retry-line"
                    on:click=move |_| meeting.act(Act::RetryLine { number })
                >
                    {move || text(Key::SendAgain)}
                </button>
                <button
                    type="button"
                    class="button quiet"
                    data-testid="withdraw-line"
                    on:click=move |_| meeting.act(Act::WithdrawLine { number })
                >
                    {move || text(Key::Discard)}
                </button>
            </div>
        }
        .into_any(),
    };
    view! {
        <li class="line" data-testid="own-line" data-own="true" data-state=state>
            <p dir="auto">{written}</p>
            {note}
        </li>
    }
}

/// The field to write in, and for whom.
#[component]
fn Composer(meeting: MeetingHandle, sent: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let signals = meeting.signals;
    let talk = signals.talk;
    let may_chat = Memo::new(move |_| talk.gathering.with(|gathering| gathering.may_chat));
    let others = Memo::new(move |_| {
        let gathering = talk.gathering.get();
        let open = |tile: &&crate::call::tiles::TileView| !tile.is_self && gathering.may_write_to(tile.peer);
        signals.view.with(|view| {
            view.tiles.iter().filter(open).map(|tile| (tile.peer, tile.name.clone())).collect::<Vec<_>>()
        })
    });
    // Who has gone, or may not be written to any longer, is nobody to write to.
    let recipient = Memo::new(move |_| {
        let chosen =
            talk.recipient.get().filter(|peer| others.with(|all| all.iter().any(|(other, _)| other == peer)));
        chosen.or_else(|| {
            if may_chat.get() { None } else { others.with(|all| all.first().map(|(peer, _)| *peer)) }
        })
    });
    let is_possible = Memo::new(move |_| may_chat.get() || others.with(|all| !all.is_empty()));
    let too_long = Memo::new(move |_| talk.draft.with(|draft| length_problem(draft)));
    let is_waiting = RwSignal::new(false);
    let problem = move || match too_long.get() {
        None if is_waiting.get() => Some(text(Key::LinesWaiting).to_owned()),
        problem => problem,
    };
    let send = move || {
        let written = talk.draft.get_untracked();
        if written.trim().is_empty()
            || !is_possible.get_untracked()
            || too_long.with_untracked(Option::is_some)
        {
            return;
        }
        let is_full = meeting.can_write(&written).is_err();
        is_waiting.set(is_full);
        if !is_full {
            talk.draft.set(String::new());
            sent();
            meeting.act(Act::Write { to: recipient.get_untracked(), text: written });
        }
    };
    let choose = move |event| talk.recipient.set(event_target_value(&event).parse::<PeerId>().ok());
    let note = move || match (may_chat.get(), is_possible.get()) {
        (true, _) => None,
        (false, true) => Some(text(Key::ChatForHosts)),
        (false, false) => Some(text(Key::ChatWithoutHosts)),
    };
    view! {
        <form
            class="composer"
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            {move || note().map(|note| view! { <p class="composer-note">{note}</p> })}
            <Show when=move || is_possible.get()>
                <label class="composer-to">
                    <span>{move || text(Key::SendTo)}</span>
                    <select
                        class="input select"
                        data-testid="chat-recipient"
                        on:change=choose
                        prop:value=move || recipient.get().map(|peer| peer.to_string()).unwrap_or_default()
                    >
                        <Show when=move || may_chat.get()>
                            <option value="" selected=move || recipient.get().is_none()>
                                {move || text(Key::Everybody)}
                            </option>
                        </Show>
                        <For each=move || others.get() key=|other| other.clone() let:other>
                            <option value=other.0.to_string() selected=move || recipient.get() == Some(other.0)>
                                {other.1.clone()}
                            </option>
                        </For>
                    </select>
                </label>
                <div class="composer-field" data-private=move || recipient.get().is_some().to_string()>
                    <textarea
                        class="input"
                        rows="1"
                        placeholder=move || text(Key::ChatPlaceholder)
                        aria-label=move || text(Key::ChatPlaceholder)
                        aria-description=move || text(Key::ChatKeys)
                        aria-invalid=move || too_long.with(Option::is_some).to_string()
                        aria-describedby="chat-problem"
                        enterkeyhint="send"
                        data-focus=""
                        data-testid="chat-text"
                        prop:value=talk.draft
                        on:input=move |event| {
                            talk.draft.set(event_target_value(&event));
                            is_waiting.set(false);
                        }
                        on:keydown=move |event| {
                            // While letters are composed, Enter belongs to the keyboard of the language.
                            if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
                                event.prevent_default();
                                send();
                            }
                        }
                    ></textarea>
                    <RoundButton
                        icon=Icon::Send
                        label=Signal::derive(move || text(Key::Send).to_owned())
                        test_id="chat-send"
                        blocked=Signal::derive(move || {
                            talk.draft.with(|draft| draft.trim().is_empty()) || too_long.with(Option::is_some)
                        })
                        press=send
                    />
                </div>
            </Show>
            <p class="field-message" id="chat-problem" role="alert">
                {problem}
            </p>
        </form>
    }
}

/// Nobody scrolls to the last pixel.
const AT_END_PIXELS: i32 = 32;
