//! Who is heard by whom: three audio slots a viewer, filled by the loudest others.

use crate::peer_table::PeerKey;

/// Assigns `wanted` (loudest first) to as many slots; whoever has a slot keeps it, so that nobody's voice
/// moves between decoders while it is heard.
pub(crate) fn assign(slots: &mut [Option<PeerKey>], wanted: &[PeerKey]) {
    let wanted = &wanted[..wanted.len().min(slots.len())];
    for slot in slots.iter_mut() {
        if slot.is_some_and(|peer| !wanted.contains(&peer)) {
            *slot = None;
        }
    }
    for peer in wanted {
        if slots.contains(&Some(*peer)) {
            continue;
        }
        if let Some(free) = slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(*peer);
        }
    }
}
