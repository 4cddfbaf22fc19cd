//! From the operators of a model to a plan that runs: what can be computed together is fused, and every tensor gets its
//! place in one arena.
//!
//! ```text
//! Model ── network ──► nodes ── fusion ──► fewer nodes ── layout ──► places ── plan ──► steps with views
//! ```

mod fusion;
mod layout;
mod network;
mod plan;
#[cfg(test)]
pub(crate) mod tests;

use crate::kernels::vector::Vector;
use crate::model::{Model, ModelError, Shape};

use self::plan::Plan;

/// A network that is ready to run, with the memory that it runs in.
#[derive(Debug)]
pub struct Segmenter {
    plan: Plan,
    arena: Vec<f32>,
    scratch: Vec<f32>,
}

impl Segmenter {
    /// Plans the network of `model` and takes the memory for it: nothing is allocated after the first run.
    ///
    /// # Errors
    ///
    /// [`ModelError::Unsupported`] when the numbers of channels do not come in whole vectors, and
    /// [`ModelError::TooLarge`] when the tensors that are alive at one time take more than 32 MiB.
    pub fn new(model: &Model) -> Result<Self, ModelError> {
        let plan = Plan::new(model)?;
        Ok(Self { arena: vec![0.0; plan.arena_len()], scratch: Vec::new(), plan })
    }

    /// The picture that goes in.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.plan.input_shape()
    }

    /// The mask that comes out.
    #[must_use]
    pub fn output_shape(&self) -> Shape {
        self.plan.output_shape()
    }

    /// The rows of the picture, to be written before each run: red, green and blue of every pixel, from 0 to 1.
    pub fn input_rows(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.plan.input_rows(&mut self.arena)
    }

    /// Computes the mask of the picture in [`Self::input_rows`], which is overwritten: row by row, how likely each place
    /// shows a person, from 0 to 1.
    pub fn run(&mut self) -> &[f32] {
        self.plan.run::<Vector>(&mut self.arena, &mut self.scratch)
    }

    /// As [`Self::run`], with the scalar twins of the kernels: what the fast ones are compared with.
    #[cfg(test)]
    fn run_scalar(&mut self) -> &[f32] {
        self.plan.run::<crate::kernels::scalar::Scalar>(&mut self.arena, &mut self.scratch)
    }

    /// How many steps the plan has, and how many numbers its tensors take in memory.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.plan.steps(), self.arena.len())
    }
}
