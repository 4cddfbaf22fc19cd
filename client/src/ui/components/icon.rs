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
    Statistics,
    Chat,
    Captions,
    Hand,
    Smile,
    Send,
    Lock,
    Language,
    Share,
    StopShare,
    Layout,
    LayoutGrid,
    LayoutSpeaker,
    LayoutSidebar,
    Float,
    FullScreen,
    Keyboard,
    Dots,
    Pin,
    Hide,
    Next,
    Previous,
}

impl Icon {
    /// Whether it points along the line, and so the other way where lines run from right to left.
    const fn is_directed(self) -> bool {
        matches!(self, Self::Speaker | Self::Send | Self::Next | Self::Previous)
    }

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
            Self::Statistics => r#"<path d="M4 4v13.5A2.5 2.5 0 0 0 6.5 20H20M8 15l3.5-4.5 3 2.5L20 6.5"/>"#,
            Self::Language => {
                r#"<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.4 2.3 3.6 5.1 3.6 8.5s-1.2 6.2-3.6 8.5c-2.4-2.3-3.6-5.1-3.6-8.5s1.2-6.2 3.6-8.5z"/>"#
            }
            Self::Share => {
                r#"<rect x="3" y="4.5" width="18" height="13" rx="2.5"/><path d="M9 21h6M12 14.5v-6M9.2 11l2.8-2.8 2.8 2.8"/>"#
            }
            Self::StopShare => {
                r#"<rect x="3" y="4.5" width="18" height="13" rx="2.5"/><path d="M9 21h6M9.8 8.8l4.4 4.4M14.2 8.8l-4.4 4.4"/>"#
            }
            Self::Layout => {
                r#"<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><path d="M14 4.5v15M14 12h6.5"/>"#
            }
            Self::LayoutGrid => {
                r#"<rect x="4" y="4.5" width="7" height="6" rx="1.5"/><rect x="13" y="4.5" width="7" height="6" rx="1.5"/><rect x="4" y="13.5" width="7" height="6" rx="1.5"/><rect x="13" y="13.5" width="7" height="6" rx="1.5"/>"#
            }
            Self::LayoutSpeaker => {
                r#"<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><circle cx="12" cy="10" r="2.3"/><path d="M7.8 16.5a4.3 4.3 0 0 1 8.4 0"/>"#
            }
            Self::LayoutSidebar => {
                r#"<rect x="3" y="4.5" width="12" height="15" rx="2"/><path d="M18 5.5h3v3.2h-3zM18 10.4h3v3.2h-3zM18 15.3h3v3.2h-3z"/>"#
            }
            Self::Float => {
                r#"<path d="M20.5 10V7A2.5 2.5 0 0 0 18 4.5H6A2.5 2.5 0 0 0 3.5 7v9A2.5 2.5 0 0 0 6 18.5h3.5"/><rect class="solid" x="12.5" y="13" width="8.5" height="6.5" rx="1.6"/>"#
            }
            Self::FullScreen => r#"<path d="M4 9V4.5h4.5M15.5 4.5H20V9M20 15v4.5h-4.5M8.5 19.5H4V15"/>"#,
            Self::Keyboard => {
                r#"<rect x="2.5" y="6" width="19" height="12" rx="2.5"/><path d="M6.5 10v.1M10.2 10v.1M13.8 10v.1M17.5 10v.1M8 14.2h8"/>"#
            }
            Self::Dots => {
                r#"<circle class="solid" cx="12" cy="5.5" r="1.7"/><circle class="solid" cx="12" cy="12" r="1.7"/><circle class="solid" cx="12" cy="18.5" r="1.7"/>"#
            }
            Self::Pin => r#"<path d="M9 4h6l-.7 6 3.2 3.5h-11L9.7 10zM12 13.5V20"/>"#,
            Self::Hide => {
                r#"<path d="M6.2 6.6C4.4 8 3.2 10 2.8 12c.9 3.6 4.6 6.5 9.2 6.5 1.8 0 3.4-.4 4.8-1.2M9.6 5.8a10 10 0 0 1 2.4-.3c4.6 0 8.3 2.9 9.2 6.5a8.6 8.6 0 0 1-2 3.6M10 10.2a2.7 2.7 0 0 0 3.8 3.8M4 4l16 16"/>"#
            }
            Self::Next => r#"<path d="M9.5 6l6 6-6 6"/>"#,
            Self::Previous => r#"<path d="M14.5 6l-6 6 6 6"/>"#,
            Self::Chat => {
                r#"<path d="M6.5 4.5h11A2.5 2.5 0 0 1 20 7v7.5a2.5 2.5 0 0 1-2.5 2.5H12l-4.5 3.5V17h-1A2.5 2.5 0 0 1 4 14.5V7a2.5 2.5 0 0 1 2.5-2.5zM8.5 9h7M8.5 12.5h4.5"/>"#
            }
            Self::Captions => {
                r#"<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="M6.5 11.5h4M13 11.5h4.5M6.5 15h6.5M15.5 15h2"/>"#
            }
            Self::Hand => {
                r#"<path d="M8 12.5V6a1.4 1.4 0 0 1 2.8 0v5M10.8 11V4.4a1.4 1.4 0 0 1 2.8 0V11M13.6 11V5.6a1.4 1.4 0 0 1 2.8 0V12M16.4 12V8.6a1.4 1.4 0 0 1 2.8 0V14c0 4-2.4 6.8-6 6.8-3 0-4.6-1.3-6-3.9l-2.6-4.6a1.4 1.4 0 0 1 2.4-1.4L8 12.5"/>"#
            }
            Self::Smile => {
                r#"<circle cx="12" cy="12" r="8.5"/><path d="M8.3 13.8a4.2 4.2 0 0 0 7.4 0M9 9.3v.4M15 9.3v.4"/>"#
            }
            Self::Send => r#"<path d="M4.5 5l16 7-16 7 2.8-7zM7.3 12h7"/>"#,
            Self::Lock => {
                r#"<rect x="5" y="10.5" width="14" height="9.5" rx="2.5"/><path d="M8.2 10.5V8a3.8 3.8 0 0 1 7.6 0v2.5M12 14.3v2"/>"#
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
            class=move || format!("icon {class} {}", if icon.get().is_directed() { "directed" } else { "" })
            viewBox="0 0 24 24"
            aria-hidden="true"
            inner_html=move || icon.get().drawing()
        ></svg>
    }
}
