//! Why an offer is refused.

use thiserror::Error;

/// Why an offer is refused. Names the field, never its content, which may be personal or secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SdpError {
    /// A length or a count is above its bound.
    #[error("{field} is above its bound of {limit}")]
    TooLarge {
        /// What is too long or too many.
        field: &'static str,
        /// The bound, in the field's own unit.
        limit: usize,
    },
    /// A field does not follow its grammar.
    #[error("line {line}: {field} is malformed")]
    Malformed {
        /// What could not be read.
        field: &'static str,
        /// The line it stands on, counted from 1.
        line: usize,
    },
    /// A field that an offer must have is absent.
    #[error("{field} is missing")]
    Missing {
        /// What is absent.
        field: &'static str,
    },
    /// A field that must be unique occurs again.
    #[error("line {line}: {field} occurs twice")]
    Duplicate {
        /// What occurs twice.
        field: &'static str,
        /// The line of the second occurrence, counted from 1.
        line: usize,
    },
    /// Sections that share one transport disagree about it.
    #[error("line {line}: {field} differs from that of another section of the same transport")]
    Inconsistent {
        /// What differs.
        field: &'static str,
        /// The line of the differing section or attribute, counted from 1.
        line: usize,
    },
    /// A field has a value that this server does not implement.
    #[error("line {line}: {field} has an unsupported value")]
    Unsupported {
        /// What is not implemented.
        field: &'static str,
        /// The line it stands on, counted from 1.
        line: usize,
    },
}
