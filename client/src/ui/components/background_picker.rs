use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use super::video::Video;
use crate::call::background::{Background, Strength};
use crate::call::governor::Effort;
use crate::session::{ChosenFile, EffectsState, LocalMedia, SentCamera, scene_address};
use crate::strings::{Key, text, text_with};

/// All backgrounds as thumbnails, of which one is chosen; and the way to one's own.
#[component]
pub(crate) fn BackgroundPicker(media: LocalMedia) -> impl IntoView {
    let camera = media.sent_camera;
    let problem = RwSignal::new(None::<Key>);
    let offered = move || {
        let has_own = camera.own.with(Option::is_some);
        Background::ALL.into_iter().filter(move |background| has_own || *background != Background::Own)
    };
    let add = move |file: Option<ChosenFile>| {
        problem.set(None);
        let Some(file) = file else { return };
        spawn_local(async move {
            match camera.choose_own(file).await {
                Ok(true) => {}
                Ok(false) => problem.set(Some(Key::PictureNotKept)),
                Err(()) => problem.set(Some(Key::NotAPicture)),
            }
        });
    };
    let is_blur = move || camera.background.get().preset().is_some();
    view! {
        <div class="backgrounds" data-testid="backgrounds">
            <div class="background-grid" role="radiogroup" aria-label=move || text(Key::Backgrounds)>
                {move || {
                    offered()
                        .map(|background| view! { <Thumbnail background=background camera=camera /> })
                        .collect_view()
                }}
            </div>
            <Show when=is_blur>
                <StrengthSlider camera=camera />
            </Show>
            <label class="button quiet wide background-add">
                <IconView icon=Icon::Plus />
                {move || text(Key::AddBackground)}
                <input
                    class="only-spoken"
                    type="file"
                    accept="image/*"
                    data-testid="own-background"
                    on:change=move |event| add(ChosenFile::of(&event))
                />
            </label>
            <p class="hint">{move || text(Key::OwnStaysHere)}</p>
            <p class="field-message" role="alert" data-testid="background-message">
                {move || problem.get().map(text)}
            </p>
            <EffectsStatus camera=camera />
        </div>
    }
}

/// How much a blur takes away; what is chosen is seen at once.
#[component]
fn StrengthSlider(camera: SentCamera) -> impl IntoView {
    let percent = move || camera.strength.get().percent();
    let spoken = move || text_with(Key::Percent, &[("number", &percent().to_string())]);
    let fill = move || {
        let range = Strength::MAX.percent() - Strength::MIN.percent();
        let share = f64::from(percent() - Strength::MIN.percent()) / f64::from(range);
        format!("--share: {share}")
    };
    view! {
        <label class="slider">
            <span>{move || text(Key::BlurStrength)}</span>
            <output aria-hidden="true">{spoken}</output>
            <input
                type="range"
                min=Strength::MIN.percent()
                max=Strength::MAX.percent()
                step="5"
                style=fill
                aria-label=move || text(Key::BlurStrength)
                aria-valuetext=spoken
                data-testid="blur-strength"
                prop:value=move || percent().to_string()
                on:input=move |event| camera.choose_strength(Strength::read(&event_target_value(&event)))
            />
        </label>
    }
}

/// One background; arrow keys go from one to the next, as in every group of radio buttons.
#[component]
fn Thumbnail(background: Background, camera: SentCamera) -> impl IntoView {
    let picture = move || match background {
        Background::Scene(scene) => Some(format!("background-image: url(\"{}\")", scene_address(scene))),
        Background::Own => camera.own.get().map(|address| format!("background-image: url(\"{address}\")")),
        Background::Real | Background::LightBlur | Background::StrongBlur => None,
    };
    let icon = match background {
        Background::Real => Some(Icon::NoEffect),
        Background::LightBlur => Some(Icon::LightBlur),
        Background::StrongBlur => Some(Icon::StrongBlur),
        Background::Scene(_) | Background::Own => None,
    };
    view! {
        <label class="background" title=move || text(background.label())>
            <input
                class="only-spoken"
                type="radio"
                name="background"
                value=background.name()
                aria-label=move || text(background.label())
                data-testid=format!("background-{}", background.name())
                prop:checked=move || camera.background.get() == background
                on:change=move |_| camera.choose(background)
            />
            <span class="background-picture" style=picture>
                {icon.map(|icon| view! { <IconView icon=icon /> })}
            </span>
        </label>
    }
}

/// Whether the effects are being loaded, or simpler than chosen.
#[component]
fn EffectsStatus(camera: SentCamera) -> impl IntoView {
    let sentence = move || match camera.effects.get() {
        EffectsState::Loading => Some(text(Key::EffectsLoading)),
        EffectsState::Drawing(effort, _) if effort > Effort::Full => Some(text(Key::EffectsLowered)),
        EffectsState::None | EffectsState::Drawing(..) => None,
    };
    let state = move || match camera.effects.get() {
        EffectsState::None => "none",
        EffectsState::Loading => "loading",
        EffectsState::Drawing(..) => "drawing",
    };
    let pictures = move || match camera.effects.get() {
        EffectsState::Drawing(_, second) => format!("{} × {:.1} ms", second.finished, second.median_ms),
        EffectsState::None | EffectsState::Loading => String::new(),
    };
    view! {
        <p class="hint" role="status" data-testid="effects" data-state=state data-second=pictures>
            {sentence}
        </p>
    }
}

/// The backgrounds beside the meeting.
#[component]
pub(crate) fn BackgroundPanel(media: LocalMedia, close: impl Fn() + 'static) -> impl IntoView {
    view! {
        <aside class="panel" aria-label=move || text(Key::Backgrounds) data-testid="background-panel">
            <div class="panel-head">
                <h2>{move || text(Key::Backgrounds)}</h2>
                <RoundButton
                    icon=Icon::Close
                    label=Signal::derive(move || text(Key::ClosePanel).to_owned())
                    test_id="close-backgrounds"
                    press=close
                />
            </div>
            <div class="panel-body">
                <div class="background-preview">
                    <Video picture=media.sent_camera.picture mirrored=true />
                </div>
                <BackgroundPicker media=media />
            </div>
        </aside>
    }
}
