"""Makes small networks that together have every operator the engine knows, and what TensorFlow Lite computes with them.

    target/goldens/bin/python client/effects/goldens/tiny.py

The networks are the corpus of the fuzz target `segmentation_model`; NAME.mask.f32 beside this script is the output, in
single precision, for a picture whose n-th number is (7 n mod 256) / 255. Needs what make.py needs.
"""

import pathlib

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

CODES = schema.BuiltinOperator


class Network:
    """A graph that grows operator by operator. A tensor is known by its number."""

    def __init__(self, height, width):
        self.random = numpy.random.default_rng(1)
        self.buffers, self.tensors, self.operators, self.codes, self.shapes = [schema.BufferT()], [], [], [], []
        self.input = self.tensor((1, height, width, 3))

    def tensor(self, shape, data=None, kind=0):
        buffer = 0
        if data is not None:
            buffer = len(self.buffers)
            self.buffers.append(schema.BufferT(data=list(data.tobytes())))
        self.tensors.append(schema.TensorT(shape=list(shape), type=kind, buffer=buffer))
        self.shapes.append(tuple(shape))
        return len(self.tensors) - 1

    def operator(self, code, inputs, shape, options=None, custom=None):
        name = b"Convolution2DTransposeBias" if custom else None
        key = (code, name)
        if key not in self.codes:
            self.codes.append(key)
        output = self.tensor(shape)
        operator = schema.OperatorT(opcodeIndex=self.codes.index(key), inputs=inputs, outputs=[output])
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        if custom:
            operator.customOptions = list(custom)
        self.operators.append(operator)
        return output

    def weights(self, *shape):
        values = self.random.normal(0, 0.3, shape).astype(numpy.float16)
        return self.operator(CODES.DEQUANTIZE, [self.tensor(shape, values, kind=1)], shape)

    def convolution(self, x, outputs, size=1, stride=1):
        _, height, width, inputs = self.shapes[x]
        options = schema.Conv2DOptionsT(strideW=stride, strideH=stride, dilationWFactor=1, dilationHFactor=1)
        weights = self.weights(outputs, size, size, inputs)
        shape = (1, -(-height // stride), -(-width // stride), outputs)
        return self.operator(CODES.CONV_2D, [x, weights, self.weights(outputs)], shape, options)

    def depthwise(self, x, size=3, stride=1):
        _, height, width, channels = self.shapes[x]
        options = schema.DepthwiseConv2DOptionsT(
            strideW=stride, strideH=stride, depthMultiplier=1, dilationWFactor=1, dilationHFactor=1
        )
        weights = self.weights(1, size, size, channels)
        shape = (1, -(-height // stride), -(-width // stride), channels)
        return self.operator(CODES.DEPTHWISE_CONV_2D, [x, weights, self.weights(channels)], shape, options)

    def activation(self, code, x):
        return self.operator(code, [x], self.shapes[x])

    def mean(self, x):
        axes = self.tensor((2,), numpy.array([1, 2], numpy.int32), kind=2)
        shape = (1, 1, 1, self.shapes[x][3])
        return self.operator(CODES.MEAN, [x, axes], shape, schema.ReducerOptionsT(keepDims=True))

    def pool(self, x):
        _, height, width, channels = self.shapes[x]
        options = schema.Pool2DOptionsT(
            padding=1, strideW=width, strideH=height, filterWidth=width, filterHeight=height
        )
        return self.operator(CODES.AVERAGE_POOL_2D, [x], (1, 1, 1, channels), options)

    def gate(self, x, pooled):
        hidden = self.activation(CODES.RELU, self.convolution(pooled, 8))
        gate = self.activation(CODES.LOGISTIC, self.convolution(hidden, self.shapes[pooled][3]))
        return self.operator(CODES.MUL, [x, gate], self.shapes[x], schema.MulOptionsT())

    def add(self, a, b):
        return self.operator(CODES.ADD, [a, b], self.shapes[a], schema.AddOptionsT())

    def upsample(self, x):
        _, height, width, channels = self.shapes[x]
        size = self.tensor((2,), numpy.array([2 * height, 2 * width], numpy.int32), kind=2)
        options = schema.ResizeBilinearOptionsT(halfPixelCenters=True)
        return self.operator(CODES.RESIZE_BILINEAR, [x, size], (1, 2 * height, 2 * width, channels), options)

    def transposed(self, x):
        _, height, width, channels = self.shapes[x]
        options = bytes([1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])
        inputs = [x, self.weights(1, 2, 2, channels), self.weights(1)]
        return self.operator(CODES.CUSTOM, inputs, (1, 2 * height, 2 * width, 1), custom=options)

    def file(self, output):
        graph = schema.SubGraphT(
            tensors=self.tensors, inputs=[self.input], outputs=[output], operators=self.operators
        )
        codes = [
            schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, customCode=name, version=1)
            for code, name in self.codes
        ]
        model = schema.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=self.buffers)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def whole():
    """The shape of the pinned models, with every fusion in it."""
    net = Network(8, 16)
    skip = net.activation(CODES.HARD_SWISH, net.convolution(net.input, 16, size=3, stride=2))
    x = net.activation(CODES.RELU, net.depthwise(net.activation(CODES.RELU, net.convolution(skip, 16)), stride=2))
    x = net.convolution(net.gate(x, net.mean(x)), 8)
    x = net.add(net.convolution(net.activation(CODES.HARD_SWISH, net.depthwise(x, size=5)), 8), x)
    low = net.convolution(net.upsample(x), 16)
    x = net.add(net.gate(skip, net.pool(net.add(skip, low))), low)
    x = net.activation(CODES.RELU, net.convolution(x, 16))
    x = net.add(x, net.activation(CODES.RELU, net.depthwise(x)))
    return net.file(net.activation(CODES.LOGISTIC, net.transposed(x)))


def apart():
    """Operators in places where nothing can be fused."""
    net = Network(6, 10)
    x = net.activation(CODES.RELU6, net.convolution(net.input, 8, size=5))
    x = net.activation(CODES.LOGISTIC, net.add(x, x))
    x = net.depthwise(net.upsample(x), size=1, stride=2)
    return net.file(net.transposed(net.add(net.gate(x, net.mean(x)), x)))


def mask(file):
    """What TensorFlow Lite computes."""
    interpreter = Interpreter(model_content=file)
    interpreter.allocate_tensors()
    shape = interpreter.get_input_details()[0]["shape"]
    picture = (numpy.arange(numpy.prod(shape)) * 7 % 256 / 255).astype(numpy.float32).reshape(shape)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parents[2] / "tests/fuzz/corpus/segmentation_model"
CORPUS.mkdir(parents=True, exist_ok=True)
for network in (whole, apart):
    file = network()
    (CORPUS / f"{network.__name__}.tflite").write_bytes(file)
    mask(file).astype("<f4").tofile(HERE / f"{network.__name__}.mask.f32")
    print(network.__name__, len(file))
