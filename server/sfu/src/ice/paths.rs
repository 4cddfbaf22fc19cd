//! The validated addresses of one peer.

use std::time::Instant;

use super::{CONSENT_EXPIRY, PATHS_MAX};
use crate::address::Address;

/// An address that proved to know our password.
#[derive(Debug, Clone, Copy)]
struct Path {
    address: Address,
    last_check: Instant,
}

impl Path {
    fn expires_at(&self) -> Instant {
        self.last_check + CONSENT_EXPIRY
    }

    fn is_live(&self, now: Instant) -> bool {
        now < self.expires_at()
    }
}

/// A bounded set of [`Path`]s, one of which may be selected.
#[derive(Debug, Default)]
pub(super) struct Paths {
    slots: [Option<Path>; PATHS_MAX],
    selected: Option<usize>,
    /// Addresses that made room or expired, until they are taken; whoever routes by address forgets them.
    displaced: Vec<Address>,
}

impl Paths {
    /// Records an authenticated check.
    pub(super) fn checked(&mut self, now: Instant, address: Address, nominated: bool) {
        let slot = self.slot_of(address).unwrap_or_else(|| self.slot_to_replace(now));
        let replaced = self.slots[slot].replace(Path { address, last_check: now });
        self.displaced.extend(replaced.map(|path| path.address).filter(|replaced| *replaced != address));
        if nominated || self.selected.is_none() {
            self.selected = Some(slot);
        }
    }

    pub(super) fn selected(&self) -> Option<Address> {
        self.selected_path().map(|path| path.address)
    }

    pub(super) fn is_validated(&self, address: Address, now: Instant) -> bool {
        self.validated(now).any(|validated| validated == address)
    }

    pub(super) fn validated(&self, now: Instant) -> impl Iterator<Item = Address> + '_ {
        self.slots.iter().flatten().filter(move |path| path.is_live(now)).map(|path| path.address)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.selected_path().map(Path::expires_at)
    }

    /// Forgets expired paths; true when that ended the connection.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let was_connected = self.selected.is_some();
        for slot in &mut self.slots {
            self.displaced.extend(slot.take_if(|path| !path.is_live(now)).map(|path| path.address));
        }
        if self.selected_path().is_none() {
            self.selected = self.most_recently_checked();
        }
        was_connected && self.selected.is_none()
    }

    /// Whether the address has a slot, expired or not.
    pub(super) fn holds(&self, address: Address) -> bool {
        self.slot_of(address).is_some()
    }

    pub(super) fn take_displaced(&mut self) -> impl Iterator<Item = Address> + '_ {
        self.displaced.drain(..)
    }

    /// The address is gone: another one takes the place of the selected one.
    pub(super) fn forget(&mut self, address: Address) {
        let Some(slot) = self.slot_of(address) else { return };
        self.displaced.extend(self.slots[slot].take().map(|path| path.address));
        if self.selected == Some(slot) {
            self.selected = self.most_recently_checked();
        }
    }

    /// Gives up every address.
    pub(super) fn release(&mut self) -> impl Iterator<Item = Address> + '_ {
        self.selected = None;
        self.displaced.extend(self.slots.iter_mut().filter_map(Option::take).map(|path| path.address));
        self.displaced.drain(..)
    }

    fn selected_path(&self) -> Option<&Path> {
        self.slots[self.selected?].as_ref()
    }

    fn slot_of(&self, address: Address) -> Option<usize> {
        self.slots.iter().position(|slot| slot.is_some_and(|path| path.address == address))
    }

    /// An empty or expired slot, else the one checked longest ago; never the selected one.
    fn slot_to_replace(&self, now: Instant) -> usize {
        let age = |slot: usize| self.slots[slot].filter(|path| path.is_live(now)).map(|path| path.last_check);
        (0..PATHS_MAX)
            .filter(|slot| self.selected != Some(*slot))
            .min_by_key(|slot| age(*slot))
            .expect("there are more slots than the selected one")
    }

    fn most_recently_checked(&self) -> Option<usize> {
        let checks = self.slots.iter().enumerate();
        let checks = checks.filter_map(|(slot, path)| Some((path.as_ref()?.last_check, slot)));
        checks.max().map(|(_, slot)| slot)
    }
}
