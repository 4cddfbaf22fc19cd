//! Who is heard by whom: three audio slots a viewer, filled by the sound of the screen it watches and the loudest others.

/// Assigns `wanted` (the most important first) to as many slots; whoever has a slot keeps it, so that nobody's voice
/// moves between decoders while it is heard.
pub(crate) fn assign<K: Copy + PartialEq>(slots: &mut [Option<K>], wanted: &[K]) {
    let wanted = &wanted[..wanted.len().min(slots.len())];
    for slot in slots.iter_mut() {
        if slot.is_some_and(|held| !wanted.contains(&held)) {
            *slot = None;
        }
    }
    for feed in wanted {
        if slots.contains(&Some(*feed)) {
            continue;
        }
        if let Some(free) = slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(*feed);
        }
    }
}
