use super::*;
use proptest::prelude::*;

/// Writes bits as the specification's tables say; independent of the parser.
#[derive(Default)]
struct Bitstream(Vec<bool>);

impl Bitstream {
    fn put(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn non_symmetric(&mut self, value: u32, n: u32) {
        let width = 32 - n.leading_zeros();
        let short = (1 << width) - n;
        if value < short { self.put(value, width - 1) } else { self.put(value + short, width) }
    }

    fn bytes(&self) -> Vec<u8> {
        self.0
            .chunks(8)
            .map(|bits| bits.iter().zip((0..8).rev()).map(|(bit, at)| u8::from(*bit) << at).sum())
            .collect()
    }
}

/// A structure as the tests describe it: each spatial layer has these temporal layers, one template each.
#[derive(Clone, Debug)]
struct Model {
    offset: u8,
    spatial: u8,
    temporal: u8,
    chains: u8,
    with_sizes: bool,
}

impl Model {
    fn targets(&self) -> u8 {
        self.spatial * self.temporal
    }

    /// Target (s, t) comprises all layers up to it; a frame of layer (0, 0) is where all targets of its layer begin.
    fn indication(&self, target: u8, spatial: u8, temporal: u8) -> u32 {
        let (s, t) = (target / self.temporal, target % self.temporal);
        if spatial > s || temporal > t {
            0
        } else if temporal == 0 && spatial == s {
            2
        } else if temporal == t && temporal > 0 {
            1
        } else {
            3
        }
    }

    fn write(&self, out: &mut Bitstream) {
        out.put(self.offset.into(), 6);
        out.put(u32::from(self.targets()) - 1, 5);
        let layers: Vec<(u8, u8)> =
            (0..self.spatial).flat_map(|s| (0..self.temporal).map(move |t| (s, t))).collect();
        for next in layers.iter().skip(1) {
            out.put(if next.1 == 0 { 2 } else { 1 }, 2);
        }
        out.put(3, 2);
        for (s, t) in &layers {
            (0..self.targets()).for_each(|target| out.put(self.indication(target, *s, *t), 2));
        }
        for (s, t) in &layers {
            for distance in 0..u32::from(s + t) {
                out.put(1, 1);
                out.put(distance, 4);
            }
            out.put(0, 1);
        }
        out.non_symmetric(self.chains.into(), u32::from(self.targets()) + 1);
        if self.chains > 0 {
            (0..self.targets())
                .for_each(|target| out.non_symmetric((target % self.chains).into(), self.chains.into()));
            for at in 0..layers.len() as u32 {
                (0..u32::from(self.chains)).for_each(|chain| out.put((at + chain) & 15, 4));
            }
        }
        out.put(self.with_sizes.into(), 1);
        if self.with_sizes {
            for spatial in 0..u32::from(self.spatial) {
                out.put((320 << spatial) - 1, 16);
                out.put((180 << spatial) - 1, 16);
            }
        }
    }

    /// A key frame's first packet.
    fn key(&self, frame_number: u16) -> Vec<u8> {
        let mut out = Bitstream::default();
        out.put(2, 2);
        out.put(self.offset.into(), 6);
        out.put(frame_number.into(), 16);
        out.put(0x10, 5);
        self.write(&mut out);
        out.bytes()
    }

    fn template_id(&self, spatial: u8, temporal: u8) -> u8 {
        (self.offset + spatial * self.temporal + temporal) & 63
    }
}

fn model() -> impl Strategy<Value = Model> {
    (0u8..64, 1u8..=4, 1u8..=4, 0u8..=4, any::<bool>()).prop_map(
        |(offset, spatial, temporal, chains, with_sizes)| Model {
            offset,
            spatial,
            temporal,
            chains: chains.min(spatial * temporal),
            with_sizes,
        },
    )
}

const L3T3: Model = Model { offset: 60, spatial: 3, temporal: 3, chains: 3, with_sizes: true };

fn known(model: &Model) -> Option<Box<Structure>> {
    let mut known = None;
    Descriptor::parse(&model.key(0), &mut known).unwrap();
    known
}

#[test]
fn a_key_frame_brings_its_structure() {
    let mut structure = None;
    let descriptor = Descriptor::parse(&L3T3.key(0x1234), &mut structure).unwrap();
    let structure = structure.unwrap();
    assert_eq!(structure.templates_range(), super::super::frame::Templates { first: 60, count: 9 });
    assert_eq!(structure.decode_target_layers()[5], Layers { spatial: 1, temporal: 2 });
    assert_eq!(structure.resolution(2).map(|size| (size.width, size.height)), Some((1280, 720)));
    assert_eq!((structure.chains(), structure.chain_of(4), structure.chain_of(9)), (3, Some(1), None));
    let frame = descriptor.frame(&structure);
    assert!(frame.key && frame.starts && !frame.ends);
    assert_eq!(frame.up, UpSwitch::To(2));
    assert_eq!(descriptor.numbers(&structure).frame, 0x1234);
}

#[test]
fn three_bytes_name_a_template_modulo_64() {
    let mut structure = known(&L3T3);
    let id = L3T3.template_id(2, 1);
    assert_eq!(id, 3, "60 + 7 wraps");
    let descriptor = Descriptor::parse(&[0x40 | id, 0, 7], &mut structure).unwrap();
    assert_eq!(descriptor.layers, Layers { spatial: 2, temporal: 1 });
    assert_eq!(descriptor.references.as_slice(), [1, 2, 3]);
    assert_eq!(descriptor.indications.of(7), Indication::Discardable);
    assert_eq!(descriptor.indications.of(8), Indication::Required);
    assert_eq!(descriptor.indications.of(0), Indication::NotPresent);
    assert!(descriptor.end_of_frame && !descriptor.start_of_frame);
}

#[test]
fn custom_fields_replace_those_of_the_template() {
    let mut structure = known(&L3T3);
    let mut out = Bitstream::default();
    out.put(3, 2);
    out.put(60, 6);
    out.put(500, 16);
    out.put(0x0f, 5);
    out.put(0b111, 9);
    (0..9).for_each(|_| out.put(3, 2));
    for (size, distance) in [(1, 15), (2, 200), (3, 4000)] {
        out.put(size, 2);
        out.put(distance - 1, 4 * size);
    }
    out.put(0, 2);
    (0..3).for_each(|chain| out.put(100 + chain, 8));
    let descriptor = Descriptor::parse(&out.bytes(), &mut structure).unwrap();
    assert_eq!(descriptor.active_decode_targets, Some(7));
    assert_eq!(descriptor.indications.of(8), Indication::Required);
    assert_eq!(descriptor.references.as_slice(), [15, 200, 4000]);
    assert_eq!(descriptor.chain_distances[..4], [100, 101, 102, 0]);
}

#[test]
fn a_template_of_another_structure_is_refused_and_changes_nothing() {
    let mut structure = known(&L3T3);
    let before = structure.clone();
    assert!(Descriptor::parse(&[50, 0, 1], &mut structure).is_err());
    let key = L3T3.key(1);
    // Three bytes are a whole descriptor of the structure before.
    for len in (0..key.len() - 1).filter(|len| *len != 3) {
        assert!(Descriptor::parse(&key[..len], &mut structure).is_err(), "cut at {len}");
    }
    assert_eq!(structure, before);
    assert!(Descriptor::parse(&[60, 0, 1], &mut None).is_err(), "no structure yet");
}

proptest! {
    #[test]
    fn any_structure_is_read_back(model in model(), frame_number: u16) {
        let mut structure = None;
        let descriptor = Descriptor::parse(&model.key(frame_number), &mut structure).unwrap();
        let structure = structure.unwrap();
        prop_assert_eq!(descriptor.frame_number, frame_number);
        prop_assert_eq!((structure.decode_targets(), structure.chains()), (model.targets(), model.chains));
        for (at, (s, t)) in (0..model.spatial).flat_map(|s| (0..model.temporal).map(move |t| (s, t))).enumerate() {
            let template = structure.template(model.template_id(s, t)).unwrap();
            prop_assert_eq!(template.layers, Layers { spatial: s, temporal: t });
            prop_assert_eq!(template.references.as_slice().len(), usize::from(s + t));
            prop_assert_eq!(structure.decode_target_layers()[at], Layers { spatial: s, temporal: t });
        }
    }

    #[test]
    fn rewriting_changes_frame_number_and_template_ids_and_nothing_else(
        model in model(), frame_number: u16, shift in 0u8..64,
    ) {
        let (mut before, mut after) = (None, None);
        let mut bytes = model.key(1);
        let original = Descriptor::parse(&bytes, &mut before).unwrap();
        rewrite(&mut bytes, frame_number, shift);
        let mut moved = model.clone();
        moved.offset = (model.offset + shift) & 63;
        prop_assert_eq!(&bytes, &moved.key(frame_number));
        let rewritten = Descriptor::parse(&bytes, &mut after).unwrap();
        prop_assert_eq!(rewritten.layers, original.layers);
        let mut short = [0xc0 | model.offset, 0, 1];
        rewrite(&mut short, 9, shift);
        prop_assert_eq!(short, [0xc0 | (model.offset + shift) & 63, 0, 9]);
    }

    #[test]
    fn any_bytes_return(bytes: Vec<u8>, model in model()) {
        let mut structure = known(&model);
        let _ = Descriptor::parse(&bytes, &mut structure);
        let mut key = model.key(3);
        let at = bytes.len() % key.len();
        key[at] ^= bytes.first().copied().unwrap_or(1);
        if let Ok(descriptor) = Descriptor::parse(&key, &mut structure) {
            let _ = descriptor.frame(structure.as_deref().unwrap());
        }
        rewrite(&mut key, 1, 2);
    }
}
