//! What stays of the chat over a reload of the page: what was being written, what had not been sent, what was read.

use serde_json::{Value, json};
use shared::PeerId;
use shared::protocol::Chat;

/// As it lies in the storage of the tab, one for each room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredChat {
    /// What is being written.
    pub(crate) draft: String,
    /// The newest line that was read.
    pub(crate) read: u32,
    /// What had not come back.
    pub(crate) unsent: Vec<Chat>,
}

impl StoredChat {
    /// As text for the session storage.
    pub(crate) fn write(&self) -> String {
        let line = |line: &Chat| json!({ "number": line.number, "to": line.to.map(|to| to.to_string()), "text": line.text });
        let unsent: Vec<Value> = self.unsent.iter().map(line).collect();
        json!({ "draft": self.draft, "read": self.read, "unsent": unsent }).to_string()
    }

    /// What of the text can be read; anything else is as if nothing had been kept.
    pub(crate) fn read(text: &str) -> Self {
        let stored: Value = serde_json::from_str(text).unwrap_or_default();
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let line = |line: &Value| {
            let to = Some(&line["to"]).filter(|to| !to.is_null());
            let to = to.map(|to| to.as_str()?.parse::<PeerId>().ok());
            // A private line whose reader cannot be read must not become one for everybody.
            let to = to.map_or(Some(None), |peer| peer.map(Some))?;
            Some(Chat { number: number(&line["number"])?, to, text: line["text"].as_str()?.to_owned() })
        };
        Self {
            draft: stored["draft"].as_str().unwrap_or_default().to_owned(),
            read: number(&stored["read"]).unwrap_or_default(),
            unsent: stored["unsent"].as_array().into_iter().flatten().filter_map(line).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_is_lost() {
        let to = Some(PeerId::new(7));
        let unsent = vec![
            Chat { number: 3, to: None, text: "one\n\"two\"".to_owned() },
            Chat { number: 4, to, text: "psst".to_owned() },
        ];
        let stored = StoredChat { draft: "half a sen".to_owned(), read: 12, unsent };
        assert_eq!(StoredChat::read(&stored.write()), stored);
    }

    #[test]
    fn a_strange_storage_holds_nothing() {
        for text in [
            "",
            "x",
            "[]",
            "{\"draft\":1,\"read\":-1,\"unsent\":[{\"number\":1,\"to\":5,\"text\":\"x\"},{}]}",
        ] {
            assert_eq!(StoredChat::read(text), StoredChat::default(), "{text}");
        }
    }
}
