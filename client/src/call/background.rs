//! What the others see behind the person.

use crate::strings::Key;

/// A choice of the menu.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Background {
    /// What the camera sees.
    #[default]
    Real,
    /// Blurred so far that nothing can be read: a [`Strength`] below the middle of both presets.
    LightBlur,
    /// Blurred past recognition: one above.
    StrongBlur,
    /// A picture that comes with the site.
    Scene(Scene),
    /// A picture of the person's own, which never leaves this browser but behind them.
    Own,
}

/// A background that comes with the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// A room with shelves and a plant.
    Study,
    /// A window over a city at night.
    City,
    /// Hills in the first light.
    Hills,
    /// Leaves, out of focus.
    Garden,
    /// A plain wall with the light of a window.
    Wall,
    /// The product's own colours.
    Visavis,
}

/// How much a blur takes away, in percent of the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Strength(u8);

impl Strength {
    /// That of the light blur.
    pub(crate) const LIGHT: Self = Self(35);
    /// That of the strong one.
    pub(crate) const STRONG: Self = Self(85);
    /// The least that may be called hidden, and the most.
    pub(crate) const MIN: Self = Self(10);
    pub(crate) const MAX: Self = Self(100);

    /// What a slider, or the browser's memory, says. What cannot be read hides much, since something was to be hidden.
    pub(crate) fn read(text: &str) -> Self {
        let percent = text.parse::<f64>().ok().filter(|percent| percent.is_finite());
        // The cast is within bounds after the clamp.
        percent.map_or(Self::STRONG, |percent| {
            Self(percent.round().clamp(f64::from(Self::MIN.0), f64::from(Self::MAX.0)) as u8)
        })
    }

    /// From 10 to 100.
    pub(crate) const fn percent(self) -> u8 {
        self.0
    }

    /// As a share of the most, as the effects take it.
    pub(crate) fn share(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Which of the two blurs of the menu it is nearer to.
    pub(crate) const fn background(self) -> Background {
        if self.0 <= u8::midpoint(Self::LIGHT.0, Self::STRONG.0) {
            Background::LightBlur
        } else {
            Background::StrongBlur
        }
    }
}

impl Background {
    /// The blur that a choice in the menu begins with; nothing for what is no blur.
    pub(crate) const fn preset(self) -> Option<Strength> {
        match self {
            Self::LightBlur => Some(Strength::LIGHT),
            Self::StrongBlur => Some(Strength::STRONG),
            Self::Real | Self::Scene(_) | Self::Own => None,
        }
    }

    /// Everything in the menu, in its order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Real,
        Self::LightBlur,
        Self::StrongBlur,
        Self::Scene(Scene::Study),
        Self::Scene(Scene::City),
        Self::Scene(Scene::Hills),
        Self::Scene(Scene::Garden),
        Self::Scene(Scene::Wall),
        Self::Scene(Scene::Visavis),
        Self::Own,
    ];

    /// Under what it is remembered; tests depend on it as well.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::LightBlur => "light-blur",
            Self::StrongBlur => "strong-blur",
            Self::Scene(scene) => scene.name(),
            Self::Own => "own",
        }
    }

    /// What was remembered. What is not known any longer hides the most, since something was to be hidden.
    pub(crate) fn remembered(name: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.name() == name).unwrap_or(Self::StrongBlur)
    }

    /// What it is called.
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::Real => Key::BackgroundReal,
            Self::LightBlur => Key::BackgroundLightBlur,
            Self::StrongBlur => Key::BackgroundStrongBlur,
            Self::Scene(Scene::Study) => Key::BackgroundStudy,
            Self::Scene(Scene::City) => Key::BackgroundCity,
            Self::Scene(Scene::Hills) => Key::BackgroundHills,
            Self::Scene(Scene::Garden) => Key::BackgroundGarden,
            Self::Scene(Scene::Wall) => Key::BackgroundWall,
            Self::Scene(Scene::Visavis) => Key::BackgroundVisavis,
            Self::Own => Key::BackgroundOwn,
        }
    }
}

impl Scene {
    /// The name of its file below `/effects/`, without the ending.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::City => "city",
            Self::Hills => "hills",
            Self::Garden => "garden",
            Self::Wall => "wall",
            Self::Visavis => "visavis",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_found_again_under_its_name() {
        for background in Background::ALL {
            assert_eq!(Background::remembered(background.name()), background);
        }
    }

    #[test]
    fn a_background_that_is_gone_does_not_show_the_room() {
        assert_eq!(Background::remembered("a scene of another version"), Background::StrongBlur);
    }

    #[test]
    fn a_blurs_strength_chooses_the_preset_beside_it() {
        for background in [Background::LightBlur, Background::StrongBlur] {
            assert_eq!(background.preset().map(Strength::background), Some(background));
        }
        assert_eq!(Strength::MIN.background(), Background::LightBlur);
        assert_eq!(Strength::MAX.background(), Background::StrongBlur);
    }

    #[test]
    fn a_strength_is_read_within_its_bounds_and_hides_much_when_it_is_unreadable() {
        for (text, percent) in [
            ("42", 42),
            ("42.4", 42),
            ("0", 10),
            ("-1e9", 10),
            ("1e9", 100),
            ("", 85),
            ("NaN", 85),
            ("x", 85),
        ] {
            assert_eq!(Strength::read(text).percent(), percent, "{text}");
        }
        assert!((Strength::MAX.share() - 1.0).abs() < f64::EPSILON);
    }
}
