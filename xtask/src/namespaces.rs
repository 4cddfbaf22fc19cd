//! Networks of our own: what the impairment tests run in, so that they touch nothing of the machine's.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// How to run something in a new network, of which we are root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespaces {
    /// As root.
    Root,
    /// As root of a user namespace.
    User,
}

impl Namespaces {
    /// `unshare` with what it takes; the program and its arguments follow.
    pub(crate) fn command(self) -> Command {
        let mut unshare = Command::new("unshare");
        match self {
            Self::Root => unshare.arg("--net"),
            Self::User => unshare.args(["--user", "--map-root-user", "--net"]),
        };
        unshare
    }
}

/// What this machine allows: a way, or nothing and why. Where it must be possible (for root, and on a build machine, which
/// sets `CI`) that is an error: a tier that never runs there checks nothing.
pub(crate) fn available() -> Result<std::result::Result<Namespaces, String>> {
    let is_root = rustix::process::geteuid().is_root();
    let way = if is_root { Namespaces::Root } else { Namespaces::User };
    // A link and a qdisc are what the tests need inside. A name must not be the beginning of one of `ip`'s own words.
    let trial = "ip link add name trial0 type veth peer name trial1 \
                 && tc qdisc add dev trial0 root tbf rate 1mbit burst 8kb latency 50ms";
    let Err(error) = process::read(way.command().args(["sh", "-c", trial])) else { return Ok(Ok(way)) };
    if is_root || std::env::var_os("CI").is_some() {
        bail!(
            "a network namespace cannot be made here, and it should be possible: {error:#}. In a container that takes the \
             capabilities NET_ADMIN and SYS_ADMIN; for a user `sysctl kernel.unprivileged_userns_clone=1`"
        );
    }
    Ok(Err(format!("this user may make no network namespace ({error:#}); as root it works")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_needs_no_user_namespace_and_others_do() {
        let words =
            |way: Namespaces| way.command().get_args().map(|word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(words(Namespaces::Root), ["--net"]);
        assert_eq!(words(Namespaces::User), ["--user", "--map-root-user", "--net"]);
    }
}
