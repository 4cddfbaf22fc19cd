//! `visavis token`.

use shared::DisplayName;

use super::CommandError;
use crate::access::{
    ExternalId, Grants, Key, LIFETIME_MAX_S, Material, Metadata, PublishKinds, RoomScope, TokenId,
    UnixSeconds, sign,
};
use crate::config::Config;

/// Two hours: a meeting.
const TTL_DEFAULT: &str = "2h";

/// What stands in the token.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct TokenArguments {
    /// The room that it opens, or * for every room
    #[arg(long)]
    pub room: String,
    /// The name that the others read; absent: the participant chooses
    #[arg(long)]
    pub name: Option<String>,
    /// May moderate
    #[arg(long)]
    pub host: bool,
    /// May record
    #[arg(long)]
    pub record: bool,
    /// May feed captions
    #[arg(long)]
    pub caption: bool,
    /// Is not shown to the others
    #[arg(long)]
    pub hidden: bool,
    /// What may be published: microphone, camera, screen, or nothing at all [default: all three]
    #[arg(long, value_name = "KIND", value_delimiter = ',', num_args = 0..)]
    pub publish: Option<Vec<String>>,
    /// Most participants for the holder to come in
    #[arg(long, value_name = "N")]
    pub participants_max: Option<u16>,
    /// Who it is in your own system; told in events and webhooks
    #[arg(long, value_name = "TEXT")]
    pub external_id: Option<String>,
    /// JSON that is told in events and webhooks
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// How long it opens the door: 90s, 30m, 2h, 7d
    #[arg(long, default_value = TTL_DEFAULT)]
    pub ttl: String,
    /// The key that signs [default: the newest that can]
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
    /// Print a link to the room with the token in it; optionally name the site, as in `--link https://meet.example.org`
    #[arg(long, value_name = "SITE", num_args = 0..=1, default_missing_value = "")]
    pub link: Option<String>,
}

impl TokenArguments {
    pub(super) fn run(
        &self,
        config: &Config,
        now: UnixSeconds,
        random: [u8; 32],
    ) -> Result<String, CommandError> {
        let key = self.key(config)?;
        let grants = self.grants(now, random)?;
        let token = sign(&grants, key, &config.parties, now)?;
        let Some(site) = &self.link else { return Ok(token) };
        let RoomScope::One(room) = &grants.rooms else {
            return Err(wrong("link", "a token for every room has no link; name one room"));
        };
        let site = match site.as_str() {
            "" => config.local_site(),
            site => site.parse::<crate::config::Origin>().map_err(|error| wrong("link", error))?.to_string(),
        };
        // The fragment is not sent to servers and stands in no log.
        Ok(format!("{site}/r/{room}#token={token}"))
    }

    fn key<'a>(&self, config: &'a Config) -> Result<&'a Key, CommandError> {
        let key = match &self.key {
            Some(id) => config.keys.find(id).ok_or_else(|| CommandError::UnknownKey(id.clone()))?,
            None => config.keys.newest().ok_or(CommandError::NoKey)?,
        };
        if matches!(key.material, Material::Public(_)) {
            return Err(wrong("key", "this key is public: it verifies and cannot sign"));
        }
        Ok(key)
    }

    fn grants(&self, now: UnixSeconds, random: [u8; 32]) -> Result<Grants, CommandError> {
        let rooms = self.room.parse::<RoomScope>().map_err(|error| wrong("room", error))?;
        let publish = match &self.publish {
            Some(names) => PublishKinds::from_names(names.iter().map(String::as_str))
                .map_err(|error| wrong("publish", error))?,
            None => PublishKinds::ALL,
        };
        let metadata = self.metadata.as_deref().map(|text| {
            let value = serde_json::from_str(text).map_err(|error| wrong("metadata", error))?;
            Metadata::new(value).map_err(|error| wrong("metadata", error))
        });
        let name = self.name.as_deref().map(DisplayName::new).transpose();
        let external_id = self.external_id.as_deref().map(ExternalId::new).transpose();
        let max = shared::limits::PARTICIPANTS_MAX;
        if self.participants_max.is_some_and(|wanted| wanted == 0 || usize::from(wanted) > max) {
            return Err(wrong("participants-max", format!("must be from 1 to {max}")));
        }
        let [first, second, ..] = random.as_chunks::<16>().0 else {
            unreachable!("32 bytes are two times 16")
        };
        let id = u128::from_be_bytes(*first) ^ u128::from_be_bytes(*second);
        Ok(Grants {
            publish,
            host: self.host,
            record: self.record,
            caption: self.caption,
            hidden: self.hidden,
            participants_max: self.participants_max,
            name: name.map_err(|error| wrong("name", error))?,
            external_id: external_id.map_err(|error| wrong("external-id", error))?,
            metadata: metadata.transpose()?,
            token_id: Some(TokenId::from_random(id)),
            expires_at: Some(now.plus(seconds(&self.ttl).ok_or_else(|| wrong("ttl", TTL_FORM))?)),
            ..Grants::participant(rooms)
        })
    }
}

const TTL_FORM: &str = "must be a number with s, m, h or d, such as 90s, 30m, 2h or 7d, and 30 days at most";

/// The length of a time with its unit; nothing when it is not one, is zero, or is longer than a token may live.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_s = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit_s)?;
    (1..=LIFETIME_MAX_S).contains(&seconds).then_some(seconds)
}

fn wrong(argument: &'static str, reason: impl ToString) -> CommandError {
    CommandError::Argument { argument, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::access::{KeyId, Keyring, verify};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: TokenArguments,
    }

    fn config() -> Config {
        let key = |id: &str, material| Key {
            id: KeyId::new(id).unwrap(),
            material,
            api: false,
            frame_ancestors: Vec::new(),
        };
        let secret = |letter: &str| Material::secret(&letter.repeat(32)).unwrap();
        let keys =
            vec![key("old", secret("o")), key("new", secret("n")), key("app", Material::Public([1; 32]))];
        Config { keys: Keyring::new(keys).unwrap(), ..Config::default() }
    }

    fn run(arguments: &[&str]) -> Result<String, CommandError> {
        let line = Line::try_parse_from([&["token"], arguments].concat()).unwrap();
        line.arguments.run(&config(), NOW, [7; 32])
    }

    fn grants(arguments: &[&str]) -> Grants {
        let config = config();
        verify(&run(arguments).unwrap(), &config.keys, &config.parties, NOW).unwrap()
    }

    #[test]
    fn what_is_asked_for_stands_in_the_token() {
        let plain = grants(&["--room", "standup"]);
        assert_eq!(plain.key.unwrap().as_str(), "new");
        assert_eq!(plain.expires_at, Some(NOW.plus(7200)));
        assert!(!plain.host && plain.token_id.is_some());
        let full = grants(&[
            "--room",
            "*",
            "--name",
            "Ada",
            "--host",
            "--record",
            "--caption",
            "--hidden",
            "--publish",
            "microphone,screen",
            "--participants-max",
            "5",
            "--external-id",
            "u1",
            "--metadata",
            "{\"a\":1}",
            "--ttl",
            "3d",
            "--key",
            "old",
        ]);
        assert!(
            full.host
                && full.record
                && full.caption
                && full.hidden
                && !full.publish.camera
                && full.publish.screen
        );
        assert_eq!((full.rooms, full.participants_max), (RoomScope::Any, Some(5)));
        assert_eq!((full.key.unwrap().as_str(), full.expires_at), ("old", Some(NOW.plus(3 * 24 * 3600))));
        assert_eq!(grants(&["--room", "standup", "--publish"]).publish, PublishKinds::NONE);
    }

    #[test]
    fn the_link_has_the_token_in_its_fragment() {
        let link = run(&["--room", "standup", "--link"]).unwrap();
        assert!(link.starts_with("http://localhost:8080/r/standup#token=ey"), "{link}");
        let link = run(&["--room", "standup", "--link", "https://meet.example.org/"]).unwrap();
        assert!(link.starts_with("https://meet.example.org/r/standup#token="), "{link}");
        assert!(run(&["--room", "*", "--link"]).is_err());
    }

    #[test]
    fn what_cannot_be_is_named() {
        let check = |arguments: &[&str], part: &str| {
            let text = run(arguments).unwrap_err().to_string();
            assert!(text.contains(part), "{text}");
        };
        check(&["--room", "Stand Up"], "--room");
        check(&["--room", "standup", "--key", "none"], "none");
        check(&["--room", "standup", "--key", "app"], "public");
        check(&["--room", "standup", "--publish", "hologram"], "hologram");
        check(&["--room", "standup", "--metadata", "{"], "--metadata");
        check(&["--room", "standup", "--participants-max", "0"], "--participants-max");
        for ttl in ["", "0s", "31d", "5", "h", "-1h", "5ä", "99999999999999999999d"] {
            check(&["--room", "standup", &format!("--ttl={ttl}")], "--ttl");
        }
        let line = Line::try_parse_from(["token", "--room", "standup"]).unwrap();
        let without = line.arguments.run(&Config::default(), NOW, [7; 32]);
        assert!(matches!(without, Err(CommandError::NoKey)));
    }
}
