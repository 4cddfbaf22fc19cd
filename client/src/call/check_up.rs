//! The check-up before a meeting: what was measured of devices and network, what that means, and what to do about it.

use super::capture_problem::CaptureProblem;
use super::statistics::Measure;
use super::stream_counters::Rates;
use crate::strings::{Key, text, text_with};

/// A part of the check-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Pictures come from the camera.
    Camera,
    /// The microphone hears something.
    Microphone,
    /// The person hears a sound.
    Speaker,
    /// The server answers.
    Server,
    /// Media over UDP.
    Udp,
    /// Media over TCP.
    Tcp,
    /// To the server and back.
    RoundTrip,
    /// What can be sent.
    Upload,
    /// What can be received.
    Download,
}

impl Step {
    /// All, in the order in which they are shown.
    pub(crate) const ALL: [Self; 9] = [
        Self::Camera,
        Self::Microphone,
        Self::Speaker,
        Self::Server,
        Self::Udp,
        Self::Tcp,
        Self::RoundTrip,
        Self::Upload,
        Self::Download,
    ];

    /// For tests: stable.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
            Self::Server => "server",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::RoundTrip => "round-trip",
            Self::Upload => "upload",
            Self::Download => "download",
        }
    }

    /// What it is called.
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::Camera => Key::Camera,
            Self::Microphone => Key::Microphone,
            Self::Speaker => Key::Speaker,
            Self::Server => Key::CheckServer,
            Self::Udp => Key::CheckUdp,
            Self::Tcp => Key::CheckTcp,
            Self::RoundTrip => Key::MeasureRoundTrip,
            Self::Upload => Key::CheckUpload,
            Self::Download => Key::CheckDownload,
        }
    }
}

/// What was found out about a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DeviceCheck {
    /// It is switched off.
    Off,
    /// It cannot be had.
    Failed(CaptureProblem),
    /// It is on, and gives nothing.
    Nothing,
    /// A camera that gives pictures of this size.
    Pictures(u32, u32),
    /// A microphone that heard something.
    Heard,
}

/// What was found out about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerCheck {
    /// It cannot be reached.
    Unreachable,
    /// It does not let us test.
    Refused,
    /// It let us in.
    Reached,
}

/// What was found out about one way for media.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum WayCheck {
    /// The server does not offer it.
    NotOffered,
    /// Nothing came through in time.
    Blocked,
    /// Connected.
    Open {
        /// To the server and back, where the browser tells.
        round_trip_ms: Option<f64>,
    },
}

/// Which way a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl Protocol {
    /// The server's answer with candidates of this protocol alone (RFC 8839 section 5.1); nothing when it has none.
    pub(crate) fn only(self, answer: &str) -> Option<String> {
        let wanted = match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        };
        let is_wanted = |candidate: &str| {
            candidate.split(' ').nth(2).is_some_and(|protocol| protocol.eq_ignore_ascii_case(wanted))
        };
        let mut is_there = false;
        let mut keeps = |line: &&str| match line.strip_prefix("a=candidate:") {
            Some(candidate) => {
                is_there |= is_wanted(candidate);
                is_wanted(candidate)
            }
            None => true,
        };
        let kept: String = answer.split_inclusive('\n').filter(|line| keeps(line)).collect();
        is_there.then_some(kept)
    }
}

/// What was measured while media flowed, up and down. Nothing where nothing came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Throughput {
    /// Bits a second that were sent, or could have been.
    pub(crate) up_bps: Option<f64>,
    /// Bits a second that came back.
    pub(crate) down_bps: Option<f64>,
    /// The part of the packets that did not come back, from 0 to 1.
    pub(crate) loss: Option<f64>,
}

impl Throughput {
    /// From what happened on the connection that sends and on the one that receives.
    pub(crate) fn new(up: Option<&Rates>, down: Option<&Rates>) -> Self {
        let flowing = |bps: &f64| *bps > 0.0;
        let sent = up.map(|rates| rates.sent.iter().filter_map(|one| one.bits_per_second).sum());
        // What is sent ends where nobody asks for more; the estimate may be above that.
        let estimated =
            up.filter(|_| sent.as_ref().is_some_and(flowing)).and_then(|rates| rates.path.available_bps);
        Self {
            up_bps: sent.into_iter().chain(estimated).reduce(f64::max).filter(flowing),
            down_bps: down.map(Rates::bits_received).filter(flowing),
            loss: down.and_then(Rates::worst_loss),
        }
    }
}

/// How far a check-up is. What was not measured yet is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CheckUp {
    /// What is being measured.
    pub(crate) running: Vec<Step>,
    /// The camera.
    pub(crate) camera: Option<DeviceCheck>,
    /// The microphone.
    pub(crate) microphone: Option<DeviceCheck>,
    /// Whether the person heard the sound.
    pub(crate) speaker: Option<bool>,
    /// The server.
    pub(crate) server: Option<ServerCheck>,
    /// UDP.
    pub(crate) udp: Option<WayCheck>,
    /// TCP.
    pub(crate) tcp: Option<WayCheck>,
    /// Up and down.
    pub(crate) throughput: Option<Throughput>,
}

/// How it is with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has not begun.
    Waiting,
    /// It is being measured.
    Running,
    /// All is well.
    Good,
    /// It works, but not well.
    Doubtful,
    /// It does not work.
    Bad,
    /// It could not be measured, or need not be.
    Untested,
}

impl Verdict {
    /// For tests and styles: stable.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
            Self::Untested => "untested",
        }
    }

    /// For those who do not see the mark.
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::Waiting => Key::VerdictWaiting,
            Self::Running => Key::VerdictRunning,
            Self::Good => Key::VerdictGood,
            Self::Doubtful => Key::VerdictDoubtful,
            Self::Bad => Key::VerdictBad,
            Self::Untested => Key::VerdictUntested,
        }
    }
}

/// What is shown of a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// Which.
    pub(crate) step: Step,
    /// How it is.
    pub(crate) verdict: Verdict,
    /// What was measured.
    pub(crate) value: Option<String>,
    /// What to do.
    pub(crate) advice: Option<Key>,
}

/// A voice call is comfortable up to the first (ITU-T G.114 counts one way: 150 ms), and hard beyond the second.
const ROUND_TRIP_GOOD_MS: f64 = 200.0;
const ROUND_TRIP_BAD_MS: f64 = 400.0;
/// All three sizes of a camera take 2.35 Mbit/s; the middle one and a voice take 0.6; the smallest and a voice take 0.2.
const UPLOAD_GOOD_BPS: f64 = 1.5e6;
const UPLOAD_BAD_BPS: f64 = 0.2e6;
/// One large picture, or three of middle size; and one of the smallest.
const DOWNLOAD_GOOD_BPS: f64 = 1.0e6;
const DOWNLOAD_BAD_BPS: f64 = 0.15e6;
/// More loss than this is heard.
const LOSS_GOOD: f64 = 0.05;

impl CheckUp {
    /// What is shown of every step.
    pub(crate) fn findings(&self) -> [Finding; Step::ALL.len()] {
        Step::ALL.map(|step| self.finding(step))
    }

    /// Whether nothing is being measured any more, and something was.
    pub(crate) fn is_over(&self) -> bool {
        self.running.is_empty() && self.server.is_some()
    }

    /// How many findings ask for something to be done.
    pub(crate) fn concerns(&self) -> usize {
        let is_concern = |verdict| matches!(verdict, Verdict::Doubtful | Verdict::Bad);
        self.findings().iter().filter(|finding| is_concern(finding.verdict)).count()
    }

    /// Everything as text, to be handed to whoever is asked for help. Nothing in it says who or where.
    pub(crate) fn report(&self) -> String {
        let mut report = format!("{}\n", text(Key::CheckUp));
        for Finding { step, verdict, value, advice } in self.findings() {
            let told =
                [Some(text(verdict.label()).to_owned()), value, advice.map(|key| text(key).to_owned())];
            let told = told.into_iter().flatten().collect::<Vec<_>>().join(" · ");
            report.push_str(&format!("{}: {told}\n", text(step.label())));
        }
        report
    }

    /// What is shown of a step.
    pub(crate) fn finding(&self, step: Step) -> Finding {
        let judged = match step {
            Step::Camera => self.camera.map(|check| device(check, Key::AdviceNoPicture)),
            Step::Microphone => self.microphone.map(|check| device(check, Key::AdviceSilent)),
            Step::Speaker => self.speaker.map(|is_heard| match is_heard {
                true => (Verdict::Good, None, None),
                false => (Verdict::Bad, None, Some(Key::AdviceNotHeard)),
            }),
            Step::Server => self.server.map(|check| match check {
                ServerCheck::Reached => (Verdict::Good, None, None),
                ServerCheck::Refused => (Verdict::Untested, None, Some(Key::AdviceRefused)),
                ServerCheck::Unreachable => (Verdict::Bad, None, Some(Key::AdviceUnreachable)),
            }),
            Step::Udp => self.udp.map(|udp| self.judge_udp(udp)),
            Step::Tcp => self.tcp.map(|tcp| self.judge_tcp(tcp)),
            Step::RoundTrip => self.round_trip(),
            Step::Upload => self.throughput.map(|measured| {
                rate(
                    measured.up_bps,
                    UPLOAD_GOOD_BPS,
                    UPLOAD_BAD_BPS,
                    Key::AdviceUpload,
                    Key::AdviceUploadBad,
                )
            }),
            Step::Download => self.throughput.map(judge_download),
        };
        let (verdict, value, advice) = judged.unwrap_or_else(|| (self.pending(step), None, None));
        Finding { step, verdict, value, advice }
    }

    /// A step without a measurement: it will come, or it cannot.
    fn pending(&self, step: Step) -> Verdict {
        if self.running.contains(&step) {
            Verdict::Running
        } else if self.is_over() && step != Step::Speaker {
            Verdict::Untested
        } else {
            Verdict::Waiting
        }
    }

    fn judge_udp(&self, udp: WayCheck) -> Judged {
        match (udp, self.tcp) {
            (WayCheck::Open { .. }, _) => (Verdict::Good, None, None),
            (WayCheck::NotOffered, _) => (Verdict::Untested, None, Some(Key::AdviceNotOffered)),
            (WayCheck::Blocked, Some(WayCheck::Open { .. })) => {
                (Verdict::Doubtful, None, Some(Key::AdviceUdpBlocked))
            }
            // Whether the other way is open decides how bad this is: until then, it is only not good.
            (WayCheck::Blocked, None) => (Verdict::Doubtful, None, None),
            (WayCheck::Blocked, Some(WayCheck::NotOffered)) => {
                (Verdict::Bad, None, Some(Key::AdviceUdpBlockedNoTcp))
            }
            (WayCheck::Blocked, Some(WayCheck::Blocked)) => (Verdict::Bad, None, Some(Key::AdviceAllBlocked)),
        }
    }

    fn judge_tcp(&self, tcp: WayCheck) -> Judged {
        let is_needed = !matches!(self.udp, Some(WayCheck::Open { .. }));
        match tcp {
            WayCheck::Open { .. } => (Verdict::Good, None, None),
            WayCheck::NotOffered | WayCheck::Blocked if !is_needed => {
                (Verdict::Untested, None, Some(Key::AdviceTcpNotNeeded))
            }
            WayCheck::NotOffered => (Verdict::Untested, None, Some(Key::AdviceNotOffered)),
            WayCheck::Blocked => (Verdict::Bad, None, None),
        }
    }

    /// Of the way that a call would take.
    fn round_trip(&self) -> Option<Judged> {
        let of = |way: Option<WayCheck>| match way {
            Some(WayCheck::Open { round_trip_ms }) => round_trip_ms,
            Some(WayCheck::NotOffered | WayCheck::Blocked) | None => None,
        };
        let ms = of(self.udp).or_else(|| of(self.tcp))?;
        let (verdict, advice) = match ms {
            ms if ms <= ROUND_TRIP_GOOD_MS => (Verdict::Good, None),
            ms if ms <= ROUND_TRIP_BAD_MS => (Verdict::Doubtful, Some(Key::AdviceSlow)),
            _ => (Verdict::Bad, Some(Key::AdviceSlow)),
        };
        Some((verdict, Some(Measure::RoundTrip.text(ms)), advice))
    }
}

type Judged = (Verdict, Option<String>, Option<Key>);

fn device(check: DeviceCheck, nothing: Key) -> Judged {
    match check {
        DeviceCheck::Off => (Verdict::Untested, None, Some(Key::AdviceDeviceOff)),
        DeviceCheck::Failed(problem) => (Verdict::Bad, None, Some(problem_advice(problem))),
        DeviceCheck::Nothing => (Verdict::Doubtful, None, Some(nothing)),
        DeviceCheck::Pictures(width, height) => (Verdict::Good, Some(format!("{width}×{height}")), None),
        DeviceCheck::Heard => (Verdict::Good, None, None),
    }
}

const fn problem_advice(problem: CaptureProblem) -> Key {
    match problem {
        CaptureProblem::Refused => Key::AllowInBrowser,
        CaptureProblem::NotFound => Key::AdviceNotFound,
        CaptureProblem::Busy => Key::AdviceBusy,
        CaptureProblem::Insecure => Key::AdviceInsecure,
        CaptureProblem::NoEffects | CaptureProblem::TooSlow => Key::AdviceEffects,
        CaptureProblem::Unknown => Key::AdviceFailed,
    }
}

fn judge_download(measured: Throughput) -> Judged {
    let (good, bad) = (DOWNLOAD_GOOD_BPS, DOWNLOAD_BAD_BPS);
    let judged = rate(measured.down_bps, good, bad, Key::AdviceDownload, Key::AdviceDownloadBad);
    match (judged, measured.loss.filter(|loss| *loss > LOSS_GOOD)) {
        ((Verdict::Good, value, _), Some(loss)) => {
            let loss = text_with(Key::CheckLoss, &[("loss", &Measure::PacketsMissed.text(loss))]);
            let value = value.map(|value| format!("{value}, {loss}"));
            (Verdict::Doubtful, value, Some(Key::AdviceLoss))
        }
        (judged, _) => judged,
    }
}

fn rate(bps: Option<f64>, good: f64, bad: f64, little: Key, hardly: Key) -> Judged {
    let Some(bps) = bps else { return (Verdict::Untested, None, None) };
    let (verdict, advice) = match bps {
        bps if bps >= good => (Verdict::Good, None),
        bps if bps >= bad => (Verdict::Doubtful, Some(little)),
        _ => (Verdict::Bad, Some(hardly)),
    };
    (verdict, Some(text_with(Key::CheckAtLeast, &[("rate", &Measure::BitsSent.text(bps))])), advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: WayCheck = WayCheck::Open { round_trip_ms: Some(40.0) };

    fn all_well() -> CheckUp {
        CheckUp {
            running: Vec::new(),
            camera: Some(DeviceCheck::Pictures(1280, 720)),
            microphone: Some(DeviceCheck::Heard),
            speaker: Some(true),
            server: Some(ServerCheck::Reached),
            udp: Some(OPEN),
            tcp: Some(OPEN),
            throughput: Some(Throughput { up_bps: Some(2e6), down_bps: Some(1.6e6), loss: Some(0.0) }),
        }
    }

    fn check(measured: &CheckUp, step: Step, verdict: Verdict, advice: Option<Key>) {
        let finding = measured.finding(step);
        assert_eq!((finding.verdict, finding.advice), (verdict, advice), "{step:?} of {measured:?}");
    }

    #[test]
    fn where_all_is_well_nothing_is_advised() {
        let measured = all_well();
        assert_eq!(measured.concerns(), 0);
        assert!(measured.findings().iter().all(|finding| finding.verdict == Verdict::Good), "{measured:?}");
        assert!(measured.findings().iter().all(|finding| finding.advice.is_none()));
    }

    #[test]
    fn an_answer_is_narrowed_to_one_protocol() {
        let udp = "a=candidate:1 1 UDP 2130706431 192.0.2.1 7000 typ host\r\n";
        let tcp = "a=candidate:2 1 tcp 1694498815 192.0.2.1 7001 typ host tcptype passive\r\n";
        let answer = format!("v=0\r\n{udp}{tcp}a=mid:0\r\n");
        assert_eq!(Protocol::Udp.only(&answer).unwrap(), format!("v=0\r\n{udp}a=mid:0\r\n"));
        assert_eq!(Protocol::Tcp.only(&answer).unwrap(), format!("v=0\r\n{tcp}a=mid:0\r\n"));
        assert_eq!(Protocol::Tcp.only(&format!("v=0\r\n{udp}")), None);
        assert_eq!(Protocol::Udp.only("a=candidate:"), None);
    }

    #[test]
    fn an_estimate_counts_only_while_something_flows() {
        use crate::call::stream_counters::{Counters, Rates};
        let rates = |bytes: u32| -> Rates {
            let report = |second: u32| {
                serde_json::json!([
                    {"type": "transport", "id": "T", "selectedCandidatePairId": "P", "timestamp": 1000 * second},
                    {"type": "candidate-pair", "id": "P", "availableOutgoingBitrate": 3e6},
                    {"type": "outbound-rtp", "id": "O", "kind": "video", "bytesSent": bytes * second},
                    {"type": "inbound-rtp", "id": "I", "kind": "video", "bytesReceived": bytes * second},
                ])
                .to_string()
            };
            Counters::read(&report(2)).unwrap().since(&Counters::read(&report(1)).unwrap()).unwrap()
        };
        let flowing = rates(125_000);
        let measured = Throughput::new(Some(&flowing), Some(&flowing));
        assert_eq!(measured, Throughput { up_bps: Some(3e6), down_bps: Some(1e6), loss: None });
        let still = rates(0);
        assert_eq!(Throughput::new(Some(&still), Some(&still)), Throughput::default());
        assert_eq!(Throughput::new(None, None), Throughput::default());
    }

    #[test]
    fn how_bad_a_blocked_way_is_depends_on_the_other() {
        let ways = |udp, tcp| CheckUp { udp: Some(udp), tcp, ..all_well() };
        let blocked = WayCheck::Blocked;
        let udp_blocked = ways(blocked, Some(OPEN));
        check(&udp_blocked, Step::Udp, Verdict::Doubtful, Some(Key::AdviceUdpBlocked));
        check(&udp_blocked, Step::Tcp, Verdict::Good, None);
        check(&ways(blocked, None), Step::Udp, Verdict::Doubtful, None);
        let all_blocked = ways(blocked, Some(blocked));
        check(&all_blocked, Step::Udp, Verdict::Bad, Some(Key::AdviceAllBlocked));
        check(&all_blocked, Step::Tcp, Verdict::Bad, None);
        let no_tcp = ways(blocked, Some(WayCheck::NotOffered));
        check(&no_tcp, Step::Udp, Verdict::Bad, Some(Key::AdviceUdpBlockedNoTcp));
        for tcp in [blocked, WayCheck::NotOffered] {
            let fine = ways(OPEN, Some(tcp));
            check(&fine, Step::Tcp, Verdict::Untested, Some(Key::AdviceTcpNotNeeded));
            assert_eq!(fine.concerns(), 0, "calls go over UDP");
        }
    }

    #[test]
    fn the_round_trip_is_that_of_the_way_that_a_call_takes() {
        let after = |udp, tcp| CheckUp { udp: Some(udp), tcp: Some(tcp), ..all_well() };
        let open = |ms| WayCheck::Open { round_trip_ms: Some(ms) };
        let fast = after(open(40.0), open(900.0));
        assert_eq!(fast.finding(Step::RoundTrip).value.as_deref(), Some("40.0 ms"));
        check(&fast, Step::RoundTrip, Verdict::Good, None);
        check(
            &after(WayCheck::Blocked, open(300.0)),
            Step::RoundTrip,
            Verdict::Doubtful,
            Some(Key::AdviceSlow),
        );
        check(&after(open(500.0), open(10.0)), Step::RoundTrip, Verdict::Bad, Some(Key::AdviceSlow));
        check(&after(WayCheck::Blocked, WayCheck::Blocked), Step::RoundTrip, Verdict::Untested, None);
    }

    #[test]
    fn little_bandwidth_is_told_from_hardly_any_and_from_none_measured() {
        let after = |up, down, loss| CheckUp {
            throughput: Some(Throughput { up_bps: up, down_bps: down, loss }),
            ..all_well()
        };
        let little = after(Some(6e5), Some(3e5), None);
        check(&little, Step::Upload, Verdict::Doubtful, Some(Key::AdviceUpload));
        check(&little, Step::Download, Verdict::Doubtful, Some(Key::AdviceDownload));
        let hardly = after(Some(1e5), Some(1e5), None);
        check(&hardly, Step::Upload, Verdict::Bad, Some(Key::AdviceUploadBad));
        check(&hardly, Step::Download, Verdict::Bad, Some(Key::AdviceDownloadBad));
        check(&after(None, None, None), Step::Upload, Verdict::Untested, None);
        let lossy = after(Some(2e6), Some(2e6), Some(0.12));
        check(&lossy, Step::Download, Verdict::Doubtful, Some(Key::AdviceLoss));
        assert!(lossy.finding(Step::Download).value.unwrap().contains("12.0 %"));
    }

    #[test]
    fn a_device_that_is_off_is_no_fault_and_one_that_fails_has_its_advice() {
        let devices =
            |camera, microphone| CheckUp { camera: Some(camera), microphone: Some(microphone), ..all_well() };
        let off = devices(DeviceCheck::Off, DeviceCheck::Nothing);
        check(&off, Step::Camera, Verdict::Untested, Some(Key::AdviceDeviceOff));
        check(&off, Step::Microphone, Verdict::Doubtful, Some(Key::AdviceSilent));
        let failed = devices(DeviceCheck::Nothing, DeviceCheck::Failed(CaptureProblem::Busy));
        check(&failed, Step::Camera, Verdict::Doubtful, Some(Key::AdviceNoPicture));
        check(&failed, Step::Microphone, Verdict::Bad, Some(Key::AdviceBusy));
        let silent = CheckUp { speaker: Some(false), ..all_well() };
        check(&silent, Step::Speaker, Verdict::Bad, Some(Key::AdviceNotHeard));
    }

    #[test]
    fn what_is_measured_and_what_cannot_be_any_more_are_told_apart() {
        let begun = CheckUp { running: vec![Step::Server], ..CheckUp::default() };
        check(&begun, Step::Server, Verdict::Running, None);
        check(&begun, Step::Udp, Verdict::Waiting, None);
        assert!(!begun.is_over() && !CheckUp::default().is_over());
        let gone = CheckUp { server: Some(ServerCheck::Unreachable), ..CheckUp::default() };
        check(&gone, Step::Server, Verdict::Bad, Some(Key::AdviceUnreachable));
        check(&gone, Step::Udp, Verdict::Untested, None);
        check(&gone, Step::Speaker, Verdict::Waiting, None);
        assert!(gone.is_over());
        let refused = CheckUp { server: Some(ServerCheck::Refused), ..CheckUp::default() };
        check(&refused, Step::Server, Verdict::Untested, Some(Key::AdviceRefused));
    }

    #[test]
    fn the_report_says_every_step_with_its_advice() {
        let measured = CheckUp { udp: Some(WayCheck::Blocked), ..all_well() };
        let report = measured.report();
        for step in Step::ALL {
            assert!(report.contains(text(step.label())), "{step:?} in {report}");
        }
        assert!(report.contains(text(Key::AdviceUdpBlocked)) && report.contains("1280×720"), "{report}");
    }
}
