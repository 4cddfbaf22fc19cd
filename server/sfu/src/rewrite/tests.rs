use super::*;
use proptest::prelude::*;

const A: u32 = 1;
const B: u32 = 2;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn video(sequence: u16, timestamp: u32, picture_id: u16, tl0: u8) -> SourcePacket {
    let picture_id = Some(PictureId { at: 2, long: true, value: picture_id & 0x7fff });
    let ids = picture::Ids { picture_id, tl0: Some(picture::Tl0 { at: 4, value: tl0 }) };
    SourcePacket { sequence, timestamp, numbers: Numbers::Vp8(ids) }
}

fn audio(sequence: u16) -> SourcePacket {
    SourcePacket { sequence, timestamp: u32::from(sequence) * 960, numbers: Numbers::None }
}

#[test]
fn a_switch_continues_every_number() {
    let start = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 32767, 5000);
    let first = rewriter.switch(start, A, &video(65535, 77, 0x7fff, 200));
    assert_eq!((first.index, first.timestamp), (32767, 5000));
    let next = rewriter.forward(start + ms(40), A, &video(0, 77 + 3600, 0, 201)).unwrap();
    assert_eq!((next.index, next.timestamp), (32768, 8600));
    assert_eq!((next.picture_id, next.tl0), ((first.picture_id + 1) & 0x7fff, first.tl0.wrapping_add(1)));
    let other = rewriter.switch(start + ms(140), B, &video(9, 4_000_000_000, 500, 9));
    assert_eq!((other.index, other.timestamp), (32769, 8600 + 9000));
    assert_eq!((other.picture_id, other.tl0), ((next.picture_id + 1) & 0x7fff, next.tl0.wrapping_add(1)));
    assert_eq!(rewriter.timestamp(4_000_000_090), Some(8600 + 9000 + 90));
    assert_eq!((rewriter.source(), rewriter.last()), (Some(B), Some((start + ms(140), other))));
}

#[test]
fn a_switch_without_pause_advances_the_timestamp_by_one_frame() {
    for media in [Media::VIDEO, Media::AUDIO] {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(media, 1, u32::MAX);
        let first = rewriter.switch(start, A, &audio(1));
        let second = rewriter.switch(start, B, &audio(1));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), media.frame);
        let third = rewriter.switch(start + Duration::from_secs(100_000), A, &audio(1));
        assert_eq!(third.timestamp.wrapping_sub(second.timestamp), 3600 * media.clock_hz);
    }
}

#[test]
fn only_the_current_source_passes_and_only_from_the_switch_on() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::AUDIO, 1, 0);
    assert_eq!(rewriter.forward(now, A, &audio(1)), Err(Refused::OtherSource));
    assert_eq!(rewriter.skip(A, 1), Err(Refused::OtherSource));
    rewriter.switch(now, A, &audio(0));
    assert_eq!(rewriter.forward(now, A, &audio(65535)), Err(Refused::BeforeSwitch));
    assert_eq!(rewriter.forward(now, A, &audio(0)), Err(Refused::Duplicate));
    rewriter.switch(now, B, &audio(50));
    assert_eq!(rewriter.forward(now, A, &audio(1)), Err(Refused::OtherSource));
}

#[test]
fn skipped_packets_close_up_and_late_ones_find_their_place() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 100, 0);
    let forward =
        |rewriter: &mut Rewriter, sequence| rewriter.forward(now, A, &audio(sequence)).map(|to| to.index);
    rewriter.switch(now, A, &audio(10));
    assert_eq!(forward(&mut rewriter, 11), Ok(101));
    assert_eq!(rewriter.skip(A, 13), Ok(Skip::Compacted));
    assert_eq!(rewriter.skip(A, 14), Ok(Skip::Compacted));
    assert_eq!(forward(&mut rewriter, 15), Ok(103));
    assert_eq!(rewriter.source_of(102), Some(Origin { source: A, sequence: 12 }));
    assert_eq!(rewriter.again(102, &audio(12)), None, "a hole was never sent");
    assert_eq!(forward(&mut rewriter, 12), Ok(102));
    assert_eq!(forward(&mut rewriter, 12), Err(Refused::Duplicate));
    assert_eq!(forward(&mut rewriter, 13), Err(Refused::Skipped));
    assert_eq!(rewriter.skip(A, 14), Ok(Skip::Compacted));
    assert_eq!(rewriter.skip(A, 15), Err(Refused::Duplicate));
    assert_eq!(forward(&mut rewriter, 17), Ok(105));
    assert_eq!(rewriter.skip(A, 16), Ok(Skip::Hole(104)));
    assert_eq!(forward(&mut rewriter, 18), Ok(106));
}

#[test]
fn pictures_lost_in_a_long_outage_keep_their_numbers() {
    let now = Instant::now();
    for lost in [1, 63, 150, 400] {
        let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
        let first = rewriter.switch(now, A, &video(0, 0, 7, 1));
        let after = rewriter.forward(now, A, &video(1 + lost, 3000, 8 + lost, 2)).unwrap();
        assert_eq!(after.picture_id, (first.picture_id + 1 + lost) & 0x7fff, "{lost} pictures lost");
    }
}

#[test]
fn a_temporal_layer_left_out_leaves_no_gap_in_picture_ids() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
    let first = rewriter.switch(now, A, &video(0, 0, 7, 1)).picture_id;
    for picture in 1..300u16 {
        for part in 0..2 {
            let packet = video(picture * 2 + part, 0, picture + 7, 1);
            if picture % 2 == 1 {
                assert_eq!(rewriter.skip_picture(A, &packet), Ok(Skip::Compacted));
            } else {
                let to = rewriter.forward(now, A, &packet).unwrap();
                assert_eq!(to.picture_id, (first + picture / 2) & 0x7fff);
                // Two packets for each of the even pictures before it; the first one's second packet was lost.
                assert_eq!(to.index, 1 + u64::from(picture + part));
            }
        }
    }
}

#[test]
fn seven_bit_picture_ids_are_unwrapped() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
    let short = |sequence: u16| {
        let picture_id = Some(PictureId { at: 2, long: false, value: sequence & 0x7f });
        SourcePacket { sequence, timestamp: 0, numbers: Numbers::Vp8(picture::Ids { picture_id, tl0: None }) }
    };
    let first = rewriter.switch(now, A, &short(120)).picture_id;
    for sequence in 121..500 {
        let to = rewriter.forward(now, A, &short(sequence)).unwrap();
        assert_eq!(to.picture_id, (first + sequence - 120) & 0x7fff);
    }
}

#[test]
fn an_encoder_that_restarts_its_picture_ids_is_continued() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
    let first = rewriter.switch(now, A, &video(0, 0, 1000, 1)).picture_id;
    for (sequence, id) in [(1, 20_000), (2, 3), (3, 2)] {
        let to = rewriter.forward(now, A, &video(sequence, 0, id, 1)).unwrap();
        assert_eq!(to.picture_id, (first + sequence) & 0x7fff);
    }
}

#[test]
fn a_jump_of_the_publisher_does_not_move_the_rollover_counter() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
    rewriter.switch(now, A, &audio(0));
    let mut sequence = 0u16;
    for step in 0..100 {
        sequence = sequence.wrapping_add(30_000);
        let to = rewriter.forward(now, A, &audio(sequence)).unwrap();
        assert_eq!(to.index, 2 + step);
        assert_eq!(rewriter.source_of(to.sequence()), Some(Origin { source: A, sequence }));
    }
}

#[test]
fn a_packet_is_sent_again_with_its_old_numbers_after_switches() {
    let start = Instant::now();
    let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
    let mut sent = Vec::new();
    for round in 0..4u16 {
        let source = u32::from(round % 2);
        for at in 0..20u16 {
            let packet = video(round * 1000 + at, u32::from(at) * 3000, round * 100 + at, at as u8);
            let now = start + ms(u64::from(round * 700 + at * 33));
            let to = if at == 0 {
                rewriter.switch(now, source, &packet)
            } else {
                rewriter.forward(now, source, &packet).unwrap()
            };
            sent.push((source, packet, to));
        }
    }
    for (source, packet, to) in sent {
        assert_eq!(rewriter.source_of(to.sequence()), Some(Origin { source, sequence: packet.sequence }));
        assert_eq!(rewriter.again(to.sequence(), &packet), Some(to));
        assert_eq!(rewriter.again(to.sequence(), &video(5555, 0, 0, 0)), None, "another packet");
    }
    assert_eq!(rewriter.source_of(81), None, "not sent yet");
}

#[test]
fn what_is_older_than_the_history_is_unknown() {
    let now = Instant::now();
    let mut rewriter = Rewriter::new(Media::AUDIO, 1, 0);
    rewriter.switch(now, A, &audio(0));
    for sequence in (1..=65).filter(|sequence| *sequence != 2) {
        rewriter.forward(now, A, &audio(sequence)).unwrap();
    }
    assert_eq!(rewriter.source_of(2), None);
    assert_eq!(rewriter.source_of(3), Some(Origin { source: A, sequence: 2 }));
    assert!(rewriter.forward(now, A, &audio(2)).is_ok());
    rewriter.forward(now, A, &audio(66)).unwrap();
    assert_eq!(rewriter.forward(now, A, &audio(2)), Err(Refused::TooOld));
    for source in 10..18 {
        rewriter.switch(now, source, &audio(0));
    }
    assert_eq!(rewriter.source_of(67), None, "the ninth last source");
    assert_eq!(rewriter.source_of(68), Some(Origin { source: 10, sequence: 0 }));
}

/// What the network and the publisher do to one packet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Arrives,
    Lost,
    Twice,
    Padding,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![6 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 1 => Just(Fate::Twice), 1 => Just(Fate::Padding)]
}

/// One stay with a source: for each packet its fate and by how many places it is late.
fn stay() -> impl Strategy<Value = (u32, Vec<(Fate, usize)>)> {
    (0u32..3, proptest::collection::vec((fate(), 0usize..6), 1..60))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_switches_losses_reorderings_duplicates_and_skips_give_one_continuous_stream(
        stays in proptest::collection::vec(stay(), 1..12),
        first_out: u16,
        mut sequences in proptest::array::uniform3(any::<u16>()),
        mut pictures in proptest::array::uniform3(any::<u16>()),
    ) {
        let mut now = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, first_out, 0);
        let mut seen = std::collections::BTreeMap::new();
        let mut next_index = u64::from((first_out & 0x7fff).max(1));
        let mut last: Option<Rewritten> = None;
        for (source, mut packets) in stays {
            packets[0] = (Fate::Arrives, 0);
            let (sequence0, picture0) = (sequences[source as usize], pictures[source as usize]);
            let packet = |at: usize| {
                let step = at as u16;
                let timestamp = u32::from(sequence0) * 1500 + at as u32 / 2 * 3000;
                video(sequence0.wrapping_add(step), timestamp, picture0.wrapping_add(step / 2), (at / 2) as u8)
            };
            let mut arriving: Vec<(usize, usize)> = Vec::new();
            for (at, (fate, late)) in packets.iter().enumerate() {
                arriving.extend((*fate != Fate::Lost).then_some((at + late, at)));
                arriving.extend((*fate == Fate::Twice).then_some((at + late + 3, at)));
            }
            arriving.sort_unstable();
            // Padding that arrives before everything behind it closes up; late padding leaves a hole.
            let mut compacted = vec![false; packets.len()];
            let (mut newest, mut newest_media) = (0, 0);
            let mut done = std::collections::BTreeMap::new();
            let mut newest_to = last;
            for (_, at) in arriving {
                now += ms(7);
                let source_packet = packet(at);
                if packets[at].0 == Fate::Padding {
                    let expected = if at > newest { Skip::Compacted } else {
                        Skip::Hole((next_index + (0..at).filter(|at| !compacted[*at]).count() as u64) as u16)
                    };
                    prop_assert_eq!(rewriter.skip(source, source_packet.sequence), Ok(expected));
                    compacted[at] = expected == Skip::Compacted;
                    newest = newest.max(at);
                    continue;
                }
                if done.contains_key(&at) {
                    let again = rewriter.forward(now, source, &source_packet);
                    prop_assert_eq!(again, Err(Refused::Duplicate));
                    continue;
                }
                let to = if at == 0 {
                    rewriter.switch(now, source, &source_packet)
                } else {
                    rewriter.forward(now, source, &source_packet).unwrap()
                };
                // Its place is that among the packets before it which were not closed up.
                prop_assert_eq!(to.index, next_index + (0..at).filter(|at| !compacted[*at]).count() as u64);
                prop_assert!(seen.insert(to.index, (source, source_packet.sequence)).is_none(), "given twice");
                if at == 0 && let Some(last) = last {
                    let step = to.timestamp.wrapping_sub(last.timestamp);
                    prop_assert!((1800..0x4000_0000).contains(&step), "{}", step);
                    prop_assert_eq!(to.picture_id, (last.picture_id + 1) & 0x7fff);
                    prop_assert_eq!(to.tl0, last.tl0.wrapping_add(1));
                }
                let first: &Rewritten = done.entry(0).or_insert(to);
                prop_assert_eq!(to.picture_id, (first.picture_id + (at / 2) as u16) & 0x7fff);
                prop_assert_eq!(to.timestamp, first.timestamp.wrapping_add(at as u32 / 2 * 3000));
                prop_assert_eq!(to.tl0, first.tl0.wrapping_add((at / 2) as u8));
                done.insert(at, to);
                newest = newest.max(at);
                if at >= newest_media {
                    (newest_media, newest_to) = (at, Some(to));
                }
                prop_assert_eq!(rewriter.again(to.sequence(), &source_packet), Some(to));
            }
            last = newest_to;
            next_index = last.map_or(next_index, |last| last.index + 1);
            sequences[source as usize] = sequence0.wrapping_add(packets.len() as u16);
            pictures[source as usize] = picture0.wrapping_add(packets.len() as u16);
        }
        let floor = next_index.saturating_sub(512);
        let recent = rewriter.epochs.iter().flatten().last().map_or(0, |epoch| epoch.first_index);
        for (index, (source, sequence)) in seen {
            let origin = rewriter.source_of(index as u16);
            if index >= floor && index >= recent {
                prop_assert_eq!(origin, Some(Origin { source, sequence }));
            }
        }
    }
}
