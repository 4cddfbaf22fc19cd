//! What arrives after the first view. A function that is declared with [`late!`] is, with all code and data that nothing else
//! needs, in a file of its own: the lobby can be used before the meeting has been loaded. Builds that are not split (tests,
//! `trunk serve`) have everything in one file, and nothing is waited for.

/// A part of the program did not arrive: the network failed, or the server has another version by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of the program did not arrive")]
pub(crate) struct NotArrived;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for NotArrived {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        // The loader has written the cause to the console.
        Self
    }
}

/// Declares an asynchronous function in the part that arrives late. The first call loads it; one that failed is tried again by
/// the next. What it returns should be pointers to functions, so that who holds them needs not wait again.
macro_rules! late {
    ($(#[$documentation:meta])* $visibility:vis async fn $name:ident() -> $arrived:ty $body:block) => {
        #[cfg(feature = "split")]
        $(#[$documentation])*
        #[wasm_split_helpers::wasm_split(meeting, fallible)]
        $visibility fn $name() -> Result<$arrived, $crate::session::NotArrived> {
            Ok($body)
        }

        #[cfg(not(feature = "split"))]
        $(#[$documentation])*
        $visibility async fn $name() -> Result<$arrived, $crate::session::NotArrived> {
            Ok($body)
        }
    };
}

pub(crate) use late;
