//! TypeScript declarations and the script's tables, out of the JSON Schema of the types.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::embed::Command;

/// Before the tables in `static/embed.js`.
pub(super) const TABLES_START: &str = "  // Made from the types in shared/src/embed: do not edit.\n";
/// After them.
pub(super) const TABLES_END: &str = "  // End of what is made.\n";

const HEAD: &str =
    "// Made from the types in shared/src/embed: do not edit. Describes what embed.js adds to a page.\n\n";
const TAIL: &str = "\
  /** Options of `createFrame`. */
  interface FrameOptions extends Options {
    /** The meeting's address, for example `https://meet.example.org/r/abc-defg-hjk`. */
    roomUrl: string;
    /** What screen readers call the frame; otherwise `Video meeting`. */
    title?: string;
  }

  /** Why a promise of a command was rejected. */
  interface CommandError extends Error {
    code: ErrorCode;
  }

  type Listener<E extends keyof Events> = (detail: Events[E], event: CustomEvent<Events[E]>) => void;

  /** A meeting in a frame. */
  interface Meeting extends Commands, EventTarget {
    /** The frame. */
    readonly iframe: HTMLIFrameElement;
    /** Fulfilled when the frame has accepted this page for the first time; rejected when it does not within 30 seconds. */
    readonly ready: Promise<void>;
    /** Carries out a command by its name. */
    execute(name: keyof Commands, data?: object): Promise<unknown>;
    on<E extends keyof Events>(name: E, listener: Listener<E>): this;
    once<E extends keyof Events>(name: E, listener: Listener<E>): this;
    off<E extends keyof Events>(name: E, listener: Listener<E>): this;
    /** Cuts the connection; a frame that `createFrame` made is taken away. */
    dispose(): void;
  }

  /** `<visavis-meeting>`: a meeting as an element. Its commands wait until it stands in the page. */
  interface MeetingElement extends HTMLElement, Commands {
    readonly iframe: HTMLIFrameElement | null;
    readonly ready: Promise<void>;
    execute(name: keyof Commands, data?: object): Promise<unknown>;
    on<E extends keyof Events>(name: E, listener: Listener<E>): this;
    once<E extends keyof Events>(name: E, listener: Listener<E>): this;
    off<E extends keyof Events>(name: E, listener: Listener<E>): this;
  }

  /** What the frame must be allowed, for frames that are not made by this script. */
  const ALLOW: string;
  /** Puts a meeting into `parent`. */
  function createFrame(parent: Element, options: FrameOptions): Meeting;
  /** Speaks with a meeting in a frame that is already there. */
  function wrap(iframe: HTMLIFrameElement, options?: Options): Meeting;
}

interface HTMLElementTagNameMap {
  'visavis-meeting': Visavis.MeetingElement;
}
";

/// `static/embed.d.ts`.
pub(super) fn declarations(definitions: &Map<String, Value>) -> String {
    let mut text = format!("{HEAD}declare namespace Visavis {{\n");
    for (name, schema) in definitions {
        // Commands and events follow as methods and as a table; the envelopes are the script's own business.
        if matches!(name.as_str(), "Command" | "Event" | "Reply") || name.ends_with("Message") {
            continue;
        }
        document(&mut text, "  ", schema);
        if schema["properties"].is_object() {
            let _ = writeln!(text, "  interface {name} {{\n{}  }}\n", members(schema, "    "));
        } else {
            let _ = writeln!(text, "  type {name} = {};\n", type_of(schema));
        }
    }
    text.push_str("  /** Every command as a method. */\n  interface Commands {\n");
    for variant in variants(&definitions["Command"]) {
        let Variant { name, data, schema } = variant;
        document(&mut text, "    ", schema);
        let parameters: Vec<String> = parameters(data)
            .iter()
            .map(|parameter| {
                let optional = if is_required(data, parameter) { "" } else { "?" };
                format!("{parameter}{optional}: {}", type_of(&data["properties"][parameter]))
            })
            .collect();
        let reply = Command::reply_type(name);
        let _ = writeln!(text, "    {name}({}): Promise<{reply}>;", parameters.join(", "));
    }
    text.push_str("  }\n\n  /** The `detail` of every event. */\n  interface Events {\n");
    for Variant { name, data, schema } in variants(&definitions["Event"]) {
        document(&mut text, "    ", schema);
        let _ = writeln!(text, "    {name}: {{\n{}    }};", members(data, "      "));
    }
    text.push_str("  }\n\n");
    text.push_str(TAIL);
    text
}

/// What `static/embed.js` has to know of the types.
pub(super) fn tables(definitions: &Map<String, Value>) -> String {
    let mut text = "  const COMMANDS = {\n".to_owned();
    for Variant { name, data, .. } in variants(&definitions["Command"]) {
        let quoted: Vec<String> = parameters(data).iter().map(|parameter| format!("'{parameter}'")).collect();
        let _ = writeln!(text, "    {name}: [{}],", quoted.join(", "));
    }
    text.push_str("  };\n  const ATTRIBUTES = {\n");
    for (name, schema) in definitions["Options"]["properties"].as_object().unwrap() {
        let _ = writeln!(text, "    '{}': '{}',", kebab(name), attribute_kind(schema));
    }
    text.push_str("  };\n");
    text
}

/// `displayName` as an attribute: `display-name`.
pub(super) fn kebab(name: &str) -> String {
    name.chars().fold(String::new(), |mut kebab, character| {
        if character.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
        kebab
    })
}

/// The texts that an enumeration allows.
pub(super) fn values(schema: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of = |key: &str| schema[key].as_array().cloned().unwrap_or_default();
    of("enum")
        .iter()
        .filter_map(text)
        .chain(of("oneOf").iter().filter_map(|one| text(&one["const"])))
        .collect()
}

/// One variant of a union that is told apart by `name`.
struct Variant<'a> {
    name: &'a str,
    data: &'a Value,
    schema: &'a Value,
}

fn variants(schema: &Value) -> impl Iterator<Item = Variant<'_>> {
    schema["oneOf"].as_array().expect("a union").iter().map(|schema| {
        let properties = &schema["properties"];
        let name = properties["name"]["const"].as_str().expect("a name");
        Variant { name, data: &properties["data"], schema }
    })
}

/// What a method takes, one after the other: what must be there in its own order, then what may be left out.
fn parameters(data: &Value) -> Vec<&str> {
    let required = data["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let optional = data["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    required.chain(optional.filter(|name| !is_required(data, name))).collect()
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name))
}

fn members(schema: &Value, indent: &str) -> String {
    let mut text = String::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        document(&mut text, indent, member);
        let optional = if is_required(schema, name) { "" } else { "?" };
        let _ = writeln!(text, "{indent}{name}{optional}: {};", type_of(member));
    }
    text
}

fn document(text: &mut String, indent: &str, schema: &Value) {
    if let Some(description) = schema["description"].as_str() {
        let _ = writeln!(text, "{indent}/** {} */", description.replace('\n', " "));
    }
}

fn type_of(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return name.to_owned();
    }
    let union = |list: &Vec<Value>| {
        let types = list.iter().map(type_of).filter(|name| name != "null").collect::<Vec<_>>();
        types.join(" | ")
    };
    if let Some(list) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        return union(list);
    }
    if let Some(list) = schema["enum"].as_array() {
        return list
            .iter()
            .map(|value| quoted(value.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(" | ");
    }
    if let Some(text) = schema["const"].as_str() {
        return quoted(text);
    }
    // What may be left out need not be null as well.
    let kind = match schema["type"].as_array() {
        Some(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        None => schema["type"].as_str(),
    };
    match kind.unwrap_or_default() {
        "string" => "string".to_owned(),
        "boolean" => "boolean".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "null" => "null".to_owned(),
        "array" => format!("{}[]", type_of(&schema["items"])),
        other => panic!("no TypeScript for {other:?} in {schema}"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// How the text of an attribute becomes a value.
fn attribute_kind(schema: &Value) -> &'static str {
    match type_of(schema).as_str() {
        "boolean" => "flag",
        "Theme" => "theme",
        "HiddenPart[]" => "words",
        name if name.ends_with("[]") => "json",
        _ => "text",
    }
}
