//! What the file of weights holds, in its order: whoever writes one and whoever reads one goes by this list.
//!
//! The file starts with [`MAGIC`]; then every tensor follows without gaps, in the order of its axes in the graph, little-endian.

use Form::{Half, Single, Steps};
use Graph::{BandDecoder, Encoder, FilterDecoder};

/// How the file starts; its last byte counts the layouts there have been.
pub const MAGIC: [u8; 8] = *b"VisaDF3\x01";

/// Which of the three graphs of DeepFilterNet3 a tensor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// `enc.onnx`
    Encoder,
    /// `erb_dec.onnx`
    BandDecoder,
    /// `df_dec.onnx`
    FilterDecoder,
}

/// How the numbers of a tensor are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Single precision.
    Single,
    /// Half precision (IEEE 754 binary16).
    Half,
    /// First for each row the value of one step in single precision, then each row's numbers as steps from −127 to 127.
    /// The last axis is the row.
    Steps,
}

/// One tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tensor {
    /// The graph that it comes from.
    pub graph: Graph,
    /// The initializer or constant of that graph.
    pub name: &'static str,
    /// The length of each axis, axes of one left out.
    pub shape: &'static [usize],
    /// How it is written.
    pub form: Form,
}

impl Tensor {
    const fn new(graph: Graph, name: &'static str, shape: &'static [usize], form: Form) -> Self {
        Self { graph, name, shape, form }
    }

    /// How many numbers it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many bytes of the file it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self.form {
            Single => 4 * self.count(),
            Half => 2 * self.count(),
            Steps => 4 * self.count() / self.shape[self.shape.len() - 1] + self.count(),
        }
    }
}

/// How long the file is.
#[must_use]
pub fn file_len() -> usize {
    MAGIC.len() + TENSORS.iter().map(Tensor::bytes).sum::<usize>()
}

/// All tensors in the order of the file.
pub const TENSORS: [Tensor; 64] = [
    Tensor::new(Encoder, "onnx::Conv_282", &[64, 3, 3], Half),
    Tensor::new(Encoder, "onnx::Conv_283", &[64], Single),
    Tensor::new(Encoder, "erb_conv1.0.weight", &[64, 3], Half),
    Tensor::new(Encoder, "onnx::Conv_285", &[64, 64], Half),
    Tensor::new(Encoder, "onnx::Conv_286", &[64], Single),
    Tensor::new(Encoder, "erb_conv2.0.weight", &[64, 3], Half),
    Tensor::new(Encoder, "onnx::Conv_288", &[64, 64], Half),
    Tensor::new(Encoder, "onnx::Conv_289", &[64], Single),
    Tensor::new(Encoder, "erb_conv3.0.weight", &[64, 3], Half),
    Tensor::new(Encoder, "onnx::Conv_291", &[64, 64], Half),
    Tensor::new(Encoder, "onnx::Conv_292", &[64], Single),
    Tensor::new(Encoder, "df_conv0.1.weight", &[64, 3, 3], Half),
    Tensor::new(Encoder, "onnx::Conv_294", &[64, 64], Half),
    Tensor::new(Encoder, "onnx::Conv_295", &[64], Single),
    Tensor::new(Encoder, "df_conv1.0.weight", &[64, 3], Half),
    Tensor::new(Encoder, "onnx::Conv_297", &[64, 64], Half),
    Tensor::new(Encoder, "onnx::Conv_298", &[64], Single),
    Tensor::new(Encoder, "df_fc_emb.0.weight", &[32, 96, 16], Half),
    Tensor::new(Encoder, "emb_gru.linear_in.0.weight", &[16, 32, 16], Half),
    Tensor::new(Encoder, "/emb_gru/Constant_3_output_0", &[768, 256], Steps),
    Tensor::new(Encoder, "/emb_gru/Constant_4_output_0", &[768, 256], Steps),
    Tensor::new(Encoder, "/emb_gru/Constant_5_output_0", &[1536], Single),
    Tensor::new(Encoder, "emb_gru.linear_out.0.weight", &[16, 16, 32], Half),
    Tensor::new(Encoder, "onnx::MatMul_337", &[512], Half),
    Tensor::new(Encoder, "lsnr_fc.0.bias", &[], Single),
    Tensor::new(BandDecoder, "emb_gru.linear_in.0.weight", &[16, 32, 16], Half),
    Tensor::new(BandDecoder, "/emb_gru/Constant_3_output_0", &[768, 256], Steps),
    Tensor::new(BandDecoder, "/emb_gru/Constant_4_output_0", &[768, 256], Steps),
    Tensor::new(BandDecoder, "/emb_gru/Constant_5_output_0", &[1536], Single),
    Tensor::new(BandDecoder, "/emb_gru/Constant_9_output_0", &[768, 256], Steps),
    Tensor::new(BandDecoder, "/emb_gru/Constant_10_output_0", &[768, 256], Steps),
    Tensor::new(BandDecoder, "/emb_gru/Constant_11_output_0", &[1536], Single),
    Tensor::new(BandDecoder, "emb_gru.linear_out.0.weight", &[16, 16, 32], Half),
    Tensor::new(BandDecoder, "onnx::Conv_288", &[64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_289", &[64], Single),
    Tensor::new(BandDecoder, "convt3.0.weight", &[64, 3], Half),
    Tensor::new(BandDecoder, "onnx::Conv_291", &[64, 64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_292", &[64], Single),
    Tensor::new(BandDecoder, "onnx::Conv_294", &[64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_295", &[64], Single),
    Tensor::new(BandDecoder, "convt2.0.weight", &[64, 3], Half),
    Tensor::new(BandDecoder, "onnx::Conv_297", &[64, 64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_298", &[64], Single),
    Tensor::new(BandDecoder, "onnx::Conv_300", &[64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_301", &[64], Single),
    Tensor::new(BandDecoder, "convt1.0.weight", &[64, 3], Half),
    Tensor::new(BandDecoder, "onnx::Conv_303", &[64, 64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_304", &[64], Single),
    Tensor::new(BandDecoder, "onnx::Conv_306", &[64], Half),
    Tensor::new(BandDecoder, "onnx::Conv_307", &[64], Single),
    Tensor::new(BandDecoder, "onnx::Conv_309", &[64, 3], Half),
    Tensor::new(BandDecoder, "onnx::Conv_310", &[], Single),
    Tensor::new(FilterDecoder, "df_gru.linear_in.0.weight", &[8, 64, 32], Half),
    Tensor::new(FilterDecoder, "onnx::GRU_291", &[768, 256], Steps),
    Tensor::new(FilterDecoder, "onnx::GRU_292", &[768, 256], Steps),
    Tensor::new(FilterDecoder, "onnx::GRU_293", &[1536], Single),
    Tensor::new(FilterDecoder, "onnx::GRU_311", &[768, 256], Steps),
    Tensor::new(FilterDecoder, "onnx::GRU_312", &[768, 256], Steps),
    Tensor::new(FilterDecoder, "onnx::GRU_313", &[1536], Single),
    Tensor::new(FilterDecoder, "df_skip.weight", &[16, 32, 16], Half),
    Tensor::new(FilterDecoder, "df_convp.1.weight", &[10, 32, 5], Half),
    Tensor::new(FilterDecoder, "onnx::Conv_268", &[10, 10], Half),
    Tensor::new(FilterDecoder, "onnx::Conv_269", &[10], Single),
    Tensor::new(FilterDecoder, "df_out.0.weight", &[16, 16, 60], Half),
];
