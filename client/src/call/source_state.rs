//! The own microphone and camera: what is wanted, what is, and why not.

use super::capture_problem::CaptureProblem;

/// The state of one of the two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SourceState {
    /// Sounds or shows now.
    pub(crate) on: bool,
    /// The browser is being asked for the device.
    pub(crate) starting: bool,
    /// Why it cannot be had.
    pub(crate) problem: Option<CaptureProblem>,
}

impl SourceState {
    /// The browser is being asked.
    pub(crate) const fn started(self) -> Self {
        Self { starting: true, ..self }
    }

    /// The device was given.
    pub(crate) const fn succeeded(on: bool) -> Self {
        Self { on, starting: false, problem: None }
    }

    /// It cannot be had.
    pub(crate) const fn failed(problem: CaptureProblem) -> Self {
        Self { on: false, starting: false, problem: Some(problem) }
    }

    /// Switched off by the person. What was the matter before is over.
    pub(crate) const fn switched_off() -> Self {
        Self { on: false, starting: false, problem: None }
    }

    /// For `data-state`: stable, tests and styles depend on it.
    pub(crate) const fn state(self) -> &'static str {
        if self.on { "on" } else { "off" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_starts_is_not_on_yet_and_a_failure_ends_the_start() {
        let state = SourceState::default().started();
        assert!(state.starting && !state.on);
        let state = SourceState::failed(CaptureProblem::Busy);
        assert_eq!((state.on, state.starting, state.state()), (false, false, "off"));
        assert_eq!(SourceState::succeeded(true).state(), "on");
        assert_eq!(SourceState::switched_off().problem, None);
    }
}
