//! The built site: carried in the binary, or read from a folder.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::headers::{policy, share};
use super::problem::Problem;
use crate::app::App;
use crate::config::Origin;

const INDEX: &str = "index.html";
/// What pages of other origins load: see `EMBED.md`.
const SHARED: [&str; 4] = ["embed.js", "external_api.js", "embed.d.ts", "embed.schema.json"];
/// A file whose name tells its content never changes (RFC 8246).
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Every other file is asked for each time; mostly the answer is "not modified".
const ASK_AGAIN: &str = "no-cache";

/// Release builds carry the files, debug builds read them from the folder.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Embedded;

/// Where the site comes from.
#[derive(Debug, Clone)]
pub(crate) enum Site {
    /// The binary.
    Embedded,
    /// A folder, its path without symbolic links.
    Folder(PathBuf),
}

impl Site {
    /// # Errors
    /// When the folder cannot be found.
    pub(crate) fn new(folder: Option<&Path>) -> std::io::Result<Self> {
        folder.map_or(Ok(Self::Embedded), |folder| folder.canonicalize().map(Self::Folder))
    }

    /// The file at `path`, which must have come out of [`relative_path`].
    async fn read(&self, path: &str) -> std::io::Result<Option<Cow<'static, [u8]>>> {
        match self {
            Self::Embedded => Ok(Embedded::get(path).map(|file| file.data)),
            Self::Folder(folder) => {
                // A link may not lead out of the folder either.
                let file = match tokio::fs::canonicalize(folder.join(path)).await {
                    Ok(file) if file.starts_with(folder) && file.is_file() => file,
                    Ok(_) => return Ok(None),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                tokio::fs::read(file).await.map(|bytes| Some(bytes.into()))
            }
        }
    }
}

/// Whether there is a page among the embedded files.
pub(super) fn is_built_in() -> bool {
    Embedded::get(INDEX).is_some()
}

/// Answers every request that is not for the API.
pub(super) async fn serve(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Problem::method_not_allowed().into_response();
    }
    let Some(path) = relative_path(uri.path()) else {
        return Problem::not_found("There is no such page.").into_response();
    };
    // Pages are drawn by the client: each has the same document. A name with a dot is a file.
    let is_page = !path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let path = if is_page { INDEX } else { path };
    match app.site.read(path).await {
        Ok(Some(bytes)) => file(path, bytes, &headers, &app.config.embed_origins),
        Ok(None) if path == INDEX => Problem::not_found(
            "This server carries no site: it was built without one. Build it with `cargo xtask run`, or name a \
             folder with `--site`.",
        )
        .into_response(),
        Ok(None) => Problem::not_found("There is no such file.").into_response(),
        Err(error) => {
            tracing::warn!(%error, path, "a file of the site cannot be read");
            Problem::unreadable().into_response()
        }
    }
}

/// The path within the site, or nothing when it could lead out of it. Names of the site's files need no escapes.
fn relative_path(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_plain = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && !segment.contains(['\\', '%', ':', '\0'])
    };
    (path.is_empty() || path.split('/').all(is_plain)).then_some(path)
}

fn file(path: &str, bytes: Cow<'static, [u8]>, request: &HeaderMap, embed_origins: &[Origin]) -> Response {
    let policy = match path {
        INDEX => Some(policy(&inline_script_hashes(&String::from_utf8_lossy(&bytes)), embed_origins)),
        // A worker has the policy that its own script came with, not the page's.
        path if path.ends_with(".js") => Some(policy(&[], &[])),
        _ => None,
    };
    // A page that is kept keeps its policy: with other settings it is another page.
    let hash =
        Sha256::new().chain_update(&bytes).chain_update(policy.as_deref().unwrap_or_default()).finalize();
    // Weak, because the answer may be compressed on the way (RFC 9110 section 8.8.1).
    let tag = format!("W/\"{}\"", BASE64_STANDARD.encode(&hash[..12]));
    let mut response = if is_unmodified(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let is_text = kind.type_() == "text";
        let kind = if is_text { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        let mut response = ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response();
        if let Some(policy) = policy.and_then(|policy| policy.parse().ok()) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    };
    let caching = if is_named_by_content(path) { FOR_EVER } else { ASK_AGAIN };
    let headers = response.headers_mut();
    if SHARED.contains(&path) {
        share(headers);
    }
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static(caching));
    if let Ok(tag) = tag.parse() {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// RFC 9110 section 13.1.2, with weak comparison.
fn is_unmodified(request: &HeaderMap, tag: &str) -> bool {
    let Some(known) = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    known.split(',').any(|known| known.trim() == tag)
}

/// Trunk names files `name-<16 hexadecimal digits>.js`, or `name-<digits>_bg.wasm`.
fn is_named_by_content(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['-', '_', '.'])
        .skip(1)
        .any(|part| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The base64 of the SHA-256 of every script that stands in the document itself (CSP level 3, section 2.3.1).
fn inline_script_hashes(document: &str) -> Vec<String> {
    let mut hashes = Vec::new();
    let mut rest = document;
    while let Some((_, after)) = rest.split_once("<script") {
        let Some((attributes, after)) = after.split_once('>') else { break };
        let Some((script, after)) = after.split_once("</script>") else { break };
        let has_source = attributes.split_ascii_whitespace().any(|attribute| attribute.starts_with("src="));
        if !has_source && !script.is_empty() {
            hashes.push(BASE64_STANDARD.encode(Sha256::digest(script)));
        }
        rest = after;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_within_the_site() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(relative_path(path), expected, "{path}");
        check("/", Some(""));
        check("/r/abc-defg", Some("r/abc-defg"));
        check("/r/abc-defg/", Some("r/abc-defg"));
        check("/icons/a.svg", Some("icons/a.svg"));
        for path in
            ["/../x", "/a/../../x", "/..%2fx", "/a//b", "//a", "/.git/config", "/a\\..\\b", "/C:/x", "x"]
        {
            check(path, None);
        }
    }

    #[test]
    fn the_site_that_was_built_is_the_one_that_is_carried() {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist").join(INDEX);
        assert_eq!(Embedded::get(INDEX).map(|file| file.data.into_owned()), std::fs::read(built).ok());
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for path in ["client-0123456789abcdef.js", "client-0123456789abcdef_bg.wasm", "a/style-89abcdef.css"]
        {
            assert!(is_named_by_content(path), "{path}");
        }
        for path in ["index.html", "icon-192.png", "client.js", "0123456789abcdef", "a-0123456789abcdef/x.js"]
        {
            assert!(!is_named_by_content(path), "{path}");
        }
    }

    #[test]
    fn inline_scripts_are_hashed_and_others_are_not() {
        let document =
            "<script src=\"/a.js\"></script><script type=\"module\">alert(1)</script><script></script>";
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert_eq!(inline_script_hashes(document), ["bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI="]);
    }

    #[test]
    fn a_known_tag_is_recognised_in_a_list() {
        let check = |value: &str, expected| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]);
            assert_eq!(is_unmodified(&headers, "W/\"x\""), expected);
        };
        check("W/\"x\"", true);
        check("W/\"a\", W/\"x\"", true);
        check("W/\"y\"", false);
    }
}
