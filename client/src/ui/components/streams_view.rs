use leptos::prelude::*;

use crate::call::statistics::Statistics;
use crate::call::stream_rows::{StreamRow, received_rows, sent_rows};
use crate::session::MeetingSignals;
use crate::strings::{Key, text};

/// What is sent and what is received, stream by stream.
#[component]
pub(super) fn Streams(signals: MeetingSignals, statistics: RwSignal<Statistics>) -> impl IntoView {
    let rates = Memo::new(move |_| {
        let now = signals.now.get();
        statistics.with(|all| all.rates(now).cloned())
    });
    let sent = Memo::new(move |_| rates.with(|rates| rates.as_ref().map(sent_rows).unwrap_or_default()));
    let received = Memo::new(move |_| {
        let name_of = |slot: &str| signals.view.with(|view| view.name_in(slot));
        rates.with(|rates| rates.as_ref().map(|rates| received_rows(rates, name_of)).unwrap_or_default())
    });
    let protocol =
        Memo::new(move |_| rates.with(|rates| rates.as_ref().and_then(|rates| rates.path.protocol.clone())));
    view! {
        <Show when=move || protocol.with(Option::is_some)>
            <dl class="facts">
                <div>
                    <dt>{move || text(Key::StatisticsProtocol)}</dt>
                    <dd data-testid="protocol">{move || protocol.get().map(|name| name.to_uppercase())}</dd>
                </div>
            </dl>
        </Show>
        <Table heading=Key::StatisticsReceived rows=received test_id="received" />
        <Table heading=Key::StatisticsSent rows=sent test_id="sent" />
    }
}

/// A card for each stream: a table with nine columns fits neither into the panel nor onto a phone.
#[component]
fn Table(heading: Key, rows: Memo<Vec<StreamRow>>, test_id: &'static str) -> impl IntoView {
    let cell = |(name, value): (Key, String)| {
        view! {
            <div>
                <dt>{move || text(name)}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    let card = move |row: StreamRow| {
        view! {
            <li class="stream" data-testid=row.test_id>
                <h4>{row.name}</h4>
                <dl class="facts">{row.cells.into_iter().map(cell).collect_view()}</dl>
            </li>
        }
    };
    view! {
        <section data-testid=test_id>
            <h3>{move || text(heading)}</h3>
            <Show
                when=move || rows.with(|rows| !rows.is_empty())
                fallback=|| view! { <p class="hint">{move || text(Key::StatisticsNoStreams)}</p> }
            >
                <ul class="streams">{move || rows.get().into_iter().map(card).collect_view()}</ul>
            </Show>
        </section>
    }
}
