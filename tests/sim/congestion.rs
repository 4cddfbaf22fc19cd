//! The estimator on the paths of RFC 8867, in virtual time: our send-side estimator, and the one of the `rtc` crate as an
//! oracle where it can be one.

use std::time::Duration;

use sfu::bandwidth::Algorithm;
use tests::path::{Bottleneck, FlowOptions, Path, Trace, fairness};

const SEEDS: std::ops::Range<u64> = 1..4;

fn run(schedule: &[(u64, u64)], flows: &[FlowOptions], seconds: u64, seed: u64) -> Vec<Trace> {
    Path::new(Bottleneck::new(schedule), flows, seed).run(Duration::from_secs(seconds))
}

fn shares(traces: &[Trace], from: u64, to: u64) -> Vec<f64> {
    traces.iter().map(|trace| trace.mean_bps(from, to)).collect()
}

/// RFC 8867 §5.1, in bit/s.
const VARIABLE: [(u64, u64); 4] = [(0, 1_000_000), (40, 2_500_000), (60, 600_000), (80, 1_000_000)];

#[test]
fn variable_capacity_is_followed_down_within_three_seconds_and_up_within_ten() {
    for seed in SEEDS {
        for jitter in [0, 10, 30] {
            let options = FlowOptions { jitter: Duration::from_millis(jitter), ..FlowOptions::default() };
            let trace = &run(&VARIABLE, &[options], 100, seed)[0];
            let which = format!("seed {seed}, jitter {jitter} ms");
            let down = trace.settles(60, 80, 110, true).expect(&which);
            assert!(down <= Duration::from_secs(3), "{which}: down after {down:?}");
            for from in [40, 80] {
                let up = trace.settles(from, from + 20, 80, false).expect(&which);
                assert!(up <= Duration::from_secs(10), "{which}: up after {up:?}");
            }
            for (from, to, capacity) in [(10, 40, 1e6), (50, 60, 2.5e6), (65, 80, 0.6e6), (85, 100, 1e6)] {
                let used = trace.mean_bps(from, to) / capacity;
                assert!(used > 0.75, "{which}: {used:.2} of the link used from {from} to {to} s");
            }
            let queue = trace.longest_queue(64, 80);
            assert!(queue < Duration::from_millis(300), "{which}: {queue:?} of queue remain");
        }
    }
}

/// RFC 8867 §5.2, in bit/s.
const SHARED: [(u64, u64); 5] =
    [(0, 4_000_000), (25, 2_000_000), (50, 3_500_000), (75, 1_000_000), (100, 2_000_000)];

#[test]
fn two_flows_share_a_variable_link() {
    for seed in SEEDS {
        let traces = run(&SHARED, &[FlowOptions::default(), FlowOptions::default()], 125, seed);
        for ((from, to), capacity) in
            [(5, 25), (30, 50), (55, 75), (80, 100), (105, 125)].into_iter().zip(SHARED)
        {
            let shares = shares(&traces, from, to);
            let used = shares.iter().sum::<f64>() / capacity.1 as f64;
            assert!(used > 0.7, "seed {seed}: {used:.2} of the link used from {from} to {to} s");
            assert!(shares.iter().all(|share| *share > capacity.1 as f64 * 0.1), "seed {seed}: {shares:?}");
        }
        let whole = fairness(&shares(&traces, 5, 125));
        assert!(whole > 0.9, "seed {seed}: fairness {whole:.2}");
    }
}

#[test]
fn two_equal_flows_have_equal_shares_within_half_a_minute() {
    for seed in SEEDS {
        let late = FlowOptions { start: Duration::from_secs(5), ..FlowOptions::default() };
        let traces = run(&[(0, 3_000_000)], &[FlowOptions::default(), late], 95, seed);
        let fairness = fairness(&shares(&traces, 35, 95));
        assert!(fairness >= 0.9, "seed {seed}: fairness {fairness:.2}");
    }
}

#[test]
fn congested_feedback_slows_nothing_down() {
    for seed in SEEDS {
        let schedule = [(0, 2_000_000), (20, 1_000_000), (40, 500_000), (60, 2_000_000)];
        let backward = Bottleneck::new(&[(0, 2_000_000), (35, 800_000), (70, 2_000_000)]);
        let path = Path::new(Bottleneck::new(&schedule), &[FlowOptions::default()], seed);
        let trace = &path.with_backward(backward, 900_000).run(Duration::from_secs(100))[0];
        for from in [20, 40] {
            let down = trace.settles(from, from + 20, 110, true).expect("down");
            assert!(down <= Duration::from_secs(3), "seed {seed}: {down:?} after {from} s");
        }
        let up = trace.settles(60, 100, 80, false).expect("up");
        assert!(up <= Duration::from_secs(10), "seed {seed}: {up:?}");
        assert!(trace.mean_bps(75, 100) > 1_500_000.0, "seed {seed}");
    }
}

#[test]
fn flows_that_come_later_and_flows_from_farther_away_are_not_starved() {
    let seconds = Duration::from_secs;
    for seed in SEEDS {
        let competing: Vec<FlowOptions> =
            [0, 20, 40].map(|at| FlowOptions { start: seconds(at), ..FlowOptions::default() }).to_vec();
        let traces = run(&[(0, 3_500_000)], &competing, 120, seed);
        let competing = shares(&traces, 60, 120);
        assert!(fairness(&competing) > 0.7, "seed {seed}: {competing:?}");
        assert!(competing.iter().all(|share| *share > 350_000.0), "seed {seed}: {competing:?}");
        let far: Vec<FlowOptions> = [10, 25, 50, 100, 150]
            .into_iter()
            .zip([0, 10, 20, 30, 40])
            .map(|(delay, at)| FlowOptions {
                delay: Duration::from_millis(delay),
                start: seconds(at),
                ..FlowOptions::default()
            })
            .collect();
        let traces = run(&[(0, 4_000_000)], &far, 300, seed);
        let far = shares(&traces, 100, 300);
        assert!(fairness(&far) > 0.7, "seed {seed}: {far:?}");
        assert!(far.iter().all(|share| *share > 240_000.0), "seed {seed}: {far:?}");
        assert!(far.iter().sum::<f64>() > 2_800_000.0, "seed {seed}: {far:?}");
    }
}

#[test]
fn a_flow_that_pauses_leaves_its_share_and_gets_one_back() {
    for seed in SEEDS {
        let pause = Some((Duration::from_secs(40), Duration::from_secs(60)));
        let flows =
            [FlowOptions { pause, ..FlowOptions::default() }, FlowOptions::default(), FlowOptions::default()];
        let traces = run(&[(0, 3_500_000)], &flows, 120, seed);
        let meanwhile = shares(&traces, 45, 60);
        assert!(
            meanwhile[0] < 1000.0 && meanwhile[1] + meanwhile[2] > 2_600_000.0,
            "seed {seed}: {meanwhile:?}"
        );
        let after = shares(&traces, 70, 120);
        assert!(after.iter().all(|share| *share > 350_000.0), "seed {seed}: {after:?}");
    }
}

#[test]
fn random_loss_is_not_taken_for_congestion() {
    for seed in SEEDS {
        let mean = |loss| {
            let options = FlowOptions { loss, most_bps: 1_500_000, ..FlowOptions::default() };
            run(&[(0, 2_000_000)], &[options], 60, seed)[0].mean_bps(20, 60)
        };
        let clean = mean(0);
        // What is lost on the way does not arrive: the cut is counted beside it.
        assert!(mean(20) > clean * 0.98 * 0.85, "seed {seed}: {} of {clean} at 2 %", mean(20));
        assert!(mean(100) > 1_000_000.0, "seed {seed}: {} of 2 Mbit/s at 10 %", mean(100));
    }
}

#[test]
fn a_small_picture_is_not_given_up_where_a_third_is_lost_whatever_is_sent() {
    for seed in SEEDS {
        for (delay_ms, loss) in [(20, 200), (20, 300), (100, 300)] {
            let delay = Duration::from_millis(delay_ms);
            let options = FlowOptions { loss, delay, most_bps: 500_000, ..FlowOptions::default() };
            let trace = &run(&[(0, 3_000_000)], &[options], 60, seed)[0];
            let mean = trace.mean_bps(10, 60);
            let least = 500_000.0 * (1.0 - loss as f64 / 1000.0) * 0.95;
            assert!(mean > least, "seed {seed}: {mean} at {loss} per mille and {delay:?}");
        }
    }
}

#[test]
fn beside_the_oracle_it_uses_the_link_alike_with_a_far_shorter_queue_and_bears_loss() {
    let of = |algorithm, loss| {
        let options = FlowOptions { algorithm, loss, ..FlowOptions::default() };
        run(&VARIABLE, &[options], 100, 1).remove(0)
    };
    let (ours, oracle) = (of(Algorithm::SendSide, 0), of(Algorithm::Gcc, 0));
    let (used, theirs) = (ours.mean_bps(5, 100), oracle.mean_bps(5, 100));
    assert!(used > theirs * 0.85, "{used} and {theirs}");
    let queue = |trace: &Trace| trace.longest_queue(5, 40);
    assert!(queue(&ours) * 2 < queue(&oracle), "{:?} and {:?}", queue(&ours), queue(&oracle));
    let (used, theirs) =
        (of(Algorithm::SendSide, 100).mean_bps(5, 100), of(Algorithm::Gcc, 100).mean_bps(5, 100));
    assert!(used > theirs * 2.0, "at 10 % loss: {used} and {theirs}");
}
