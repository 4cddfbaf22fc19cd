//! The template dependency structure (§A.8.2).

use super::super::RtpError;
use super::super::frame::{Layers, SPATIAL_LAYERS_MAX, Templates};
use super::super::picture::Resolution;
use super::bits::Bits;
use super::{Indication, Indications, MALFORMED, References, read_indications};

/// Most templates: ids have six bits.
pub const TEMPLATES_MAX: usize = 64;
/// Most decode targets: their number less one has five bits.
pub const DECODE_TARGETS_MAX: usize = 32;
/// Most chains: one for each decode target.
pub const CHAINS_MAX: usize = DECODE_TARGETS_MAX;

/// What frames with one template id have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Their layer.
    pub layers: Layers,
    /// What they are to each decode target.
    pub indications: Indications,
    /// What they refer to.
    pub references: References,
    /// For each chain the distance to the last frame in it.
    pub chain_distances: [u8; CHAINS_MAX],
}

/// The templates of a stream, from one key frame to the next that brings others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    offset: u8,
    templates: Vec<Template>,
    decode_targets: u8,
    decode_target_layers: [Layers; DECODE_TARGETS_MAX],
    chains: u8,
    protected_by: [u8; DECODE_TARGETS_MAX],
    resolutions: [Option<Resolution>; SPATIAL_LAYERS_MAX],
}

impl Structure {
    pub(super) fn parse(bits: &mut Bits<'_>) -> Result<Self, RtpError> {
        let offset = bits.read(6)? as u8;
        let decode_targets = bits.read(5)? as u8 + 1;
        let mut structure = Self {
            offset,
            templates: Vec::new(),
            decode_targets,
            decode_target_layers: [Layers::default(); DECODE_TARGETS_MAX],
            chains: 0,
            protected_by: [0; DECODE_TARGETS_MAX],
            resolutions: [None; SPATIAL_LAYERS_MAX],
        };
        let highest = structure.parse_layers(bits)?;
        for template in &mut structure.templates {
            template.indications = read_indications(bits, decode_targets)?;
        }
        for template in &mut structure.templates {
            while bits.flag()? {
                template.references.push(bits.read(4)? as u16 + 1)?;
            }
        }
        structure.parse_chains(bits)?;
        structure.derive_decode_target_layers();
        if bits.flag()? {
            for resolution in structure.resolutions.iter_mut().take(usize::from(highest) + 1) {
                // One less than the size, so that 65,536 would not fit: nobody sends such pictures.
                let (width, height) = (bits.read(16)? as u16, bits.read(16)? as u16);
                *resolution =
                    Some(Resolution { width: width.saturating_add(1), height: height.saturating_add(1) });
            }
        }
        Ok(structure)
    }

    /// Returns the highest spatial layer.
    fn parse_layers(&mut self, bits: &mut Bits<'_>) -> Result<u8, RtpError> {
        let mut layers = Layers::default();
        loop {
            if self.templates.len() == TEMPLATES_MAX {
                return Err(MALFORMED);
            }
            self.templates.push(Template { layers, ..Template::default() });
            match bits.read(2)? {
                0 => {}
                1 if layers.temporal < 7 => layers.temporal += 1,
                2 if usize::from(layers.spatial) + 1 < SPATIAL_LAYERS_MAX => {
                    layers = Layers { spatial: layers.spatial + 1, temporal: 0 };
                }
                3 => return Ok(layers.spatial),
                _ => return Err(MALFORMED),
            }
        }
    }

    fn parse_chains(&mut self, bits: &mut Bits<'_>) -> Result<(), RtpError> {
        self.chains = bits.non_symmetric(u32::from(self.decode_targets) + 1)? as u8;
        if self.chains == 0 {
            return Ok(());
        }
        for chain in self.protected_by.iter_mut().take(self.decode_targets.into()) {
            *chain = bits.non_symmetric(self.chains.into())? as u8;
        }
        for template in &mut self.templates {
            for distance in template.chain_distances.iter_mut().take(self.chains.into()) {
                *distance = bits.read(4)? as u8;
            }
        }
        Ok(())
    }

    /// A decode target has the highest layers of the frames that are part of it.
    fn derive_decode_target_layers(&mut self) {
        for (target, layers) in (0..self.decode_targets).zip(&mut self.decode_target_layers) {
            let parts = self
                .templates
                .iter()
                .filter(|template| template.indications.of(target) != Indication::NotPresent);
            for part in parts {
                layers.spatial = layers.spatial.max(part.layers.spatial);
                layers.temporal = layers.temporal.max(part.layers.temporal);
            }
        }
    }

    /// The template with this id.
    #[inline]
    #[must_use]
    pub fn template(&self, id: u8) -> Option<&Template> {
        self.templates.get(usize::from(id.wrapping_sub(self.offset) & 0x3f))
    }

    /// The ids in use.
    #[must_use]
    pub fn templates_range(&self) -> Templates {
        Templates { first: self.offset, count: self.templates.len() as u8 }
    }

    /// Number of decode targets, 1 to 32.
    #[must_use]
    pub const fn decode_targets(&self) -> u8 {
        self.decode_targets
    }

    /// The highest layers of each decode target.
    #[inline]
    #[must_use]
    pub fn decode_target_layers(&self) -> &[Layers] {
        &self.decode_target_layers[..usize::from(self.decode_targets)]
    }

    /// Number of chains, 0 to 32.
    #[must_use]
    pub const fn chains(&self) -> u8 {
        self.chains
    }

    /// The chain that protects this decode target: as long as none of its frames is lost, the target can be decoded.
    #[must_use]
    pub fn chain_of(&self, target: u8) -> Option<u8> {
        (target < self.decode_targets && self.chains > 0).then(|| self.protected_by[usize::from(target)])
    }

    /// How many spatial layers its templates have.
    #[must_use]
    pub fn spatial_layers(&self) -> u8 {
        self.templates.iter().map(|template| template.layers.spatial + 1).max().unwrap_or(1)
    }

    /// The size of a spatial layer, when it is given.
    #[must_use]
    pub fn resolution(&self, spatial: u8) -> Option<Resolution> {
        self.resolutions.get(usize::from(spatial)).copied().flatten()
    }
}
