//! From what was seen to what is wrong. Pure.

use super::finding::Finding;
use super::observation::{
    CertificateSeen, DatabaseSeen, Encryption, LimitsSeen, NoAnswer, Observations, PortSeen, PortState,
    SiteSeen, StorageSeen,
};
use crate::access::UnixSeconds;
use crate::media::is_private;

const DAY_S: u64 = 24 * 3600;
/// From when on a certificate expires soon: somebody has to have the time to do something.
const SOON_DAYS: u64 = 14;
/// A program that old is possible, and a wrong clock is likelier.
const FAR_YEARS: u64 = 10;
/// Tokens forgive as much.
const SKEW_MAX_S: u64 = 30;
const MEBIBYTE: u64 = 1 << 20;
const LITTLE_MEBIBYTES: u64 = 1024;
const NO_MEBIBYTES: u64 = 64;

/// All that is wrong, in the order of the checks.
pub(super) fn findings(seen: &Observations) -> Vec<Finding> {
    let mut findings = Vec::new();
    ports(seen, &mut findings);
    media(seen, &mut findings);
    encryption(seen, &mut findings);
    address(seen, &mut findings);
    clock(seen, &mut findings);
    storage(seen, &mut findings);
    keys(seen, &mut findings);
    match &seen.site {
        SiteSeen::BuiltIn | SiteSeen::Folder(_) => {}
        SiteSeen::Missing => findings.push(Finding::NoSite),
        SiteSeen::EmptyFolder(path) => findings.push(Finding::EmptySite { path: path.clone() }),
    }
    limits(&seen.limits, &mut findings);
    findings.sort_by_key(Finding::check);
    findings
}

fn ports(seen: &Observations, findings: &mut Vec<Finding>) {
    for PortSeen { protocol, setting, address, state } in &seen.ports {
        let (protocol, setting, address) = (*protocol, *setting, *address);
        match state {
            PortState::Free => {}
            // Whoever answers as Visavis at the site's port holds the others too.
            PortState::Taken if seen.running.is_some() => {}
            PortState::Taken => findings.push(Finding::PortTaken { protocol, setting, address }),
            PortState::NotPermitted => {
                findings.push(Finding::PortNotPermitted { protocol, setting, address });
            }
            PortState::NotThisMachine => findings.push(Finding::AddressNotHere { setting, address }),
            PortState::Failed(reason) => {
                let reason = reason.clone();
                findings.push(Finding::PortFailed { protocol, setting, address, reason });
            }
        }
    }
    if let Some(running) = seen.running.as_ref().filter(|running| *running != env!("CARGO_PKG_VERSION")) {
        findings.push(Finding::OtherVersionRuns { running: running.clone() });
    }
}

fn media(seen: &Observations, findings: &mut Vec<Finding>) {
    findings.extend(seen.reach.warnings.iter().copied().map(Finding::Reach));
    for (address, is_own) in &seen.announced {
        if is_private(*address) && !is_own {
            findings.push(Finding::AnnouncedPrivateElsewhere(*address));
        }
    }
}

fn encryption(seen: &Observations, findings: &mut Vec<Finding>) {
    match &seen.encryption {
        Encryption::Plain { is_loopback, has_proxy } => {
            if !is_loopback && !has_proxy {
                findings.push(Finding::Unencrypted);
            }
        }
        Encryption::Files(shown) => certificate(shown, seen, false, findings),
        Encryption::Acme { domains, has_contact, port, root, kept } => {
            if *port != 443 {
                findings.push(Finding::AcmePort { port: *port });
            }
            if !has_contact {
                findings.push(Finding::AcmeNoContact);
            }
            if let Err(reason) = root {
                findings.push(Finding::AcmeRoot { reason: reason.clone() });
            }
            match kept {
                Some(kept) => {
                    certificate(kept, seen, true, findings);
                    let names = kept.facts.as_ref().map(|facts| facts.names.clone()).unwrap_or_default();
                    let is_missing = |name: &&String| !crate::http::tls::covers(&names, name);
                    let missing: Vec<String> = domains.iter().filter(is_missing).cloned().collect();
                    if !missing.is_empty() {
                        findings.push(Finding::AcmeNothingYet { domains: missing });
                    }
                }
                None => findings.push(Finding::AcmeNothingYet { domains: domains.clone() }),
            }
        }
    }
}

fn certificate(shown: &CertificateSeen, seen: &Observations, by_acme: bool, findings: &mut Vec<Finding>) {
    let path = shown.path.clone();
    let facts = match &shown.facts {
        Ok(facts) => facts,
        Err(reason) => return findings.push(Finding::CertificateUnreadable { path, reason: reason.clone() }),
    };
    if let Err(reason) = &shown.key {
        findings.push(Finding::KeyUnusable { path: shown.key_path.clone(), reason: reason.clone() });
    }
    let UnixSeconds(now) = seen.clock.now;
    if now > facts.not_after.0 {
        let days = (now - facts.not_after.0) / DAY_S;
        findings.push(Finding::Expired { path: path.clone(), days, by_acme });
    } else if now < facts.not_before.0 {
        findings.push(Finding::NotYetValid { path: path.clone() });
    } else {
        let (days, lifetime) = ((facts.not_after.0 - now) / DAY_S, facts.not_after.0 - facts.not_before.0);
        // ACME renews by itself; what has less than a quarter left was not renewed.
        let is_late = if by_acme { (facts.not_after.0 - now) < lifetime / 4 } else { days < SOON_DAYS };
        if is_late {
            findings.push(Finding::ExpiresSoon { path: path.clone(), days, by_acme });
        }
    }
    if facts.is_self_signed {
        findings.push(Finding::SelfSigned { path });
    } else if !facts.is_in_order {
        findings.push(Finding::ChainOutOfOrder { path });
    } else if facts.lacks_issuer {
        findings.push(Finding::ChainIncomplete { path });
    }
    if let Some(url) = seen.url.as_ref().filter(|url| url.is_https && !facts.covers(&url.host)) {
        findings.push(Finding::NameNotCovered { name: url.host.clone(), names: facts.names.clone() });
    }
}

fn address(seen: &Observations, findings: &mut Vec<Finding>) {
    let Some(seen) = &seen.url else { return };
    let url = seen.url.clone();
    if !seen.is_https && !matches!(seen.host.as_str(), "localhost" | "127.0.0.1" | "::1") {
        findings.push(Finding::UrlPlain { url: url.clone() });
    }
    let Err(reason) = &seen.answer else { return };
    findings.push(match reason {
        NoAnswer::Silent(reason) => Finding::UrlSilent { url, reason: reason.clone() },
        NoAnswer::Expired => Finding::UrlExpired { url },
        NoAnswer::NotYetValid => Finding::UrlNotYetValid { url },
        NoAnswer::WrongName => Finding::UrlWrongName { url, name: seen.host.clone() },
        NoAnswer::Untrusted(reason) => Finding::UrlUntrusted { url, reason: reason.clone() },
    });
}

fn clock(seen: &Observations, findings: &mut Vec<Finding>) {
    let UnixSeconds(now) = seen.clock.now;
    if let Some(UnixSeconds(built_at)) = seen.clock.built_at {
        // A day, because a build machine's clock need not be right either.
        if now + DAY_S < built_at {
            findings.push(Finding::ClockBeforeBuild { days: (built_at - now) / DAY_S });
        }
        let years = now.saturating_sub(built_at) / (365 * DAY_S);
        if years >= FAR_YEARS {
            findings.push(Finding::ClockFarAhead { years });
        }
    }
    if let Some(url) = &seen.url
        && let Ok(Some(there)) = &url.answer
    {
        let seconds = now.abs_diff(there.0);
        if seconds > SKEW_MAX_S {
            findings.push(Finding::ClockSkew { seconds, url: url.url.clone() });
        }
    }
}

fn storage(seen: &Observations, findings: &mut Vec<Finding>) {
    let secrets = seen.readable_secrets.iter();
    findings.extend(secrets.map(|(path, mode)| Finding::SecretReadable { path: path.clone(), mode: *mode }));
    let StorageSeen::Folder { path, writable, free_bytes, database } = &seen.storage else {
        return findings.push(Finding::NoDataFolder);
    };
    let path = path.clone();
    if let Err(reason) = writable {
        findings.push(Finding::FolderUnusable { path: path.clone(), reason: reason.clone() });
    }
    match free_bytes.map(|bytes| bytes / MEBIBYTE) {
        Some(mebibytes) if mebibytes < NO_MEBIBYTES => {
            findings.push(Finding::NoSpace { path: path.clone(), mebibytes });
        }
        Some(mebibytes) if mebibytes < LITTLE_MEBIBYTES => {
            findings.push(Finding::LittleSpace { path: path.clone(), mebibytes });
        }
        Some(_) | None => {}
    }
    let path = path.join(crate::control::DATABASE);
    match database {
        DatabaseSeen::Absent | DatabaseSeen::Sound => {}
        DatabaseSeen::Locked if seen.running.is_some() => {}
        DatabaseSeen::Locked => findings.push(Finding::DatabaseLocked { path }),
        DatabaseSeen::Newer => findings.push(Finding::DatabaseNewer { path }),
        DatabaseSeen::Broken(reason) => {
            findings.push(Finding::DatabaseBroken { path, reason: reason.clone() });
        }
    }
}

fn keys(seen: &Observations, findings: &mut Vec<Finding>) {
    let keys = &seen.keys;
    if keys.count == 0 {
        findings.push(if keys.is_open { Finding::OpenToEverybody } else { Finding::NoKeys });
    } else if !keys.has_api {
        findings.push(Finding::NoApiKey);
    }
    findings.extend(keys.weak.iter().map(|id| Finding::WeakSecret { id: id.clone() }));
}

fn limits(limits: &LimitsSeen, findings: &mut Vec<Finding>) {
    let wanted = limits.descriptors_wanted;
    if let Some(allowed) = limits.descriptors.filter(|allowed| *allowed < wanted) {
        findings.push(Finding::FewDescriptors { allowed, wanted });
    }
    let wanted = limits.buffer_wanted;
    for (setting, bytes) in
        [("net.core.rmem_max", limits.receive_bytes), ("net.core.wmem_max", limits.send_bytes)]
    {
        if let Some(bytes) = bytes.filter(|bytes| *bytes < wanted) {
            findings.push(Finding::SmallBuffer { setting, bytes, wanted });
        }
    }
}

#[cfg(test)]
mod tests;
