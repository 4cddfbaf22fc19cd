//! The files that are made from these types: what is committed is what they give today.

mod typescript;

use std::fs;
use std::path::PathBuf;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::*;

/// Everything about the types, as JSON Schema has it: the definitions by name.
fn definitions() -> Map<String, Value> {
    fn of<T: JsonSchema>(generator: &mut SchemaGenerator) {
        generator.subschema_for::<T>();
    }
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    of::<Options>(&mut generator);
    of::<Command>(&mut generator);
    of::<Reply>(&mut generator);
    of::<Event>(&mut generator);
    of::<Failure>(&mut generator);
    let mut definitions = generator.take_definitions(true);
    let envelope = |kind: &str, body: Value| {
        json!({
            "type": "object",
            "properties": {
                "v": { "const": VERSION, "description": "The version of these messages." },
                "id": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                "kind": { "const": kind },
            },
            "required": ["v", "id", "kind", "name"],
            "allOf": [body],
        })
    };
    let response = json!({
        "type": "object",
        "properties": {
            "name": { "enum": Command::NAMES.as_slice() },
            "data": { "$ref": "#/$defs/Reply" },
            "error": { "$ref": "#/$defs/Failure" },
        },
        "oneOf": [{ "required": ["data"] }, { "required": ["error"] }],
    });
    definitions.insert("CommandMessage".into(), envelope("command", json!({ "$ref": "#/$defs/Command" })));
    definitions.insert("EventMessage".into(), envelope("event", json!({ "$ref": "#/$defs/Event" })));
    definitions.insert("ResponseMessage".into(), envelope("response", response));
    definitions
}

fn schema() -> String {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A meeting in a frame and the page around it",
        "description": "Every message on the port, as JSON text. Made from the types in shared/src/embed.",
        "oneOf": [
            { "$ref": "#/$defs/CommandMessage" },
            { "$ref": "#/$defs/ResponseMessage" },
            { "$ref": "#/$defs/EventMessage" },
        ],
        "$defs": definitions(),
    });
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

/// `static/<name>`.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../static").join(name)
}

/// Compares a file with what the types give, or writes it when `VISAVIS_REWRITE` is set.
fn check(name: &str, wanted: &str) {
    let found = fs::read_to_string(path(name)).unwrap_or_default();
    if found == wanted {
        return;
    }
    if std::env::var_os("VISAVIS_REWRITE").is_some() {
        return fs::write(path(name), wanted).unwrap();
    }
    panic!(
        "static/{name} is not what the types give: run `VISAVIS_REWRITE=1 cargo test -p shared embed`, and commit it"
    );
}

#[test]
fn the_schema_is_current() {
    check("embed.schema.json", &schema());
}

#[test]
fn the_typescript_declarations_are_current() {
    check("embed.d.ts", &typescript::declarations(&definitions()));
}

#[test]
fn the_tables_of_the_script_are_current() {
    let script = fs::read_to_string(path("embed.js")).unwrap();
    let (before, rest) =
        script.split_once(typescript::TABLES_START).expect("embed.js has the mark of the tables");
    let (_, after) = rest.split_once(typescript::TABLES_END).expect("embed.js has the mark of their end");
    let tables = typescript::tables(&definitions());
    let wanted = format!("{before}{}{tables}{}{after}", typescript::TABLES_START, typescript::TABLES_END);
    check("embed.js", &wanted);
}

#[test]
fn every_name_is_a_variant_and_every_variant_has_a_name() {
    let definitions = definitions();
    let names = |definition: &str| -> Vec<String> {
        let variants = definitions[definition]["oneOf"].as_array().unwrap();
        variants
            .iter()
            .map(|variant| variant["properties"]["name"]["const"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("Command"), Command::NAMES);
    assert_eq!(names("Event"), Event::NAMES);
}

#[test]
fn a_command_says_its_own_name() {
    let id = || "0123456789abcdef".to_owned();
    for command in [
        Command::Join,
        Command::SetScreenShareEnabled { enabled: true },
        Command::SetToolbarButtons { buttons: Vec::new() },
        Command::SendChat { text: "Hello".to_owned(), participant_id: Some(id()) },
        Command::RemoveParticipant { participant_id: id(), ban: true },
        Command::Admit { knock: None },
        Command::SetToken { token: id() },
        Command::GetSupportedEvents,
    ] {
        assert_eq!(serde_json::to_value(&command).unwrap()["name"], command.name());
    }
}

/// The prose names every option, command, event, part and code.
#[test]
fn the_prose_names_everything() {
    let prose = include_str!("../../EMBED.md");
    let definitions = definitions();
    let mut names: Vec<String> =
        Command::NAMES.iter().chain(&Event::NAMES).map(|name| (*name).to_owned()).collect();
    let options = definitions["Options"]["properties"].as_object().unwrap();
    names.extend(options.keys().map(|name| typescript::kebab(name)));
    for enumeration in [
        "HiddenPart",
        "ErrorCode",
        "LeaveReason",
        "Origin",
        "ProblemCode",
        "LayoutName",
        "PanelName",
        "AudienceName",
        "ModerationAction",
    ] {
        names.extend(typescript::values(&definitions[enumeration]));
    }
    let theme = definitions["Theme"]["properties"].as_object().unwrap();
    names.extend(theme.keys().cloned());
    let missing: Vec<_> = names.iter().filter(|name| !prose.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "EMBED.md does not explain {missing:?}");
}
