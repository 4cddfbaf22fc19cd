//! What the others see behind the person.

use crate::strings::Key;

/// A choice of the menu.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Background {
    /// What the camera sees.
    #[default]
    Real,
    /// Blurred so far that nothing can be read.
    LightBlur,
    /// Blurred past recognition.
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

impl Background {
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
}
