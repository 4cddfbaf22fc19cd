//! Janus as Debian ships it: the VideoRoom plugin, with two event loops in place of a thread a participant. It runs as
//! a process of its own on a copy of the machine's configuration; its usage is read from `/proc`.
//!
//! A publisher offers; to a subscriber Janus makes the offer.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use super::Server;
use crate::measure::Usage;

const CONFIGURATION: &str = "/etc/janus";
const ROOM: u32 = 1;
const START_LIMIT: Duration = Duration::from_secs(15);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How often a publisher's media is asked for, a tenth of a second apart.
const FEED_TRIES: u32 = 50;
/// Events and acknowledgements that may come before the awaited one.
const MESSAGES_MAX: usize = 200;

/// What reports call it; the machine's package may be another.
const VERSION: &str = "1.1.2";

/// A running Janus. Dropping it ends the process and removes its folder.
pub(super) struct Janus {
    child: Child,
    folder: PathBuf,
    port: u16,
    publisher: Option<u64>,
    participants: Vec<Participant>,
}

impl Janus {
    /// Starts it and makes the room.
    pub(super) fn start() -> Result<Self> {
        install()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("visavis-janus-{}", std::process::id()));
        configure(&folder, port)?;
        let child = Command::new("janus")
            .arg("--configs-folder")
            .arg(&folder)
            .args(["--rtp-port-range", "20000-20400", "--debug-level", "3", "--disable-colors"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`janus` does not start")?;
        let mut janus = Self { child, folder, port, publisher: None, participants: Vec::new() };
        let started = Instant::now();
        let mut keeper = loop {
            match Participant::open(port) {
                Ok(keeper) => break keeper,
                Err(error) => {
                    ensure!(janus.child.try_wait()?.is_none(), "Janus ended at once");
                    ensure!(started.elapsed() < START_LIMIT, "Janus takes no WebSocket: {error:#}");
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        };
        let create = json!({"request": "create", "room": ROOM, "publishers": 2, "bitrate": 0, "fir_freq": 0,
            "videocodec": "vp8", "audiocodec": "opus"});
        keeper.message(&create, None)?;
        janus.participants.push(keeper);
        Ok(janus)
    }

    /// What the process has used up.
    pub(super) fn usage(&self) -> Result<Usage> {
        let of = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", self.child.id()));
        let stat = of("stat").context("Janus has ended")?;
        // proc(5): after the name in parentheses the state is field 3; utime and stime are 14 and 15.
        let after_name = stat.rsplit_once(')').context("/proc names no program")?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |field: usize| -> Result<Duration> {
            let ticks: u32 = fields.get(field - 3).context("/proc is too short")?.parse()?;
            // USER_HZ is 100 on Linux.
            Ok(Duration::from_millis(10) * ticks)
        };
        let status = of("status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let resident_kb = resident.split_whitespace().next().context("VmRSS has no value")?.parse()?;
        Ok(Usage { user: ticks(14)?, system: ticks(15)?, resident_kb, ..Usage::default() })
    }

    /// An offer for one more subscriber; [`Self::accept`] has to follow.
    pub(super) fn invite(&mut self) -> Result<String> {
        let publisher = self.publisher.context("the publisher comes first")?;
        let mut subscriber = Participant::open(self.port)?;
        let join =
            json!({"request": "join", "ptype": "subscriber", "room": ROOM, "streams": [{"feed": publisher}]});
        let mut tries = 0;
        // Janus knows of the publisher's connection a little later than the publisher does.
        let attached = loop {
            tries += 1;
            match subscriber.message(&join, None) {
                Err(error) if tries < FEED_TRIES && format!("{error:#}").contains("No such feed") => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                result => break result?,
            }
        };
        self.participants.push(subscriber);
        description(&attached)
    }

    /// The newest subscriber's answer.
    pub(super) fn accept(&mut self, sdp: &str) -> Result<()> {
        let subscriber = self.participants.last_mut().context("nobody was invited")?;
        subscriber.message(&json!({"request": "start"}), Some(("answer", sdp))).map(drop)
    }
}

impl Server for Janus {
    fn answer(&mut self, publishes: bool, offer: &str) -> Result<String> {
        ensure!(publishes, "subscribers are invited");
        let mut publisher = Participant::open(self.port)?;
        let joined =
            publisher.message(&json!({"request": "join", "ptype": "publisher", "room": ROOM}), None)?;
        self.publisher = joined.pointer("/plugindata/data/id").and_then(Value::as_u64);
        let configured =
            publisher.message(&json!({"request": "configure", "bitrate": 0}), Some(("offer", offer)))?;
        self.participants.push(publisher);
        description(&configured)
    }
}

impl Drop for Janus {
    fn drop(&mut self) {
        // All fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn description(event: &Value) -> Result<String> {
    let sdp = event.pointer("/jsep/sdp").and_then(Value::as_str);
    Ok(sdp.with_context(|| format!("Janus sent no description: {event}"))?.to_owned())
}

/// Installs Debian's package where there is none, without its service.
fn install() -> Result<()> {
    const HOW: &str = "`apt-get install janus` as root brings it, on Debian";
    let version = || Command::new("janus").arg("--version").stderr(Stdio::null()).output();
    if version().is_err() {
        let apt = Command::new("apt-get")
            .args(["install", "--yes", "-o", "DPkg::Lock::Timeout=600", "janus"])
            // invoke-rc.d(8) starts nothing in this runlevel: the service would listen on the network.
            .env("RUNLEVEL", "1")
            .env("DEBIAN_FRONTEND", "noninteractive")
            // Standard output is the pipe to the controlling process.
            .stdout(Stdio::null())
            .status();
        ensure!(apt.is_ok_and(|status| status.success()), "Janus is not installed, and cannot be: {HOW}");
    }
    let output = version().context(HOW)?.stdout;
    let output = String::from_utf8_lossy(&output);
    ensure!(output.contains(VERSION), "reports are about Janus {VERSION}, but this is {:?}", output.trim());
    Ok(())
}

/// A copy of the machine's configuration with what a fair comparison takes: two event loops, no other
/// transport, sessions that do not expire.
fn configure(folder: &Path, port: u16) -> Result<()> {
    let read = |name: &str| {
        let path = Path::new(CONFIGURATION).join(name);
        fs::read_to_string(&path)
            .with_context(|| format!("{} is missing: `apt-get install janus` brings it", path.display()))
    };
    let main = read("janus.jcfg")?
        .replacen("general: {", "general: {\n\tevent_loops = 2\n\tsession_timeout = 0", 1)
        .replacen("transports: {", "transports: {\n\tdisable = \"libjanus_http.so,libjanus_pfunix.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_rabbitmq.so\"", 1)
        .replacen(CONFIGURATION, &folder.to_string_lossy(), 1);
    fs::create_dir_all(folder)?;
    fs::write(folder.join("janus.jcfg"), main)?;
    fs::write(folder.join("janus.plugin.videoroom.jcfg"), "general: {\n}\n")?;
    let sockets = format!("general: {{\n\tws = true\n\tws_port = {port}\n\tws_ip = \"127.0.0.1\"\n}}\n");
    fs::write(folder.join("janus.transport.websockets.jcfg"), sockets)?;
    Ok(())
}

/// One connection, session and handle: one participant.
struct Participant {
    socket: WebSocket<TcpStream>,
    session: u64,
    handle: u64,
    transaction: u64,
}

impl Participant {
    fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut request = format!("ws://127.0.0.1:{port}/").into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("janus-protocol"));
        let (socket, _) = tungstenite::client(request, stream).context("Janus takes no WebSocket")?;
        let mut participant = Self { socket, session: 0, handle: 0, transaction: 0 };
        participant.session = participant.ask(json!({"janus": "create"}), "success")?;
        let attach = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
        participant.handle = participant.ask(attach, "success")?;
        Ok(participant)
    }

    fn ask(&mut self, request: Value, kind: &str) -> Result<u64> {
        self.say(request)?;
        let answer = self.hear(kind)?;
        answer.pointer("/data/id").and_then(Value::as_u64).with_context(|| format!("no id: {answer}"))
    }

    /// A message to the plugin, and its answer.
    fn message(&mut self, body: &Value, jsep: Option<(&str, &str)>) -> Result<Value> {
        let mut request = json!({"janus": "message", "body": body});
        if let Some((kind, sdp)) = jsep {
            request["jsep"] = json!({"type": kind, "sdp": sdp});
        }
        self.say(request)?;
        let answer = self.hear("event")?;
        match answer.pointer("/plugindata/data/error") {
            Some(error) => bail!("Janus refused {body}: {error}"),
            None => Ok(answer),
        }
    }

    fn say(&mut self, mut request: Value) -> Result<()> {
        self.transaction += 1;
        request["transaction"] = json!(self.transaction.to_string());
        if self.session != 0 {
            request["session_id"] = json!(self.session);
        }
        if self.handle != 0 {
            request["handle_id"] = json!(self.handle);
        }
        Ok(self.socket.send(Message::text(request.to_string()))?)
    }

    /// The answer to what was said last: of this kind, or an immediate `success`.
    fn hear(&mut self, kind: &str) -> Result<Value> {
        let transaction = self.transaction.to_string();
        for _ in 0..MESSAGES_MAX {
            let Message::Text(text) = self.socket.read()? else { continue };
            let message: Value = serde_json::from_str(&text)?;
            if message["transaction"] != json!(transaction) {
                continue;
            }
            match message["janus"].as_str() {
                Some("error") => bail!("Janus: {message}"),
                Some(found) if found == kind || found == "success" => return Ok(message),
                _ => {}
            }
        }
        bail!("Janus said {MESSAGES_MAX} other things")
    }
}
