//! The estimator over a link without surprises; the cases of RFC 8867 are in the simulation.

use proptest::prelude::*;

use super::*;

/// Sends `bps` in packets of 1,000 bytes over a link of `capacity_bps` for so many milliseconds, with feedback every 50.
fn run(estimator: &mut dyn Estimator, start: Instant, ms: std::ops::Range<u64>, bps: u64, capacity_bps: u64) {
    const BYTES: u16 = 1000;
    let spacing = Duration::from_secs_f64(8000.0 / bps as f64);
    let takes = Duration::from_secs_f64(8000.0 / capacity_bps as f64);
    let (mut sent, mut free) = (Duration::from_millis(ms.start), Duration::from_millis(ms.start));
    let (mut results, mut number) = (Vec::new(), 0_u16);
    for now in ms.step_by(50) {
        let now = Duration::from_millis(now + 50);
        while sent < now {
            free = free.max(sent) + takes;
            estimator.sent(start + sent, BYTES.into());
            results.push(PacketResult {
                number,
                sent: start + sent,
                received: Some(Duration::from_secs(9) + free),
                bytes: BYTES,
                cluster: None,
                was_missing: false,
            });
            number = number.wrapping_add(1);
            sent += spacing;
        }
        estimator.handle_timeout(start + now);
        estimator.feedback(start + now, &std::mem::take(&mut results));
    }
}

#[test]
fn it_goes_down_when_a_queue_builds_up_and_stays_when_none_does() {
    let start = Instant::now();
    let mut estimator = SendSide::new(start, 1_000_000);
    run(&mut estimator, start, 0..5000, 1_000_000, 5_000_000);
    let before = estimator.target_bps();
    assert!(before >= 1_000_000, "{before}");
    run(&mut estimator, start, 5000..8000, 1_000_000, 600_000);
    let after = estimator.target_bps();
    assert!(after < 660_000, "{after}");
}

#[test]
fn without_feedback_the_estimate_goes_down_by_itself() {
    let start = Instant::now();
    let mut estimator = SendSide::new(start, 1_000_000);
    for ms in (0..10_000).step_by(100) {
        estimator.sent(start + Duration::from_millis(ms), 10_000);
        estimator.handle_timeout(start + Duration::from_millis(ms));
    }
    assert!(estimator.target_bps() < 200_000, "{}", estimator.target_bps());
}

#[test]
fn a_pause_of_the_application_costs_nothing() {
    let start = Instant::now();
    let mut estimator = SendSide::new(start, 1_000_000);
    run(&mut estimator, start, 0..4000, 1_000_000, 5_000_000);
    let before = estimator.target_bps();
    for ms in (4000..20_000).step_by(100) {
        estimator.handle_timeout(start + Duration::from_millis(ms));
    }
    assert_eq!(estimator.target_bps(), before);
}

#[test]
fn the_first_clusters_probe_three_and_six_times_the_start_as_far_as_that_is_wanted() {
    let start = Instant::now();
    let first = |wanted_bps| {
        let mut estimator = SendSide::new(start, 300_000);
        estimator.want(wanted_bps);
        std::iter::from_fn(|| estimator.poll_probe(start)).map(|cluster| cluster.bps).collect::<Vec<_>>()
    };
    assert_eq!(first(9_000_000), [900_000, 1_800_000]);
    assert_eq!(first(1_000_000), [900_000, 1_300_000]);
    assert_eq!(first(0), [0; 0]);
}

/// Answers every cluster as a link without a limit would, and tells the rates.
fn answer_clusters(estimator: &mut SendSide, start: Instant, seconds: u64) -> Vec<u64> {
    let mut rates = Vec::new();
    for ms in (0..seconds * 1000).step_by(10) {
        let now = start + Duration::from_millis(ms);
        estimator.handle_timeout(now);
        let Some(cluster) = estimator.poll_probe(now) else { continue };
        rates.push(cluster.bps);
        let bytes = (cluster.bytes / 10 + 1) as u16;
        let spacing = Duration::from_secs_f64(f64::from(bytes) * 8.0 / cluster.bps as f64);
        let result = |at: u32| PacketResult {
            number: at as u16,
            sent: now + spacing * at,
            received: Some(Duration::from_millis(60_000 + ms) + spacing * at),
            bytes,
            cluster: Some(cluster.id),
            was_missing: false,
        };
        let results: Vec<PacketResult> = (0..11).map(result).collect();
        estimator.feedback(now + spacing * 11, &results);
    }
    rates
}

#[test]
fn clusters_that_succeed_are_followed_until_what_is_wanted_is_shown() {
    let start = Instant::now();
    let mut estimator = SendSide::new(start, 300_000);
    estimator.want(8_000_000);
    let rates = answer_clusters(&mut estimator, start, 20);
    assert!(estimator.target_bps() >= 8_000_000, "{} after {rates:?}", estimator.target_bps());
    assert!(estimator.proven_bps() >= 8_000_000);
    assert!(rates.iter().all(|rate| *rate <= 10_400_000), "{rates:?}");
    assert!(rates.len() < 12, "no probe without need: {rates:?}");
}

#[test]
fn loss_without_a_queue_leaves_what_is_needed_until_half_is_lost() {
    const NEED: u64 = 900_000;
    let start = Instant::now();
    let mut estimator = SendSide::new(start, 1_000_000);
    estimator.need(NEED);
    // 50 ms, 20 ms on the way, 8 packets of 1,000 bytes between two messages.
    let mut lose = |messages: std::ops::Range<u64>, lost_of_ten: u16| {
        for message in messages {
            let at = start + Duration::from_millis(50 * message);
            let result = |packet: u16| {
                let (number, sent) =
                    (message as u16 * 8 + packet, at + Duration::from_millis(6) * packet.into());
                let received = Duration::from_secs(9) + sent.saturating_duration_since(start);
                PacketResult {
                    number,
                    sent,
                    received: (number * 7 % 10 >= lost_of_ten).then_some(received),
                    bytes: 1000,
                    cluster: None,
                    was_missing: false,
                }
            };
            let results: Vec<PacketResult> = (0..8).map(result).collect();
            results.iter().for_each(|result| estimator.sent(result.sent, 1000));
            estimator.feedback(at + Duration::from_millis(70), &results);
        }
        estimator.target_bps()
    };
    let random = lose(0..200, 3);
    assert!(random >= NEED, "{random} at 30 %");
    let heavy = lose(200..300, 7);
    assert!(heavy < NEED, "{heavy} at 70 %");
    let again = lose(300..400, 3);
    assert!(again >= NEED, "{again} at 30 % again");
}

#[test]
fn a_cluster_shows_its_rate_when_it_loses_no_more_than_everything() {
    let start = Instant::now();
    for (lost, is_told) in [(0.0, false), (0.3, true)] {
        let mut results = probe::ProbeResults::default();
        let id = ClusterId::FIRST;
        results.expect(ProbeCluster { id, bps: 1_000_000, bytes: 2500, packets: 5 });
        let told = [0_u16, 3, 4, 6, 8, 9].map(|number| {
            let sent = start + Duration::from_millis(2) * number.into();
            let received = Some(Duration::from_secs(9) + sent.saturating_duration_since(start));
            let packet =
                PacketResult { number, sent, received, bytes: 250, cluster: Some(id), was_missing: false };
            results.packet(&packet, lost)
        });
        assert_eq!(told.into_iter().flatten().next().is_some(), is_told, "{lost} lost");
    }
}

proptest! {
    #[test]
    fn whatever_is_told_the_estimate_stays_within_its_bounds(
        told in prop::collection::vec((any::<u16>(), any::<u32>(), any::<Option<u32>>(), any::<u16>(), 0u16..8), 0..200),
        wanted in any::<u64>(),
    ) {
        let start = Instant::now();
        for algorithm in [Algorithm::SendSide, Algorithm::Gcc] {
            let mut estimator = algorithm.estimator(start, START_BPS);
            estimator.want(wanted % 1_000_000_000);
            for (at, chunk) in told.chunks(5).enumerate() {
                let now = start + Duration::from_millis(at as u64 * 50 + 5_000_000);
                let results: Vec<PacketResult> = chunk.iter().map(|(number, sent, received, bytes, cluster)| {
                    PacketResult {
                        number: *number,
                        sent: start + Duration::from_millis(u64::from(sent % 5_000_000)),
                        received: received.map(|received| Duration::from_micros(received.into())),
                        bytes: *bytes,
                        cluster: ClusterId::from_bits(*cluster),
                        was_missing: number % 5 == 0,
                    }
                }).collect();
                estimator.poll_probe(now);
                estimator.feedback(now, &results);
                estimator.handle_timeout(now);
                prop_assert!((MIN_BPS..=MAX_BPS).contains(&estimator.target_bps()));
                prop_assert!(estimator.proven_bps() <= estimator.target_bps());
            }
        }
    }
}
