//! Reading what callgrind has written: instructions by function and source file, summed up by stage of the packet path.
//!
//! The file names the position with `fl=`, `fi=`, `fe=` (source file, also of what was inlined) and `fn=` (function), each
//! as `(number) text` the first time and `(number)` later. A line that begins with a number holds the instructions of a
//! source line; the one after `calls=` holds those of the called function, which has its own lines elsewhere.

use std::collections::BTreeMap;

/// A stage, and the parts of names that belong to it. The first one whose file fits counts: inlined lines belong to where
/// they were written. Lines of the standard library belong to the function they were inlined into.
struct Stage {
    name: &'static str,
    /// Parts of the names of functions.
    functions: &'static [&'static str],
    /// Parts of the paths of source files.
    files: &'static [&'static str],
}

const STAGES: [Stage; 9] = [
    Stage {
        name: "AES-GCM",
        functions: &["gcm", "GCM", "aesni", "aes_hw", "CRYPTO_", "aead_", "EVP_AEAD"],
        files: &["aws-lc/crypto", "generated-src"],
    },
    Stage {
        name: "SRTP: nonce, tag, replay check",
        functions: &["sfu::srtp", "aws_lc"],
        files: &["sfu/src/srtp/", "aws-lc-rs"],
    },
    Stage { name: "copying and clearing", functions: &["memcpy", "memmove", "memset"], files: &[] },
    Stage {
        name: "headers and extensions",
        functions: &["sfu::rtp::write"],
        files: &["rtp/write.rs", "rtp/carried.rs"],
    },
    Stage {
        name: "rewriting, choice of layers",
        functions: &["sfu::rewrite", "sfu::layer", "slot::Slot"],
        files: &[
            "sfu/src/rewrite",
            "sfu/src/layer",
            "downlink/slot.rs",
            "rtp/vp",
            "rtp/picture.rs",
            "rtp/dependency_descriptor.rs",
            "rtp/sequence.rs",
            "rtp/frame.rs",
        ],
    },
    Stage { name: "ring", functions: &["sfu::ring"], files: &["sfu/src/ring.rs"] },
    Stage {
        name: "pacer, estimator, history, RTCP",
        functions: &[
            "sfu::bandwidth",
            "sfu::rtcp",
            "sfu::transport",
            "transport_feedback",
            "feedback",
            "log_fma",
            "powidf2",
        ],
        files: &[
            "sfu/src/bandwidth",
            "sfu/src/pacer.rs",
            "sfu/src/congestion.rs",
            "sfu/src/rtcp",
            "sfu/src/transport.rs",
            "uplink/feedback.rs",
            "sfu/src/twcc",
            "sfu/src/nack",
            "sfu/src/reception",
        ],
    },
    Stage {
        name: "queues, tables, dispatch, batch",
        functions: &["poll_transmit", "phase_transmit", "with_peer"],
        files: &[
            "sfu/src/downlink.rs",
            "sfu/src/forwarding.rs",
            "sfu/src/sfu.rs",
            "sfu/src/peer",
            "sfu/src/send_batch.rs",
            "sfu/src/address.rs",
            "sfu/src/ice",
        ],
    },
    Stage { name: "receiving, allocator, the rest of the SFU", functions: &["sfu::"], files: &["sfu/src/"] },
];

/// What belongs to no stage.
const REST: &str = "standard library: clock arithmetic, memory, else";

/// Instructions of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Instructions {
    /// Of the functions themselves, by function and source file.
    own: BTreeMap<(String, String), u64>,
    /// With all that they call.
    with_calls: BTreeMap<String, u64>,
}

impl Instructions {
    /// Reads a file of callgrind. What is not understood is left out.
    pub(super) fn parse(text: &str) -> Self {
        let (mut files, mut functions) = (Names::default(), Names::default());
        let (mut file, mut function) = (String::new(), String::new());
        let mut is_call = false;
        let mut found = Self::default();
        for line in text.lines() {
            if let Some((key, value)) = line.split_once('=') {
                match key {
                    "fl" | "fi" | "fe" => file = files.resolve(value),
                    "fn" => function = functions.resolve(value),
                    "cfi" | "cfl" => drop(files.resolve(value)),
                    "cfn" => drop(functions.resolve(value)),
                    "calls" => is_call = true,
                    _ => {}
                }
                continue;
            }
            if !line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                continue;
            }
            let count = line.split_ascii_whitespace().nth(1).and_then(|count| count.parse::<u64>().ok());
            let count = count.unwrap_or_default();
            *found.with_calls.entry(function.clone()).or_default() += count;
            if !std::mem::take(&mut is_call) {
                *found.own.entry((function.clone(), file.clone())).or_default() += count;
            }
        }
        found
    }

    /// All of them.
    pub(super) fn total(&self) -> u64 {
        self.own.values().sum()
    }

    /// By stage, in the order of a packet's way; the rest comes last.
    pub(super) fn by_stage(&self) -> Vec<(&'static str, u64)> {
        let mut sums: Vec<(&'static str, u64)> = STAGES.iter().map(|stage| (stage.name, 0)).collect();
        sums.push((REST, 0));
        for ((function, file), count) in &self.own {
            let named = |parts: &[&str], name: &str| parts.iter().any(|part| name.contains(part));
            let at = STAGES
                .iter()
                .position(|stage| named(stage.files, file))
                .or_else(|| STAGES.iter().position(|stage| named(stage.functions, function)));
            sums[at.unwrap_or(STAGES.len())].1 += count;
        }
        sums
    }

    /// Of the functions whose name has this part, with all that they call.
    pub(super) fn below(&self, part: &str) -> u64 {
        self.with_calls.iter().filter(|(name, _)| name.contains(part)).map(|(_, count)| count).sum()
    }

    /// The dearest functions and the files of their lines.
    pub(super) fn dearest(&self, count: usize) -> Vec<(&(String, String), u64)> {
        let mut all: Vec<_> = self.own.iter().map(|(place, count)| (place, *count)).collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all.truncate(count);
        all
    }
}

/// Texts that are written out once.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn resolve(&mut self, value: &str) -> String {
        let Some((number, text)) = value.split_once(')') else { return value.to_owned() };
        let text = text.trim_start();
        if text.is_empty() {
            return self.0.get(number).cloned().unwrap_or_default();
        }
        self.0.insert(number.to_owned(), text.to_owned());
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
events: Ir
fl=(1) server/sfu/src/forwarding.rs
fn=(1) transmit_to
+3 5
fi=(2) server/sfu/src/ring.rs
12 7
fe=(1)
cfi=(3) aws-lc/crypto/gcm.c
cfn=(2) aes_gcm_encrypt
calls=2 40
+1 900
* 1

fl=(3)
fn=(2)
40 900
fl=(4) library/core/src/slice/mod.rs
fn=(3) sfu::ring::PacketRing::get
9 2
fl=(4)
fn=(4) main
9 3
summary: 918
";

    #[test]
    fn every_instruction_is_counted_once() {
        let instructions = Instructions::parse(FILE);
        assert_eq!(instructions.total(), 5 + 7 + 1 + 900 + 2 + 3);
        assert_eq!(instructions.below("transmit_to"), 913);
    }

    #[test]
    fn what_was_inlined_belongs_to_its_own_stage() {
        let stages = Instructions::parse(FILE).by_stage();
        let of = |name: &str| stages.iter().find(|stage| stage.0 == name).unwrap().1;
        assert_eq!(of("AES-GCM"), 900);
        assert_eq!(of("ring"), 7 + 2);
        assert_eq!(of("queues, tables, dispatch, batch"), 6);
        assert_eq!(of(REST), 3);
        assert_eq!(stages.iter().map(|stage| stage.1).sum::<u64>(), 918);
    }
}
