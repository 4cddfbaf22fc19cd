use leptos::prelude::*;

use crate::call::latency::{Budget, Stage};
use crate::call::statistics::{Statistics, stage_text};
use crate::session::Moment;
use crate::strings::{Key, text, text_with};

/// Where the time between camera and screen goes: a bar of stages, and the same as a table.
#[component]
pub(super) fn BudgetView(statistics: RwSignal<Statistics>, now: RwSignal<Moment>) -> impl IntoView {
    let budget = Memo::new(move |_| {
        let now = now.get();
        statistics.with(|all| all.budget(now))
    });
    view! {
        <section class="budget" data-testid="budget">
            <h3>{move || text(Key::StatisticsBudget)}</h3>
            <p class="hint">{move || text(Key::StatisticsBudgetText)}</p>
            {move || match budget.get() {
                None => view! { <p role="status">{move || text(Key::StatisticsBudgetNothing)}</p> }.into_any(),
                Some(budget) => {
                    view! {
                        <Bar budget=budget />
                        <Table budget=budget />
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

/// The stages beside each other, as wide as they are long. Each has its number in it and in the table: colour is not all.
#[component]
fn Bar(budget: Budget) -> impl IntoView {
    let parts = budget.parts();
    let spoken =
        |(stage, _): &(Stage, f64)| format!("{} {}", text(stage.label()), stage_text(budget.stage(*stage)));
    let stages = parts.iter().map(spoken).collect::<Vec<_>>().join(", ");
    let sum = stage_text(Some(budget.sum()));
    let label = text_with(Key::StatisticsBudgetBar, &[("sum", &sum), ("stages", &stages)]);
    let part = |(stage, part): (Stage, f64)| {
        let width = format!("flex-grow: {:.4}", part);
        // A number in a part that is too narrow for it would only be cut off.
        let number = (part > NUMBER_MIN).then_some(stage as usize + 1);
        view! {
            <span data-stage=stage.name() style=width>
                {number}
            </span>
        }
    };
    view! {
        <div class="budget-bar" role="img" aria-label=label data-testid="budget-bar">
            {parts.into_iter().map(part).collect_view()}
        </div>
    }
}

/// The part of the bar that holds a number.
const NUMBER_MIN: f64 = 0.06;

#[component]
fn Table(budget: Budget) -> impl IntoView {
    let line = |stage: Stage| {
        view! {
            <tr data-testid=format!("stage-{}", stage.name())>
                <th scope="row">
                    <span class="budget-key" data-stage=stage.name() aria-hidden="true">
                        {stage as usize + 1}
                    </span>
                    {move || text(stage.label())}
                </th>
                <td class="number">{stage_text(budget.stage(stage))}</td>
                <td class="budget-source">{move || text(stage.source())}</td>
            </tr>
        }
    };
    view! {
        <table class="budget-table">
            <thead>
                <tr>
                    <th scope="col">{move || text(Key::ColumnStage)}</th>
                    <th scope="col" class="number">
                        {move || text(Key::ColumnTime)}
                    </th>
                    <th scope="col">{move || text(Key::ColumnSource)}</th>
                </tr>
            </thead>
            <tbody>{Stage::ALL.map(line).collect_view()}</tbody>
            <tfoot>
                <tr data-testid="stage-sum">
                    <th scope="row">{move || text(Key::StatisticsSum)}</th>
                    <td class="number">{stage_text(Some(budget.sum()))}</td>
                    <td></td>
                </tr>
            </tfoot>
        </table>
    }
}
