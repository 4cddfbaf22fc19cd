use std::io::Write as _;

use super::*;

fn load(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, ConfigError> {
    let mut arguments: Vec<OsString> =
        std::iter::once("visavis").chain(flags.iter().copied()).map(Into::into).collect();
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    if let Some(text) = file {
        on_disk.write_all(text.as_bytes()).unwrap();
        arguments.extend(["--config".into(), on_disk.path().into()]);
    }
    Config::load(arguments, environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
}

fn error(file: Option<&str>, environment: &[(&str, &str)], flags: &[&str]) -> String {
    load(file, environment, flags).unwrap_err().to_string()
}

#[test]
fn without_any_setting_the_defaults_hold() {
    let loaded = load(None, &[], &[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.warnings.is_empty());
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let file = "port = 1001\nmedia_port = 1002\npeers_per_shard_max = 3\n";
    let environment = [("VISAVIS_PORT", "2001"), ("VISAVIS_MEDIA_PORT", "2002")];
    let config = load(Some(file), &environment, &["--port", "3001"]).unwrap().config;
    assert_eq!(config.listen.port(), 3001);
    assert_eq!(config.media_listen.port(), 2002);
    assert_eq!(config.peers_per_shard_max, 3);
}

#[test]
fn media_follows_the_address_and_port_of_the_site() {
    let config = load(None, &[], &["--address", "127.0.0.1", "--port", "9000"]).unwrap().config;
    assert_eq!(config.media_listen.to_string(), "127.0.0.1:9000");
}

#[test]
fn media_over_tcp_follows_the_site_until_a_port_is_chosen_or_it_is_switched_off() {
    let tcp = |flags: &[&str]| load(None, &[], flags).unwrap().config.media_tcp;
    let at = |text: &str, is_chosen| Some(MediaTcp { address: text.parse().unwrap(), is_chosen });
    let everywhere = ["--address", "127.0.0.1"];
    assert_eq!(tcp(&[&everywhere[..], &["--port", "9000"]].concat()), at("127.0.0.1:9001", false));
    assert_eq!(tcp(&[&everywhere[..], &["--port", "0"]].concat()), at("127.0.0.1:0", false));
    assert_eq!(tcp(&[&everywhere[..], &["--media-tcp-port", "443"]].concat()), at("127.0.0.1:443", true));
    assert_eq!(tcp(&["--media-tcp-port", "0"]), None);
    assert_eq!(tcp(&["--port", "65535"]), None);
}

#[test]
fn lists_are_given_with_commas() {
    let environment = [
        ("VISAVIS_ANNOUNCE", "203.0.113.7, 2001:db8::7"),
        ("VISAVIS_ORIGINS", "https://a.example"),
        ("VISAVIS_EMBED_ORIGINS", "https://b.example, http://localhost:8000"),
    ];
    let config = load(None, &environment, &["--trusted-proxies", "10.0.0.1,10.0.0.2"]).unwrap().config;
    assert_eq!(config.announce.len(), 2);
    assert_eq!(config.origins[0].as_str(), "https://a.example");
    assert_eq!(config.embed_origins[1].as_str(), "http://localhost:8000");
    assert_eq!(config.trusted_proxies.len(), 2);
}

#[test]
fn the_file_may_be_named_in_the_environment() {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(b"port = 4321").unwrap();
    let path = on_disk.path().to_str().unwrap();
    assert_eq!(load(None, &[("VISAVIS_CONFIG", path)], &[]).unwrap().config.listen.port(), 4321);
}

#[test]
fn an_unknown_key_in_the_file_is_refused_by_name() {
    assert!(error(Some("prot = 8080"), &[], &[]).contains("prot"));
}

#[test]
fn a_wrong_value_in_the_file_shows_its_key() {
    assert!(error(Some("announce = [\"example.org\"]"), &[], &[]).contains("announce"));
    assert!(error(Some("log_level = \"loud\""), &[], &[]).contains("log_level"));
}

#[test]
fn a_missing_file_is_named() {
    assert!(error(None, &[], &["--config", "no-such-file.toml"]).contains("no-such-file.toml"));
}

#[test]
fn an_unknown_variable_is_warned_about_and_a_tool_s_is_not() {
    let environment = [("VISAVIS_PROT", "1"), ("VISAVIS_CHROMIUM", "/usr/bin/chromium"), ("OTHER", "x")];
    let warnings = load(None, &environment, &[]).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("VISAVIS_PROT"));
}

#[test]
fn an_empty_variable_counts_as_absent() {
    assert_eq!(load(None, &[("VISAVIS_PORT", "")], &[]).unwrap().config, Config::default());
}

#[test]
fn every_bound_is_told_with_key_and_value() {
    let check = |environment: &[(&str, &str)], flags: &[&str], parts: [&str; 3]| {
        let text = error(None, environment, flags);
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    check(&[("VISAVIS_PORT", "70000")], &[], ["VISAVIS_PORT", "70000", "65535"]);
    check(&[("VISAVIS_ANNOUNCE", "x")], &[], ["VISAVIS_ANNOUNCE", "\"x\"", "IP"]);
    check(&[], &["--shards", "0"], ["shards", "\"0\"", "from 1 to"]);
    check(&[], &["--peers-per-shard-max", "0"], ["peers_per_shard_max", "\"0\"", "10000"]);
    check(&[], &["--connections-per-address-max", "0"], ["connections_per_address_max", "\"0\"", "10000"]);
    check(&[], &["--rooms-per-key-max", "1000001"], ["rooms_per_key_max", "1000001", "1000000"]);
    check(&[], &["--shutdown-grace-ms", "60001"], ["shutdown_grace_ms", "60001", "60000"]);
    check(&[], &["--site", "no-such-folder"], ["site", "no-such-folder", "folder"]);
    check(&[], &["--port", "x"], ["--port", "'x'", "invalid"]);
    check(&[], &["--no-such-flag"], ["--no-such-flag", "unexpected", "Usage"]);
}

#[test]
fn every_setting_can_be_given_in_all_three_ways() {
    // Key, value in the environment and as a flag, value in the file.
    let keys = [
        ("address", "127.0.0.2", "\"127.0.0.2\""),
        ("port", "81", "81"),
        ("media_address", "127.0.0.3", "\"127.0.0.3\""),
        ("media_port", "82", "82"),
        ("announce", "203.0.113.1", "[\"203.0.113.1\"]"),
        ("site", ".", "\".\""),
        ("origins", "https://a.example", "[\"https://a.example\"]"),
        ("trusted_proxies", "10.0.0.1", "[\"10.0.0.1\"]"),
        ("log_level", "warn", "\"warn\""),
        ("media_tcp_port", "6", "6"),
        ("log_format", "json", "\"json\""),
        ("peers_per_shard_max", "7", "7"),
        ("video_codecs", "av1,vp8", "[\"av1\", \"vp8\"]"),
        ("connections_per_address_max", "8", "8"),
        ("rooms_per_key_max", "11", "11"),
        ("shutdown_grace_ms", "9", "9"),
        ("open", "true", "true"),
        ("token_audience", "meet", "\"meet\""),
        ("token_issuer", "app", "\"app\""),
        ("data_dir", "data", "\"data\""),
    ];
    for (key, text, in_file) in keys {
        let by_variable = load(None, &[(&format!("VISAVIS_{}", key.to_uppercase()), text)], &[]).unwrap();
        let by_flag = load(None, &[], &[&format!("--{}", key.replace('_', "-")), text]).unwrap();
        let by_file = load(Some(&format!("{key} = {in_file}")), &[], &[]).unwrap();
        assert_ne!(by_variable.config, Config::default(), "{key}");
        assert!(by_variable.warnings.is_empty(), "{key}");
        assert_eq!(by_variable.config, by_flag.config, "{key}");
        assert_eq!(by_variable.config, by_file.config, "{key}");
    }
}

const FILES: [&str; 4] = ["--tls-certificate", "a.pem", "--tls-key", "b.pem"];

#[test]
fn a_certificate_comes_from_files_or_from_an_authority() {
    let tls = |flags: &[&str]| load(None, &[("HOME", "/var/ada")], flags).unwrap().config.tls;
    let files = CertificateFiles { certificate: "a.pem".into(), key: "b.pem".into() };
    assert_eq!(tls(&FILES), Some(TlsSource::Files(files)));
    let Some(TlsSource::Acme(acme)) = tls(&["--acme-domains", "meet.example.org,Meet2.example.org"]) else {
        panic!("no ACME");
    };
    assert_eq!(acme.domains[1].as_str(), "meet2.example.org");
    assert!(
        acme.directory.as_str().contains("letsencrypt") && acme.root.is_none() && acme.contact.is_empty()
    );
    let environment = [
        ("HOME", "/var/ada"),
        ("VISAVIS_ACME_DOMAINS", "meet.example.org"),
        ("VISAVIS_ACME_CONTACT", "ada@example.org"),
        ("VISAVIS_ACME_DIRECTORY", "https://ca.example.org/dir"),
        ("VISAVIS_ACME_ROOT", "ca.pem"),
    ];
    let by_variables = load(None, &environment, &[]).unwrap().config;
    let file = "acme_domains = [\"meet.example.org\"]\nacme_contact = [\"mailto:ada@example.org\"]\n\
        acme_directory = \"https://ca.example.org/dir\"\nacme_root = \"ca.pem\"\n";
    assert_eq!(load(Some(file), &environment[..1], &[]).unwrap().config, by_variables);
}

#[test]
fn half_of_tls_is_refused_and_what_is_missing_is_named() {
    let check = |flags: &[&str], part: &str| {
        let text = load(None, &[("HOME", "/var/ada")], flags).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    };
    check(&FILES[..2], "tls_key");
    check(&FILES[2..], "tls_certificate");
    check(&[&FILES[..], &["--acme-domains", "a.example.org"]].concat(), "either files or ACME");
    check(&["--acme-contact", "ada@example.org"], "acme_domains");
    check(&["--acme-root", "x.pem"], "acme_domains");
    check(&["--acme-directory", "https://ca.example.org"], "acme_domains");
    check(&["--acme-domains", "*.example.org"], "wildcard");
    check(&["--http-redirect-port", "80"], "tls_certificate or acme_domains");
    check(&[&FILES[..], &["--http-redirect-port", "8080"]].concat(), "another one than port");
    assert!(error(None, &[], &["--acme-domains", "a.example.org"]).contains("data_dir"));
}

#[test]
fn the_address_of_the_site_is_what_the_settings_tell() {
    let site = |flags: &[&str]| load(None, &[("HOME", "/var/ada")], flags).unwrap().config.local_site();
    assert_eq!(site(&[]), "http://localhost:8080");
    assert_eq!(site(&FILES), "https://localhost:8080");
    assert_eq!(site(&["--acme-domains", "meet.example.org", "--port", "443"]), "https://meet.example.org");
}

#[test]
fn plain_http_is_sent_on_only_where_a_port_is_named() {
    let redirect = |flags: &[&str]| {
        let flags = [&FILES[..], &["--address", "127.0.0.1"], flags].concat();
        load(None, &[], &flags).unwrap().config.http_redirect
    };
    assert_eq!(redirect(&[]), None);
    assert_eq!(redirect(&["--http-redirect-port", "0"]), None);
    assert_eq!(redirect(&["--http-redirect-port", "80"]), Some("127.0.0.1:80".parse().unwrap()));
}

#[test]
fn more_shards_than_ports_are_refused() {
    let layer = Layer { media_port: Some(65535), shards: Some(2), ..Layer::default() };
    let text = Config::from_layer(layer, 4).unwrap_err().to_string();
    assert!(text.contains("media_port") && text.contains("65536"), "{text}");
}

const KEY_FILE: &str = "[[keys]]\nid = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\n";

#[test]
fn keys_come_from_the_file_or_the_environment() {
    let in_file = format!("{KEY_FILE}api = true\nframe_ancestors = [\"https://app.example\"]\n");
    let config = load(Some(&in_file), &[], &[]).unwrap().config;
    assert!(config.keys.find("a").unwrap().api);
    assert_eq!(config.keys.find("a").unwrap().frame_ancestors[0].as_str(), "https://app.example");
    assert_eq!(config.embed_origins[0].as_str(), "https://app.example", "its pages may show meetings");
    assert!(!load(Some(KEY_FILE), &[], &[]).unwrap().config.keys.find("a").unwrap().api, "it has to be said");
    let pairs = format!("b:{0},c:{0}", "s".repeat(32));
    let config = load(Some(KEY_FILE), &[("VISAVIS_KEYS", &pairs)], &[]).unwrap().config;
    assert!(config.keys.find("a").is_none() && config.keys.find("c").is_some_and(|key| key.api));
}

#[test]
fn a_key_that_cannot_be_used_is_named_and_not_shown() {
    let check = |file: &str, part: &str| {
        let text = error(Some(file), &[], &[]);
        assert!(text.contains(part), "{text}");
    };
    check("[[keys]]\nid = \"a\"\nsecret = \"short\"\n", "keys[a]");
    check("[[keys]]\nid = \"a\"\n", "exactly one of");
    check(&format!("{KEY_FILE}public_key_file = \"x\"\n"), "exactly one of");
    check("[[keys]]\nid = \"a\"\nprivate_key_file = \"no-such.pem\"\n", "no-such.pem");
    check(&format!("{KEY_FILE}{KEY_FILE}"), "two keys have the id a");
    for (variable, value) in [("VISAVIS_KEYS", "a:short-hush"), ("VISAVIS_KEYS", "hush")] {
        let text = error(None, &[(variable, value)], &[]);
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn the_data_folder_is_the_service_s_or_the_user_s_unless_one_is_named() {
    let check = |environment: &[(&str, &str)], flags: &[&str], expected: Option<(&str, bool)>| {
        let found = load(None, environment, flags).unwrap().config.data_dir;
        let expected = expected.map(|(path, is_chosen)| DataDir { path: path.into(), is_chosen });
        assert_eq!(found, expected);
    };
    let (service, home) = (("STATE_DIRECTORY", "/var/lib/visavis"), ("HOME", "/var/ada"));
    check(&[home, service], &[], Some(("/var/lib/visavis", false)));
    check(&[home, ("XDG_STATE_HOME", "/state")], &[], Some(("/state/visavis", false)));
    check(&[home], &[], Some(("/var/ada/.local/state/visavis", false)));
    check(&[home], &["--data-dir", "here"], Some(("here", true)));
    check(&[], &[], None);
}

#[test]
fn open_may_be_said_without_a_value() {
    assert!(load(None, &[], &["--open"]).unwrap().config.open);
    assert!(!load(None, &[("VISAVIS_OPEN", "true")], &["--open", "false"]).unwrap().config.open);
}

#[test]
fn endpoints_of_webhooks_come_from_the_file_and_what_is_wrong_is_named_and_not_shown() {
    let block = |url: &str, secret: &str| {
        format!("[[webhooks]]\nid = \"crm\"\nurl = \"{url}\"\nsecret = \"{secret}\"\n")
    };
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let good = block("https://example.org/hook", SECRET) + "events = [\"room.ended\"]\n";
    let config = load(Some(&good), &[], &[]).unwrap().config;
    assert_eq!(config.webhooks[0].events, [crate::webhooks::EventKind::RoomEnded]);
    for bad in [
        block("http://example.org/hook", SECRET),
        block("https://127.0.0.1/hook", SECRET),
        block("https://example.org/hook", "whsec_hush"),
        good.repeat(2),
    ] {
        let text = error(Some(&bad), &[], &[]);
        assert!(text.contains("webhooks[crm]") && !text.contains("hush"), "{text}");
    }
}
