//! Where every tile of the stage goes: a pure function of who is there, of the size of the stage, and of what was chosen.

use shared::limits::VIDEO_SLOTS_MAX;
use shared::{PeerId, SourceKind, SourceRef};

use super::layout::{Layout, Size, gap, is_narrow, layout};
use super::seating::Seating;

/// What the person wants to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A shared screen large when there is one, else everybody.
    #[default]
    Auto,
    /// Everybody, equally large.
    Grid,
    /// Whoever speaks, and nobody else.
    Speaker,
    /// Whoever speaks, large, and the others beside them.
    Sidebar,
}

impl Mode {
    /// All of them, in the order of the menu.
    pub(crate) const ALL: [Self; 4] = [Self::Auto, Self::Grid, Self::Speaker, Self::Sidebar];

    /// For the storage and for tests: stable.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Grid => "grid",
            Self::Speaker => "speaker",
            Self::Sidebar => "sidebar",
        }
    }

    /// What was chosen the last time; what is unknown is of another version.
    pub(crate) fn remembered(name: &str) -> Self {
        Self::ALL.into_iter().find(|mode| mode.name() == name).unwrap_or_default()
    }
}

/// What was chosen about the stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The kind of arrangement.
    pub(crate) mode: Mode,
    /// Which page, from 0; the last one when there are fewer.
    pub(crate) page: usize,
    /// What is to be shown large whatever happens, while it is there.
    pub(crate) pinned: Option<SourceRef>,
    /// The own tile is shown to nobody but the others.
    pub(crate) hides_self: bool,
}

/// Somebody, as far as it matters for their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Person {
    /// Who.
    pub(crate) peer: PeerId,
    /// Whether it is this page's own person.
    pub(crate) is_self: bool,
    /// Whether they share their screen.
    pub(crate) screen: bool,
    /// Whether they speak now.
    pub(crate) speaking: bool,
}

/// What the tiles make together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Equal tiles.
    #[default]
    Grid,
    /// One tile.
    Speaker,
    /// One large tile and small ones.
    Sidebar,
}

impl Shape {
    /// For `data-shape`: stable, tests and styles depend on it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Speaker => "speaker",
            Self::Sidebar => "sidebar",
        }
    }
}

/// What a tile is among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// One of many.
    Equal,
    /// The large one.
    Featured,
    /// One of the small ones beside it.
    Strip,
    /// The own one, over the large one.
    Floating,
}

impl Role {
    /// For `data-role`: stable, tests and styles depend on it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Featured => "featured",
            Self::Strip => "strip",
            Self::Floating => "floating",
        }
    }
}

/// A tile in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placed {
    /// Whose camera or screen.
    pub(crate) source: SourceRef,
    /// What it is among the others.
    pub(crate) role: Role,
    /// From the side where lines of text start, in CSS pixels.
    pub(crate) start: f64,
    /// From the top, in CSS pixels.
    pub(crate) top: f64,
    /// Width and height.
    pub(crate) size: Size,
}

/// All tiles that are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Arrangement {
    /// What they make together.
    pub(crate) shape: Shape,
    /// Each source once, the most important first.
    pub(crate) tiles: Vec<Placed>,
    /// The page that is shown, from 0.
    pub(crate) page: usize,
    /// How many there are, at least one when there is a tile.
    pub(crate) pages: usize,
    /// Screens of which one is shown large and the others can be, the latest last; empty when there is nothing to choose.
    pub(crate) tabs: Vec<SourceRef>,
}

impl Arrangement {
    /// The place of a source, when it is shown.
    pub(crate) fn place(&self, source: SourceRef) -> Option<&Placed> {
        self.tiles.iter().find(|placed| placed.source == source)
    }
}

/// Height of the line with the pages below the tiles, and of the one with the screens above them, in CSS pixels.
pub(crate) const LINE: f64 = 44.0;

/// Places everybody. `seating` is told who is there, and remembers.
pub(crate) fn arrange(seating: &mut Seating, people: &[Person], stage: Size, choice: Choice) -> Arrangement {
    seating.follow(people);
    let is_alone = seating.others().next().is_none();
    let own = people.iter().find(|person| person.is_self).map(|person| camera(person.peer));
    let own = own.filter(|_| is_alone || !choice.hides_self);
    let mut cast = Cast { seating, own, page: choice.page };
    match cast.focus(stage, choice) {
        None => cast.grid(stage),
        Some((featured, Shape::Speaker)) => cast.speaker(stage, featured),
        Some((featured, Shape::Grid | Shape::Sidebar)) => cast.sidebar(stage, featured),
    }
}

/// Everybody who is to be placed.
struct Cast<'a> {
    seating: &'a mut Seating,
    /// The own camera, when it is to be shown.
    own: Option<SourceRef>,
    page: usize,
}

/// One page of a list.
struct Page {
    sources: Vec<SourceRef>,
    number: usize,
    count: usize,
}

/// A place on the stage, in CSS pixels.
#[derive(Debug, Clone, Copy)]
struct Area {
    top: f64,
    size: Size,
}

impl Cast<'_> {
    /// What is shown large, and how; nothing for a grid.
    fn focus(&self, stage: Size, choice: Choice) -> Option<(SourceRef, Shape)> {
        let pinned = choice.pinned.filter(|source| self.is_there(*source));
        let screen = self.seating.screens().last().map(|peer| screen(*peer));
        let speaker = self.seating.speaker().map(camera)?;
        let is_pair = self.seating.others().count() == 1 && self.own.is_some();
        let is_phone = is_narrow(stage) && stage.width < stage.height;
        match choice.mode {
            Mode::Auto => match pinned.or(screen) {
                Some(featured) => Some((featured, Shape::Sidebar)),
                // Two on a phone: the other as large as can be.
                None => (is_pair && is_phone).then_some((speaker, Shape::Speaker)),
            },
            Mode::Grid => pinned.map(|featured| (featured, Shape::Sidebar)),
            Mode::Speaker => Some((pinned.or(screen).unwrap_or(speaker), Shape::Speaker)),
            Mode::Sidebar => Some((pinned.or(screen).unwrap_or(speaker), Shape::Sidebar)),
        }
    }

    fn is_there(&self, source: SourceRef) -> bool {
        match source.kind {
            SourceKind::Camera => {
                self.own == Some(source) || self.seating.others().any(|peer| peer == source.peer)
            }
            SourceKind::Screen => self.seating.screens().contains(&source.peer),
            SourceKind::Microphone | SourceKind::ScreenAudio => false,
        }
    }

    fn grid(&mut self, stage: Size) -> Arrangement {
        let screens: Vec<SourceRef> = self.seating.screens().iter().rev().copied().map(screen).collect();
        let Paged { page, area } = self.paged(whole(stage), &screens, None, grid_capacity);
        let Layout { columns, tile, gap, .. } = layout(area.size, page.sources.len());
        let rows: Vec<&[SourceRef]> = page.sources.chunks(columns.max(1)).collect();
        let top = centred(area.size.height, tile.height, rows.len(), gap);
        let place = |(row, sources): (usize, &&[SourceRef])| {
            let start = centred(area.size.width, tile.width, sources.len(), gap);
            let top = area.top + top + row as f64 * (tile.height + gap);
            let in_row = sources.iter().enumerate().map(move |(column, source)| {
                let start = start + column as f64 * (tile.width + gap);
                Placed { source: *source, role: Role::Equal, start, top, size: tile }
            });
            in_row.collect::<Vec<_>>()
        };
        let tiles = rows.iter().enumerate().flat_map(place).collect();
        Arrangement { shape: Shape::Grid, tiles, page: page.number, pages: page.count, tabs: Vec::new() }
    }

    fn speaker(&self, stage: Size, featured: SourceRef) -> Arrangement {
        let tabs = self.tabs(featured);
        let area = below_tabs(whole(stage), &tabs);
        let mut tiles = vec![large(area, featured)];
        if let Some(own) = self.own.filter(|own| *own != featured) {
            let size = floating(stage);
            let margin = gap(stage);
            let start = (stage.width - size.width - margin).max(0.0);
            let top = (stage.height - size.height - margin).max(0.0);
            tiles.push(Placed { source: own, role: Role::Floating, start, top, size });
        }
        Arrangement { shape: Shape::Speaker, tiles, page: 0, pages: 1, tabs }
    }

    fn sidebar(&mut self, stage: Size, featured: SourceRef) -> Arrangement {
        let tabs = self.tabs(featured);
        let area = below_tabs(whole(stage), &tabs);
        // Of several screens, the tabs choose; beside a camera they have their places.
        let screens: Vec<SourceRef> = match featured.kind {
            SourceKind::Screen => Vec::new(),
            SourceKind::Microphone | SourceKind::Camera | SourceKind::ScreenAudio => {
                self.seating.screens().iter().rev().copied().map(screen).collect()
            }
        };
        let Paged { page, area } = self.paged(area, &screens, Some(featured), Strip::capacity);
        let strip = Strip::of(area.size, page.sources.len());
        let (size, beside) = strip.place(area, &page.sources);
        let mut tiles = vec![large(Area { size, ..area }, featured)];
        tiles.extend(beside);
        Arrangement { shape: Shape::Sidebar, tiles, page: page.number, pages: page.count, tabs }
    }

    fn tabs(&self, featured: SourceRef) -> Vec<SourceRef> {
        let screens = self.seating.screens();
        if featured.kind == SourceKind::Screen && screens.len() > 1 {
            screens.iter().copied().map(screen).collect()
        } else {
            Vec::new()
        }
    }

    /// The page that is to be shown of these screens, the others and oneself, without what is shown large; and the place
    /// that is left for it. Only the first page follows who speaks.
    fn paged(
        &mut self,
        area: Area,
        screens: &[SourceRef],
        featured: Option<SourceRef>,
        capacity: impl Fn(Size) -> usize,
    ) -> Paged {
        let own = self.own.filter(|own| Some(*own) != featured);
        let except = featured.filter(|source| source.kind == SourceKind::Camera).map(|source| source.peer);
        let others = self.seating.others().filter(|peer| Some(*peer) != except).count();
        let count = screens.len() + others + usize::from(own.is_some());
        let (area, places) = if count <= capacity(area.size) {
            (area, capacity(area.size))
        } else {
            let height = (area.size.height - LINE).max(0.0);
            let area = Area { size: Size { height, ..area.size }, ..area };
            (area, capacity(area.size))
        };
        let places = places.max(1);
        if self.page == 0 {
            let taken = screens.len() + usize::from(own.is_some() && places > 1);
            self.seating.bring_speakers(places.saturating_sub(taken), except);
        }
        let others = self.seating.others().filter(|peer| Some(*peer) != except).map(camera);
        let list = screens.iter().copied().chain(others).collect();
        Paged { page: page(list, own, places, self.page), area }
    }
}

struct Paged {
    page: Page,
    area: Area,
}

/// Oneself is the last of the first page.
fn page(mut list: Vec<SourceRef>, own: Option<SourceRef>, places: usize, number: usize) -> Page {
    if let Some(own) = own {
        let last = if places > 1 { (places - 1).min(list.len()) } else { list.len() };
        list.insert(last, own);
    }
    let count = list.len().div_ceil(places).max(1);
    let number = number.min(count - 1);
    let sources = list.into_iter().skip(number * places).take(places).collect();
    Page { sources, number, count }
}

/// The small tiles: a column beside the large one, or rows below it where the stage stands.
#[derive(Debug, Clone, Copy)]
struct Strip {
    stands: bool,
    columns: usize,
    tile: Size,
    gap: f64,
}

impl Strip {
    /// How many there is room for.
    fn capacity(stage: Size) -> usize {
        if stage.width < stage.height {
            let rows = if stage.height < 480.0 { 1 } else { 2 };
            return Self::columns(stage) * rows;
        }
        let least = STRIP_LEAST.min(stage.width / 3.0) / CAMERA;
        (((stage.height + gap(stage)) / (least + gap(stage))) as usize).max(1)
    }

    /// So many tiles, as large as is good beside the large one.
    fn of(stage: Size, count: usize) -> Self {
        let gap = gap(stage);
        if stage.width < stage.height {
            let columns = Self::columns(stage);
            let width = (stage.width - gap * (columns - 1) as f64) / columns as f64;
            let height = (width / CAMERA).min(stage.height * 0.2);
            return Self { stands: true, columns, tile: whole_pixels(width, height), gap };
        }
        let share = (stage.height + gap) / count.max(1) as f64 - gap;
        let most = (stage.width * 0.2).clamp(STRIP_LEAST, 264.0).min(stage.width / 3.0);
        let width = most.min(share.max(1.0) * CAMERA);
        Self { stands: false, columns: 1, tile: whole_pixels(width, width / CAMERA), gap }
    }

    fn columns(stage: Size) -> usize {
        ((stage.width / 200.0) as usize).clamp(2, 4)
    }

    /// What is left for the large tile, and the small ones.
    fn place(self, area: Area, sources: &[SourceRef]) -> (Size, Vec<Placed>) {
        let Size { width, height } = area.size;
        if sources.is_empty() {
            return (area.size, Vec::new());
        }
        let rows = sources.len().div_ceil(self.columns);
        let (step, gap) = (self.tile.height + self.gap, self.gap);
        let strip_height = step * rows as f64 - gap;
        let left = if self.stands {
            Size { width, height: (height - strip_height - gap).max(1.0) }
        } else {
            Size { width: (width - self.tile.width - gap).max(1.0), height }
        };
        let first = if self.stands { height - strip_height } else { (height - strip_height) / 2.0 };
        let place = |(at, source): (usize, &SourceRef)| {
            let (row, column) = (at / self.columns, at % self.columns);
            let in_row = (sources.len() - row * self.columns).min(self.columns);
            let start = if self.stands {
                centred(width, self.tile.width, in_row, gap) + column as f64 * (self.tile.width + gap)
            } else {
                width - self.tile.width
            };
            let top = area.top + first.max(0.0).floor() + row as f64 * step;
            Placed { source: *source, role: Role::Strip, start, top, size: self.tile }
        };
        (left, sources.iter().enumerate().map(place).collect())
    }
}

/// The large tile. A camera keeps its shape, a screen may have all of the place: it is shown whole.
fn large(area: Area, source: SourceRef) -> Placed {
    let size = match source.kind {
        SourceKind::Screen => whole_pixels(area.size.width, area.size.height),
        SourceKind::Microphone | SourceKind::Camera | SourceKind::ScreenAudio => layout(area.size, 1).tile,
    };
    let start = ((area.size.width - size.width) / 2.0).max(0.0).floor();
    let top = area.top + ((area.size.height - size.height) / 2.0).max(0.0).floor();
    Placed { source, role: Role::Featured, start, top, size }
}

/// The own tile over the large one.
fn floating(stage: Size) -> Size {
    if stage.width < stage.height {
        let width = (stage.width * 0.28).clamp(72.0, 150.0);
        whole_pixels(width, width / PORTRAIT)
    } else {
        let width = (stage.width * 0.18).clamp(96.0, 280.0);
        whole_pixels(width, width / CAMERA)
    }
}

/// The most tiles of which each is still large enough.
fn grid_capacity(stage: Size) -> usize {
    let least = if is_narrow(stage) { LEAST_ON_PHONE } else { LEAST };
    let is_enough = |count: &usize| {
        let tile = layout(stage, *count).tile;
        tile.width >= least.width && tile.height >= least.height
    };
    (1..=GRID_MAX).rev().find(is_enough).unwrap_or(1)
}

fn below_tabs(area: Area, tabs: &[SourceRef]) -> Area {
    if tabs.is_empty() {
        return area;
    }
    let height = (area.size.height - LINE).max(0.0);
    Area { top: area.top + LINE, size: Size { height, ..area.size } }
}

const fn whole(stage: Size) -> Area {
    Area { top: 0.0, size: stage }
}

/// Where the first of so many begins, so that all together are in the middle.
fn centred(place: f64, length: f64, count: usize, gap: f64) -> f64 {
    let all = (length + gap) * count as f64 - gap;
    ((place - all) / 2.0).max(0.0).floor()
}

const fn whole_pixels(width: f64, height: f64) -> Size {
    Size { width: width.floor().max(1.0), height: height.floor().max(1.0) }
}

const fn camera(peer: PeerId) -> SourceRef {
    SourceRef { peer, kind: SourceKind::Camera }
}

const fn screen(peer: PeerId) -> SourceRef {
    SourceRef { peer, kind: SourceKind::Screen }
}

/// The usual shape of a camera's picture, lying …
const CAMERA: f64 = 16.0 / 9.0;
/// … and standing.
const PORTRAIT: f64 = 3.0 / 4.0;
/// A face is still recognised: five columns on a small notebook …
const LEAST: Size = Size { width: 192.0, height: 108.0 };
/// … and two on a phone.
const LEAST_ON_PHONE: Size = Size { width: 150.0, height: 108.0 };
/// The least width of a tile in a column beside the large one.
const STRIP_LEAST: f64 = 144.0;
/// As many as there are slots to fill.
const GRID_MAX: usize = VIDEO_SLOTS_MAX;

#[cfg(test)]
mod tests;
