//! The server's half: building the binary, starting it, and waiting until it says that it is ready.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::process;
use crate::site::Profile;
use crate::workspace::Workspace;

/// A start takes milliseconds; a machine under full load may take seconds.
const READY_LIMIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// One question about readiness.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Builds the server and returns its program. A release build carries the site, so build that first.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut arguments = vec!["--package", "server", "--bin", "visavis"];
    if profile == Profile::Release {
        arguments.push("--release");
    }
    build_program(workspace, &arguments)
}

/// Builds what `arguments` select and returns the last program among it.
pub(crate) fn build_program(workspace: &Workspace, arguments: &[&str]) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).arg("build").args(arguments);
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stderr(Stdio::inherit()).output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("`cargo build {}` failed", arguments.join(" "));
    }
    executable(&String::from_utf8_lossy(&output.stdout)).context("Cargo named no program")
}

/// Fails when something else already listens on `port`: its answers would be taken for ours.
pub(crate) fn check_port_is_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken by another program: stop it or choose another with `--port`")
        }
        Err(error) => Err(error).with_context(|| format!("port {port} cannot be used")),
    }
}

/// A server of our own that is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    port: u16,
}

impl Running {
    /// Starts `program` on `port`, in a process group of its own: a Ctrl-C at the terminal reaches us alone, and the
    /// server gets it once, from us.
    pub(crate) fn start(program: &PathBuf, port: u16, arguments: &[String]) -> Result<Self> {
        let child = Command::new(program)
            .args(["--port", &port.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        Ok(Self { child, port })
    }

    /// Waits for `GET /api/ready` to be answered with 200.
    pub(crate) fn wait_until_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < READY_LIMIT {
            if let Some(status) = self.ended()? {
                bail!("the server ended before it was ready, with {status}");
            }
            if is_ready(self.port).unwrap_or(false) {
                return Ok(());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        bail!("the server was not ready after {} s", READY_LIMIT.as_secs())
    }

    /// How the server ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks the server to end as a service manager would.
    pub(crate) fn ask_to_stop(&self) -> Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let id = id.ok_or_else(|| anyhow!("the server has no process id"))?;
        Ok(rustix::process::kill_process(id, rustix::process::Signal::TERM)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn is_ready(port: u16) -> Result<bool> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(b"GET /api/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    Ok(start.ends_with(b" 200"))
}

/// The lines that Cargo writes about what it built.
#[derive(Deserialize)]
struct BuildMessage {
    executable: Option<PathBuf>,
}

fn executable(messages: &str) -> Option<PathBuf> {
    let parsed = messages.lines().filter_map(|line| serde_json::from_str::<BuildMessage>(line).ok());
    parsed.filter_map(|message| message.executable).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_one_that_cargo_names() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/release/visavis\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/release/visavis")));
        assert_eq!(executable("not json\n"), None);
    }

    fn answering(status: &'static str) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /api/ready "));
            stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
        });
        port
    }

    #[test]
    fn ready_is_an_answer_of_200_and_nothing_else() {
        assert!(is_ready(answering("200 OK")).unwrap());
        assert!(!is_ready(answering("503 Service Unavailable")).unwrap());
    }

    #[test]
    fn a_taken_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = check_port_is_free(port).unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("--port"), "{error}");
    }
}
