//! A queue of samples with room for a fixed number.

/// See the [module](self). When it is full, the oldest samples give way: late sound is worse than a click.
#[derive(Debug)]
pub(crate) struct Ring {
    samples: Box<[f32]>,
    start: usize,
    len: usize,
}

impl Ring {
    /// An empty one with room for so many.
    pub(crate) fn new(room: usize) -> Self {
        Self { samples: vec![0.0; room.max(1)].into_boxed_slice(), start: 0, len: 0 }
    }

    /// How many samples wait.
    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, sample: f32) {
        let room = self.samples.len();
        if self.len == room {
            self.start = (self.start + 1) % room;
            self.len -= 1;
        }
        self.samples[(self.start + self.len) % room] = sample;
        self.len += 1;
    }

    /// The oldest sample.
    pub(crate) fn pop(&mut self) -> Option<f32> {
        if self.len == 0 {
            return None;
        }
        let sample = self.samples[self.start];
        self.start = (self.start + 1) % self.samples.len();
        self.len -= 1;
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_out_in_order_and_the_oldest_give_way() {
        let mut ring = Ring::new(3);
        assert_eq!(ring.pop(), None);
        for sample in 1..=5 {
            ring.push(f32::from(sample as u8));
        }
        assert_eq!(ring.len(), 3);
        assert_eq!([ring.pop(), ring.pop(), ring.pop(), ring.pop()], [Some(3.0), Some(4.0), Some(5.0), None]);
    }
}
