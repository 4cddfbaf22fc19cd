//! Parts of pages, one per file.

mod avatar;
mod background_picker;
mod banners;
mod capture_notices;
mod control_bar;
mod copy_link;
mod device_picker;
mod icon;
mod level_meter;
mod people_panel;
mod round_button;
mod source_button;
mod stage;
mod tile;
mod video;
mod wordmark;

pub(crate) use avatar::Avatar;
pub(crate) use background_picker::{BackgroundPanel, BackgroundPicker};
pub(crate) use banners::Banners;
pub(crate) use capture_notices::CaptureNotices;
pub(crate) use control_bar::{ControlBar, OpenParts, Panel};
pub(crate) use copy_link::CopyLink;
pub(crate) use device_picker::{DevicePickers, Opens};
pub(crate) use icon::{Icon, IconView};
pub(crate) use level_meter::LevelMeterView;
pub(crate) use people_panel::PeoplePanel;
pub(crate) use round_button::RoundButton;
pub(crate) use source_button::SourceButton;
pub(crate) use stage::Stage;
pub(crate) use video::Video;
pub(crate) use wordmark::{Mark, Wordmark};
