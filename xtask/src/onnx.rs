//! As much of ONNX's files as it takes to find numbers in them: protocol buffers, wire types 0, 1, 2 and 5.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// `TensorProto.DataType.FLOAT`
const FLOAT: u64 = 1;

/// A tensor in single precision.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tensor {
    /// The length of each axis.
    pub(crate) shape: Vec<usize>,
    /// Its numbers in the order of the axes.
    pub(crate) numbers: Vec<f32>,
}

/// All tensors in single precision that `file` holds: initializers by name, constants by what they are put out as.
pub(crate) fn tensors(file: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    // `ModelProto.graph`, of which there is one.
    for graph in nested(file, 7)? {
        // `GraphProto.initializer` with `TensorProto.name`.
        for initializer in nested(graph, 5)? {
            insert(&mut tensors, text(initializer, 8)?, initializer)?;
        }
        // `GraphProto.node` with `NodeProto.op_type`, `output` and `attribute`, in it `AttributeProto.t`.
        for node in nested(graph, 1)? {
            if text(node, 4)? != "Constant" {
                continue;
            }
            for attribute in nested(node, 5)? {
                for tensor in nested(attribute, 5)? {
                    insert(&mut tensors, text(node, 2)?, tensor)?;
                }
            }
        }
    }
    Ok(tensors)
}

fn insert(tensors: &mut BTreeMap<String, Tensor>, name: String, bytes: &[u8]) -> Result<()> {
    if let Some(tensor) = tensor(bytes).with_context(|| format!("the tensor `{name}`"))? {
        tensors.insert(name, tensor);
    }
    Ok(())
}

/// A `TensorProto`; none when it is of another type than single precision.
fn tensor(bytes: &[u8]) -> Result<Option<Tensor>> {
    let (mut tensor, mut is_float) = (Tensor::default(), false);
    for field in fields(bytes) {
        match field? {
            (1, Value::Number(axis)) => tensor.shape.push(usize::try_from(axis)?),
            (1, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    tensor.shape.push(usize::try_from(varint(&mut packed)?)?);
                }
            }
            (2, Value::Number(kind)) => is_float = kind == FLOAT,
            // `float_data` and `raw_data`, both little-endian.
            (4 | 9, Value::Bytes(data)) => {
                tensor.numbers.extend(data.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)));
            }
            _ => {}
        }
    }
    if !is_float {
        return Ok(None);
    }
    let count = tensor.shape.iter().try_fold(1_usize, |count, axis| count.checked_mul(*axis));
    if count != Some(tensor.numbers.len()) {
        bail!("{} numbers for the shape {:?}", tensor.numbers.len(), tensor.shape);
    }
    Ok(Some(tensor))
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The messages in field `number`.
fn nested(message: &[u8], number: u64) -> Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    for field in fields(message) {
        if let (of, Value::Bytes(bytes)) = field?
            && of == number
        {
            found.push(bytes);
        }
    }
    Ok(found)
}

/// The first text in field `number`, or none of any length.
fn text(message: &[u8], number: u64) -> Result<String> {
    let first = nested(message, number)?.first().copied().unwrap_or_default();
    String::from_utf8(first.to_vec()).context("a name is no text")
}

/// The fields of a message with their numbers.
fn fields(mut message: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>)>> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let field = field(&mut message);
        if field.is_err() {
            message = &[];
        }
        Some(field)
    })
}

fn field<'a>(message: &mut &'a [u8]) -> Result<(u64, Value<'a>)> {
    let key = varint(message)?;
    let len = match key & 7 {
        0 => return Ok((key >> 3, Value::Number(varint(message)?))),
        1 => 8,
        2 => usize::try_from(varint(message)?)?,
        5 => 4,
        other => bail!("wire type {other} is not part of ONNX"),
    };
    let (bytes, rest) = message.split_at_checked(len).context("a field is longer than its message")?;
    *message = rest;
    Ok((key >> 3, Value::Bytes(bytes)))
}

fn varint(message: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().context("a number is cut off")?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    bail!("a number has more than 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn wrap(number: u8, content: &[u8]) -> Vec<u8> {
        let mut message = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        message.extend(content);
        message
    }

    /// Two numbers in single precision, 1 and −2, as a row of two with this name.
    fn two(name: &str) -> Vec<u8> {
        let mut tensor = vec![1 << 3, 1, 1 << 3, 2, 2 << 3, 1];
        tensor.extend(wrap(9, &[1.0_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat()));
        tensor.extend(wrap(8, name.as_bytes()));
        tensor
    }

    #[test]
    fn initializers_and_constants_are_found_by_name() {
        let constant = [wrap(2, b"out"), wrap(4, b"Constant"), wrap(5, &wrap(5, &two("")))].concat();
        let other = [wrap(2, b"not"), wrap(4, b"Relu")].concat();
        let graph = [wrap(5, &two("in")), wrap(1, &constant), wrap(1, &other)].concat();
        let found = tensors(&wrap(7, &graph)).unwrap();
        let expected = Tensor { shape: vec![1, 2], numbers: vec![1.0, -2.0] };
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("in".to_owned(), expected.clone()), ("out".to_owned(), expected)]
        );
    }

    #[test]
    fn files_that_end_early_or_contradict_themselves_are_errors() {
        let whole = wrap(7, &wrap(5, &two("in")));
        for len in 1..whole.len() {
            assert!(tensors(&whole[..len]).is_err(), "{len} bytes");
        }
        let wrong_shape = [vec![1 << 3, 3, 2 << 3, 1], wrap(9, &[0; 4])].concat();
        assert!(tensors(&wrap(7, &wrap(5, &wrong_shape))).is_err());
        assert!(tensors(&[0x3b]).is_err());
    }
}
