use super::*;
use crate::model::Model;
use crate::model::tests::{pinned, tiny};

/// A picture as I420: luma by place, and two colours.
fn picture(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8, colours: [u8; 2]) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..width * height).map(|at| luma(at / width, at % width)).collect();
    for colour in colours {
        bytes.resize(bytes.len() + width * height / 4, colour);
    }
    bytes
}

/// The same picture as NV12.
fn nv12(i420: &[u8]) -> Vec<u8> {
    let (luma, colours) = i420.split_at(i420.len() / 3 * 2);
    let (u, v) = colours.split_at(colours.len() / 2);
    let in_turns = u.iter().zip(v).flat_map(|(u, v)| [*u, *v]);
    luma.iter().copied().chain(in_turns).collect()
}

/// A compositor that knows a mask: the person is to the right of `edge`, in parts of the width.
fn compositor_with_edge(width: usize, height: usize, effect: Effect, edge: f32) -> Compositor {
    let mut compositor = Compositor::new(width, height, effect).unwrap();
    let is_person = |at: usize| (at % 256) as f32 + 0.5 > edge * 256.0;
    let mask: Vec<f32> = (0..256 * 144).map(|at| if is_person(at) { 1.0 } else { 0.0 }).collect();
    compositor.outline.learn(&mask, 256, 144);
    compositor
}

fn process(compositor: &mut Compositor, picture: &[u8]) -> Vec<u8> {
    compositor.input().copy_from_slice(picture);
    compositor.process(Format::I420, None).to_vec()
}

/// Black and white stripes, four pixels wide.
fn stripes(_: usize, column: usize) -> u8 {
    if (column / 4).is_multiple_of(2) { 16 } else { 235 }
}

#[test]
fn every_even_size_up_to_1080p_works_in_both_formats() {
    for (width, height) in [
        (2, 2),
        (2, 64),
        (64, 2),
        (18, 10),
        (320, 180),
        (426, 240),
        (640, 360),
        (854, 480),
        (862, 486),
        (1280, 720),
    ] {
        let mut compositor = compositor_with_edge(width, height, Effect::Blur(0.5), 0.5);
        let camera = picture(width, height, stripes, [90, 160]);
        let out = process(&mut compositor, &camera);
        assert_eq!(out.len(), camera.len());
        compositor.input().copy_from_slice(&nv12(&camera));
        assert_eq!(compositor.process(Format::Nv12, None), out, "{width} × {height}");
    }
    for (width, height) in [(1920, 1080), (1080, 1920)] {
        let mut compositor = compositor_with_edge(width, height, Effect::Picture, 0.5);
        let camera = picture(width, height, stripes, [90, 160]);
        assert_eq!(process(&mut compositor, &camera).len(), camera.len());
    }
}

#[test]
fn other_sizes_are_refused() {
    let new = |width, height| Compositor::new(width, height, Effect::Picture).map(|_| ()).unwrap_err();
    for (width, height) in [(0, 0), (0, 2), (3, 2), (640, 361)] {
        assert_eq!(new(width, height), SizeError::Odd);
    }
    for (width, height) in [(1922, 2), (1920, 1920), (usize::MAX - 1, usize::MAX - 1)] {
        assert_eq!(new(width, height), SizeError::TooLarge);
    }
}

#[test]
fn the_person_stays_and_the_background_is_blurred() {
    let mut compositor = compositor_with_edge(1280, 720, Effect::Blur(0.5), 0.5);
    let camera = picture(1280, 720, stripes, [90, 160]);
    let out = process(&mut compositor, &camera);
    for row in [0, 360, 719] {
        for column in 0..1280 {
            let (before, after) = (camera[row * 1280 + column], out[row * 1280 + column]);
            if column > 700 {
                assert_eq!(before, after, "the person at {row}, {column}");
            } else if (100..580).contains(&column) {
                assert!((110..=140).contains(&after), "the background at {row}, {column}: {after}");
            }
        }
    }
}

#[test]
fn the_person_casts_no_halo_into_the_blur() {
    // A white person before a dark wall.
    let mut compositor = compositor_with_edge(1280, 720, Effect::Blur(1.0), 0.5);
    let camera = picture(1280, 720, |_, column| if column < 640 { 40 } else { 235 }, [128, 128]);
    let out = process(&mut compositor, &camera);
    for column in 0..620 {
        let luma = out[360 * 1280 + column];
        assert!((39..=44).contains(&luma), "{column}: {luma}");
    }
}

#[test]
fn the_outline_follows_the_edge_in_the_picture() {
    // The mask is off by 5 pixels of 1280: the person begins at 640, where the luma changes.
    let mut compositor = compositor_with_edge(1280, 720, Effect::Picture, 0.5 + 5.0 / 1280.0);
    let camera = picture(1280, 720, |_, column| if column < 640 { 60 } else { 200 }, [128, 128]);
    let out = process(&mut compositor, &camera);
    let luma = |column: usize| out[360 * 1280 + column];
    // A plain mask would show the wall's 96 here.
    assert!(luma(643) > 150, "{}", luma(643));
    assert!((90..=100).contains(&luma(600)), "{}", luma(600));
}

#[test]
fn before_there_is_a_mask_everything_is_background() {
    let camera = picture(640, 360, stripes, [90, 160]);
    let mut compositor = Compositor::new(640, 360, Effect::Picture).unwrap();
    assert_eq!(process(&mut compositor, &camera), compositor.backdrop.planes());
    let mut compositor = compositor_with_edge(640, 360, Effect::Picture, 0.0);
    assert_ne!(process(&mut compositor, &camera), compositor.backdrop.planes());
    compositor.forget();
    assert_eq!(process(&mut compositor, &camera), compositor.backdrop.planes());
}

#[test]
fn a_mask_that_flickers_a_little_is_calmed_and_one_that_moves_is_followed() {
    let mut mask = vec![0.9; 4];
    outline::calm(&mut mask, &[0.8; 4]);
    assert!(mask[0] > 0.84, "{}", mask[0]);
    outline::calm(&mut mask, &[0.1; 4]);
    assert!((mask[0] - 0.1).abs() < 1e-6, "{}", mask[0]);
}

#[test]
fn a_strength_that_is_no_number_hides_the_most() {
    let camera = picture(640, 360, stripes, [90, 160]);
    let blurred =
        |strength| process(&mut compositor_with_edge(640, 360, Effect::Blur(strength), 0.5), &camera);
    assert_eq!(blurred(f32::NAN), blurred(1.0));
    assert_eq!(blurred(-3.0), blurred(0.0));
    assert_ne!(blurred(0.0), blurred(1.0));
}

#[test]
fn the_more_strength_the_less_of_the_background_can_be_seen() {
    // Edges at many distances, and nobody there.
    let camera = picture(
        640,
        360,
        |row, column| if (row * row / 97 + column * column / 83) % 2 == 0 { 30 } else { 220 },
        [90, 160],
    );
    let sharpness = |strength: f32| {
        let mut compositor = Compositor::new(640, 360, Effect::Blur(strength)).unwrap();
        let out = process(&mut compositor, &camera);
        let pairs = out[..640 * 360].windows(2).map(|pair| u64::from(pair[0].abs_diff(pair[1])));
        pairs.sum::<u64>()
    };
    let all: Vec<u64> = (0..=20).map(|step| sharpness(step as f32 / 20.0)).collect();
    assert!(all.windows(2).all(|pair| pair[1] <= pair[0]), "{all:?}");
    assert!(all.windows(5).all(|some| some[4] < some[0]), "{all:?}");
}

#[test]
fn a_picture_that_lies_on_its_side_is_taken_upright() {
    let mut compositor = compositor_with_edge(64, 128, Effect::Picture, 0.0);
    let upright = picture(64, 128, |row, _| row as u8 + 50, [90, 160]);
    // Turned a quarter clockwise, its left edge comes up.
    let sideways = picture(128, 64, |_, column| column as u8 + 50, [90, 160]);
    compositor.take_turned(&sideways, Format::I420, Turn { quarters: 1, ..Turn::default() }).unwrap();
    assert_eq!(compositor.input(), upright);
    assert_eq!(compositor.take_turned(&sideways[1..], Format::I420, Turn::default()), Err(SizeError::Bytes));
}

#[test]
fn a_picture_covers_or_fits() {
    // Twice as wide as the camera's: red to the left, green in the middle, blue to the right.
    let colour = |at: usize| match at % 64 {
        0..16 => [255, 0, 0, 255],
        16..48 => [0, 255, 0, 255],
        _ => [0, 0, 255, 255],
    };
    let rgba: Vec<u8> = (0..64 * 32).flat_map(colour).collect();
    let mut compositor = Compositor::new(64, 64, Effect::Picture).unwrap();
    compositor.set_picture(&rgba, 64, 32, Placement::Cover).unwrap();
    let green = 145;
    assert!(
        compositor.backdrop.planes()[..64 * 64].iter().all(|luma| luma.abs_diff(green) <= 1),
        "cut to the middle"
    );
    compositor.set_picture(&rgba, 64, 32, Placement::Fit).unwrap();
    let luma = |row: usize, column: usize| compositor.backdrop.planes()[row * 64 + column];
    assert!(
        luma(32, 2).abs_diff(82) <= 1 && luma(32, 32).abs_diff(green) <= 1 && luma(32, 61).abs_diff(41) <= 1
    );
    assert!(luma(2, 32) < 90, "dim above: {}", luma(2, 32));
}

#[test]
fn a_picture_with_too_few_bytes_is_refused_and_the_one_before_stays() {
    let mut compositor = Compositor::new(64, 64, Effect::Picture).unwrap();
    let before = compositor.backdrop.planes().to_vec();
    for (len, width, height) in [(0, 0, 0), (15, 2, 2), (17, 2, 2)] {
        let result = compositor.set_picture(&vec![0; len], width, height, Placement::Cover);
        assert_eq!(result, Err(SizeError::Bytes));
    }
    assert_eq!(compositor.set_picture(&[], 100_000, 1, Placement::Fit), Err(SizeError::TooLarge));
    assert_eq!(compositor.backdrop.planes(), before);
    for (width, height) in [(1, 1), (1, 700), (700, 1)] {
        let rgba = vec![200; 4 * width * height];
        for placement in [Placement::Cover, Placement::Fit] {
            compositor.set_picture(&rgba, width, height, placement).unwrap();
        }
    }
}

#[test]
fn the_segmenter_sees_the_cameras_picture() {
    let mut segmenter = Segmenter::new(&Model::parse(&tiny("whole.tflite")).unwrap()).unwrap();
    let mut compositor = Compositor::new(64, 32, Effect::Blur(0.5)).unwrap();
    // White is one everywhere, black zero: limited range.
    for (luma, number) in [(235, 1.0), (16, 0.0)] {
        compositor.input().copy_from_slice(&picture(64, 32, |_, _| luma, [128, 128]));
        compositor.process(Format::I420, None);
        reduction::write_picture(&compositor.small, compositor.size, &mut segmenter);
        let is_near = |x: &f32| (x - number).abs() < 1e-3;
        assert!(segmenter.input_rows().all(|row| row.iter().all(is_near)));
    }
}

#[test]
fn a_photograph_in_1280_by_720_keeps_its_person_and_loses_its_background() {
    let (width, height, rgb) =
        crate::graph::tests::png(&crate::graph::tests::goldens().join("hopper-256x144.picture.png"));
    let mut segmenter = Segmenter::new(&Model::parse(&pinned::read(pinned::LANDSCAPE)).unwrap()).unwrap();
    // As large as a camera's: every pixel five times, each way.
    let rgba: Vec<u8> = rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
    let mut camera = Backdrop::new(Size::new(1280, 720).unwrap());
    camera.set(Size::new(1280, 720).unwrap(), &rgba, width, height, Placement::Cover).unwrap();
    let mut compositor = Compositor::new(1280, 720, Effect::Picture).unwrap();
    compositor.input().copy_from_slice(camera.planes());
    let out = compositor.process(Format::I420, Some(&mut segmenter)).to_vec();
    let share =
        |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>, is: &dyn Fn(u8, u8) -> bool| {
            let places = rows.clone().flat_map(|row| columns.clone().map(move |column| row * 1280 + column));
            let hits = places.filter(|at| is(camera.planes()[*at], out[*at])).count();
            hits as f64 / (rows.len() * columns.len()) as f64
        };
    // The middle of the face, and the wall in the upper right corner.
    assert!(share(300..440, 560..700, &|before, after| before.abs_diff(after) <= 2) > 0.98);
    assert!(share(20..200, 1100..1260, &|_, after| after.abs_diff(96) <= 2) > 0.98);
}
