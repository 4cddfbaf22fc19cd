//! What the program does besides serving: it makes tokens and keys, and ends.

mod doctor;
mod keys;
mod token;

use std::path::PathBuf;

pub use self::keys::{KeysArguments, NewKey};
pub use self::token::TokenArguments;
use crate::access::{KeyError, TokenError, UnixSeconds};
use crate::config::Loaded;
use crate::doctor::DoctorArguments;

/// Instead of serving. Absent: serve.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Print a token that lets somebody into a meeting
    Token(TokenArguments),
    /// Make keys for the settings
    Keys(KeysArguments),
    /// Say what of these settings cannot work on this machine, and what to do; fails only when something cannot
    Doctor(DoctorArguments),
}

/// What a command has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// For standard output.
    pub text: String,
    /// Whether the program ends well.
    pub is_success: bool,
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No key is configured that signs.
    #[error(
        "no key that can sign is configured; make one with `visavis keys new` and put it into the settings"
    )]
    NoKey,
    /// The named key is not configured.
    #[error("there is no key {0:?} in the settings")]
    UnknownKey(String),
    /// The token cannot be made.
    #[error("the token cannot be made")]
    Token(#[from] TokenError),
    /// The key cannot be made.
    #[error("the key cannot be made")]
    Key(#[from] KeyError),
    /// An argument does not fit.
    #[error("--{argument}: {reason}")]
    Argument {
        /// Which.
        argument: &'static str,
        /// Why.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Command {
    /// Does it, and returns what to print. `random` is from a cryptographic source.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self, loaded: &Loaded, now: UnixSeconds, random: [u8; 32]) -> Result<Printed, CommandError> {
        let good = |text| Printed { text, is_success: true };
        match self {
            Self::Token(arguments) => arguments.run(&loaded.config, now, random).map(good),
            Self::Keys(arguments) => arguments.run(random).map(good),
            Self::Doctor(arguments) => Ok(doctor::run(arguments, loaded)),
        }
    }
}
