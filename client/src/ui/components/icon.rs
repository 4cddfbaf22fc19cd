use leptos::prelude::*;

/// Our own drawings, on 24 × 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Microphone,
    MicrophoneOff,
    Camera,
    CameraOff,
    Speaker,
    Devices,
    People,
    Link,
    Leave,
    Check,
    Chevron,
    Close,
    Warning,
    Plus,
    Pause,
    Hourglass,
    SignalLow,
    Backgrounds,
    NoEffect,
    LightBlur,
    StrongBlur,
}

impl Icon {
    const fn drawing(self) -> &'static str {
        match self {
            Self::Microphone => {
                r#"<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>"#
            }
            Self::MicrophoneOff => {
                r#"<path d="M15 10.5V6a3 3 0 0 0-5.8-1.1M9 9.5V11a3 3 0 0 0 4.6 2.5M5.5 11.5a6.5 6.5 0 0 0 10.3 5.3M18.3 13.2c.1-.5.2-1.1.2-1.7M12 18v3M4 4l16 16"/>"#
            }
            Self::Camera => {
                r#"<rect x="3" y="6.5" width="12" height="11" rx="2.5"/><path d="M15 10.8l4.6-2.9a.9.9 0 0 1 1.4.8v6.6a.9.9 0 0 1-1.4.8L15 13.2"/>"#
            }
            Self::CameraOff => {
                r#"<path d="M9.5 6.5h3A2.5 2.5 0 0 1 15 9v1.8l4.6-2.9a.9.9 0 0 1 1.4.8v6.6a.9.9 0 0 1-1 .9M14.8 15.8a2.5 2.5 0 0 1-2.3 1.7h-7A2.5 2.5 0 0 1 3 15V9a2.5 2.5 0 0 1 1.9-2.4M4 4l16 16"/>"#
            }
            Self::Speaker => {
                r#"<path d="M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11"/>"#
            }
            Self::Devices => {
                r#"<path d="M4 7h8.5M17 7h3M4 17h3M11.5 17H20"/><circle cx="14.7" cy="7" r="2.2"/><circle cx="9.2" cy="17" r="2.2"/>"#
            }
            Self::People => {
                r#"<circle cx="9" cy="8" r="3.3"/><path d="M2.8 19.5a6.2 6.2 0 0 1 12.4 0M15.5 4.9a3.3 3.3 0 0 1 0 6.2M17.7 13.7a6.2 6.2 0 0 1 3.5 5.8"/>"#
            }
            Self::Link => {
                r#"<path d="M10 13.8a4 4 0 0 0 5.8.2l3-3a4 4 0 0 0-5.7-5.7l-1.3 1.3M14 10.2a4 4 0 0 0-5.8-.2l-3 3a4 4 0 0 0 5.7 5.7l1.3-1.3"/>"#
            }
            Self::Leave => {
                r#"<path class="solid" d="M3.4 11.6c4.8-4.5 12.4-4.5 17.2 0 .7.6.8 1.6.2 2.3l-1.3 1.7c-.4.5-1.1.7-1.7.4l-2.6-1.2a1.4 1.4 0 0 1-.8-1.3v-1.7a9.6 9.6 0 0 0-4.8 0v1.7c0 .6-.3 1.1-.8 1.3l-2.6 1.2c-.6.3-1.3.1-1.7-.4l-1.3-1.7c-.6-.7-.5-1.7.2-2.3z"/>"#
            }
            Self::Backgrounds => {
                r#"<path d="M12 4.5h5.5A2.5 2.5 0 0 1 20 7v9.5M4 8v8.5a2.5 2.5 0 0 0 .7 1.7M4 13l4-4M4 8l3.5-3.5"/><circle cx="12.5" cy="10.5" r="3"/><path d="M6.5 19.5a6 6 0 0 1 12 0z"/>"#
            }
            Self::NoEffect => r#"<circle cx="12" cy="12" r="8.5"/><path d="M6 6l12 12"/>"#,
            Self::LightBlur => {
                r#"<circle cx="12" cy="9" r="3.2"/><path d="M5.5 19.5a6.5 6.5 0 0 1 13 0M4 5v.1M4 9.5v.1M4 14v.1M20 5v.1M20 9.5v.1M20 14v.1"/>"#
            }
            Self::StrongBlur => {
                r#"<circle cx="12" cy="9" r="3.2"/><path d="M5.5 19.5a6.5 6.5 0 0 1 13 0M3 4v.1M3 7.5v.1M3 11v.1M3 14.5v.1M6.5 4v.1M6.5 7.5v.1M6.5 11v.1M21 4v.1M21 7.5v.1M21 11v.1M21 14.5v.1M17.5 4v.1M17.5 7.5v.1M17.5 11v.1"/>"#
            }
            Self::Check => r#"<path d="M5 12.5l4.5 4.5L19 7.5"/>"#,
            Self::Chevron => r#"<path d="M6.5 9.5l5.5 5.5 5.5-5.5"/>"#,
            Self::Close => r#"<path d="M6 6l12 12M18 6L6 18"/>"#,
            Self::Warning => r#"<path d="M12 4.2l8.8 15.3H3.2zM12 10v4.2M12 16.9v.1"/>"#,
            Self::Plus => r#"<path d="M12 5v14M5 12h14"/>"#,
            Self::Pause => r#"<path d="M9 6v12M15 6v12"/>"#,
            Self::Hourglass => {
                r#"<path d="M7 4h10M7 20h10M8 4v3.2L12 12l4-4.8V4M8 20v-3.2L12 12l4 4.8V20"/>"#
            }
            Self::SignalLow => r#"<path d="M6 19v-4"/><path d="M12 19V10M18 19V5" opacity="0.35"/>"#,
        }
    }
}

/// An icon without a meaning of its own: what it stands beside, or sits in, has the name.
#[component]
pub(crate) fn IconView(
    #[prop(into)] icon: Signal<Icon>,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    view! {
        <svg
            class=format!("icon {class}")
            viewBox="0 0 24 24"
            aria-hidden="true"
            inner_html=move || icon.get().drawing()
        ></svg>
    }
}
