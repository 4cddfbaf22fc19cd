"""Gives the model of the background effects the two forms that runtimes beside ours take.

    python peers.py MODEL.tflite FOLDER

writes FOLDER/model.onnx, the same network for ONNX Runtime, and FOLDER/model.task.tflite, the same file with the description
of its input that tasks-vision asks for. Weights stay as they are; what differs in the results is the order of additions.
"""

import pathlib
import sys

import flatbuffers
import numpy
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

# Operators by the number that the file has for them.
NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
NUMPY_TYPES = {
    schema.TensorType.FLOAT32: numpy.float32,
    schema.TensorType.FLOAT16: numpy.float16,
    schema.TensorType.INT32: numpy.int32,
}
# Operators of both that differ by nothing but the name.
SAME = {"HARD_SWISH": "HardSwish", "RELU": "Relu", "LOGISTIC": "Sigmoid", "ADD": "Add", "MUL": "Mul"}


class Converter:
    """One graph on its way: channels last and half precision there, channels first and single precision here."""

    def __init__(self, model):
        self.model = model
        self.graph = model.subgraphs[0]
        self.weights = {}
        self.nodes = []
        self.initializers = []

    def convert(self):
        for operator in self.graph.operators:
            self.add(operator)
        source, result = self.graph.inputs[0], self.graph.outputs[0]
        graph = helper.make_graph(
            self.nodes, "selfie_segmentation", [self.value(source)], [self.value(result)], self.initializers
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)

    def value(self, tensor):
        batch, height, width, channels = self.shape(tensor)
        return helper.make_tensor_value_info(name(tensor), TensorProto.FLOAT, [batch, channels, height, width])

    def shape(self, tensor):
        return [int(side) for side in self.graph.tensors[tensor].shape]

    def constant(self, tensor):
        """The values of a tensor that is part of the file."""
        described = self.graph.tensors[tensor]
        data = self.model.buffers[described.buffer].data
        return numpy.frombuffer(bytes(data), NUMPY_TYPES[described.type]).reshape(self.shape(tensor))

    def initializer(self, label, values):
        self.initializers.append(numpy_helper.from_array(numpy.ascontiguousarray(values), label))
        return label

    def add(self, operator):
        code = self.model.operatorCodes[operator.opcodeIndex]
        kind = NAMES[code.builtinCode]
        kind = code.customCode.decode() if kind == "CUSTOM" else kind
        inputs, output = [int(tensor) for tensor in operator.inputs], int(operator.outputs[0])
        if kind == "DEQUANTIZE":
            self.weights[output] = self.constant(inputs[0]).astype(numpy.float32)
        elif kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            self.convolution(operator.builtinOptions, inputs, output, is_depthwise=kind.startswith("DEPTHWISE"))
        elif kind == "Convolution2DTransposeBias":
            weights, bias = self.weights[inputs[1]], self.weights[inputs[2]]
            parts = self.parts(output, weights.transpose(3, 0, 1, 2), bias)
            self.node("ConvTranspose", [name(inputs[0]), *parts], output, kernel_shape=[2, 2], strides=[2, 2])
        elif kind in ("MEAN", "AVERAGE_POOL_2D"):
            assert self.shape(output)[1:3] == [1, 1], "averages over all of the picture"
            self.node("GlobalAveragePool", [name(inputs[0])], output)
        elif kind == "RESIZE_BILINEAR":
            scales = self.initializer(f"{name(output)}.scales", numpy.array([1, 1, 2, 2], numpy.float32))
            half = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
            self.node("Resize", [name(inputs[0]), "", scales], output, **half)
        else:
            # A KeyError names what another model would need.
            self.node(SAME[kind], [name(tensor) for tensor in inputs], output)

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [name(output)], **attributes))

    def parts(self, output, weights, bias):
        label = name(output)
        return [self.initializer(f"{label}.weights", weights), self.initializer(f"{label}.bias", bias)]

    def convolution(self, options, inputs, output, is_depthwise):
        assert options.fusedActivationFunction == 0, "activations are operators of their own"
        weights, stride = self.weights[inputs[1]], options.strideH
        kernel = weights.shape[1:3]
        pads = [0, 0]
        if options.padding == schema.Padding.SAME:
            sides = zip(self.shape(inputs[0])[1:3], self.shape(output)[1:3], kernel, strict=True)
            pads = [max((after - 1) * stride + size - before, 0) for before, after, size in sides]
        before = [pad // 2 for pad in pads]
        after = [pad - pad // 2 for pad in pads]
        weights = weights.transpose(3, 0, 1, 2) if is_depthwise else weights.transpose(0, 3, 1, 2)
        self.node(
            "Conv",
            [name(inputs[0]), *self.parts(output, weights, self.weights[inputs[2]])],
            output,
            kernel_shape=list(kernel),
            strides=[stride, stride],
            pads=before + after,
            group=weights.shape[0] if is_depthwise else 1,
        )


def name(tensor):
    return f"t{tensor}"


# The tables of metadata_schema.fbs of TensorFlow Lite that are written: how many fields each has, and which of them are.
MODEL_FIELDS, MODEL_NAME, MODEL_SUBGRAPHS = 8, 0, 3
SUBGRAPH_FIELDS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 9, 2, 3
TENSOR_FIELDS, TENSOR_NAME, TENSOR_CONTENT, TENSOR_UNITS = 7, 0, 3, 4
IMAGE_PROPERTIES, NORMALIZATION, RGB = 2, 1, 1


def metadata():
    """Says that the input is a picture, red first, whose bytes are to be divided by 255."""
    builder = flatbuffers.Builder(512)

    def table(fields, *slots):
        builder.StartObject(fields)
        for slot, kind, value in slots:
            if kind == "offset":
                builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                builder.PrependUint8Slot(slot, value, 0)
        return builder.EndObject()

    def vector(offsets):
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def floats(values):
        return builder.CreateNumpyVector(numpy.array(values, numpy.float32))

    mean, deviation = floats([0.0]), floats([255.0])
    options = table(4, (0, "offset", mean), (1, "offset", deviation))
    unit = table(2, (0, "byte", NORMALIZATION), (1, "offset", options))
    units = vector([unit])
    image = table(2, (0, "byte", RGB))
    content = table(3, (0, "byte", IMAGE_PROPERTIES), (1, "offset", image))
    picture, mask, title = (builder.CreateString(text) for text in ("picture", "mask", "selfie_segmentation"))
    source = table(
        TENSOR_FIELDS, (TENSOR_NAME, "offset", picture), (TENSOR_CONTENT, "offset", content), (TENSOR_UNITS, "offset", units)
    )
    result = table(TENSOR_FIELDS, (TENSOR_NAME, "offset", mask))
    inputs, outputs = vector([source]), vector([result])
    subgraph = table(SUBGRAPH_FIELDS, (SUBGRAPH_INPUTS, "offset", inputs), (SUBGRAPH_OUTPUTS, "offset", outputs))
    subgraphs = vector([subgraph])
    model = table(MODEL_FIELDS, (MODEL_NAME, "offset", title), (MODEL_SUBGRAPHS, "offset", subgraphs))
    builder.Finish(model, b"M001")
    return bytes(builder.Output())


def described(model):
    """The file with the description in it."""
    buffer = schema.BufferT()
    buffer.data = numpy.frombuffer(metadata(), numpy.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [entry, *(model.metadata or [])]
    builder = flatbuffers.Builder(1 << 19)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main():
    file, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    model = schema.ModelT.InitFromPackedBuf(bytearray(file.read_bytes()), 0)
    converted = Converter(model).convert()
    onnx.checker.check_model(converted)
    onnx.save(converted, str(folder / "model.onnx"))
    (folder / "model.task.tflite").write_bytes(described(model))


main()
