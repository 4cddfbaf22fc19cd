//! What meetings ask of shards. A shard that is busy gets it as soon as it takes it: a permission is never lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sfu::Control;

use crate::media::{SendError, Shards};

/// See the [module](self). What waits is bounded by what people in meetings may say in the time that a shard is busy;
/// a shard that has stopped gets nothing.
#[derive(Debug)]
pub(super) struct Controls {
    shards: Arc<Shards>,
    /// In order, by shard.
    waiting: Mutex<Vec<VecDeque<Control>>>,
}

impl Controls {
    pub(super) fn new(shards: Arc<Shards>) -> Arc<Self> {
        let waiting = Mutex::new(vec![VecDeque::new(); shards.addresses().len()]);
        Arc::new(Self { shards, waiting })
    }

    /// Hands over to the shard where the peer has its home, or to all for a room.
    pub(super) fn send(&self, control: Control) {
        let home = match &control {
            Control::Allow { peer, .. } | Control::Mute { peer, .. } | Control::Remove { peer } => {
                Some(usize::from(peer.number().to_be_bytes()[7]))
            }
            Control::End { .. } => None,
        };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, waiting) in waiting.iter_mut().enumerate() {
            if home.is_none_or(|home| home == shard) {
                waiting.push_back(control.clone());
                self.hand_over(shard, waiting);
            }
        }
    }

    /// Tries again what waits; called with every tick.
    pub(super) fn retry(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, waiting) in waiting.iter_mut().enumerate() {
            self.hand_over(shard, waiting);
        }
    }

    fn hand_over(&self, shard: usize, waiting: &mut VecDeque<Control>) {
        let handle = u16::try_from(shard).ok().and_then(|shard| self.shards.handle(shard));
        while let Some(control) = waiting.front() {
            let result = handle.map_or(Err(SendError::Stopped), |handle| handle.control(control.clone()));
            match result {
                Ok(()) => {
                    waiting.pop_front();
                }
                Err(SendError::Busy) => return,
                Err(SendError::Stopped) => return waiting.clear(),
            }
        }
    }
}
