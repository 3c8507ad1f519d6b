"""Writes a network of `tinyfiqa export --onnx` as TensorFlow Lite files for TFLite Micro. Needs tensorflow-cpu and onnx.

  tflite_model.py FILE.onnx BASE      writes BASE.float32.tflite and BASE.int8.tflite, and prints their operations

PyTorch pads a 3x3 convolution of stride 2 on all sides, TensorFlow's SAME padding at the right and the bottom only. If all maps have even
sides, the two agree when image and kernels are rotated by 180 degrees. So the kernels are rotated here, and the program feeds the pixels in
reverse order: the same network, to rounding, without padding operations.

The int8 file is quantised after training, with a few example faces as the representative data set: good enough to measure size and speed.
"""
import glob
import os
import sys

import numpy
import onnx
import onnx.numpy_helper
import tensorflow as tf

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def convolution(x, weight, stride, groups):
    rotated = weight[:, :, ::-1, ::-1]
    if groups == 1:
        return tf.nn.conv2d(x, rotated.transpose(2, 3, 1, 0), stride, "SAME")
    return tf.nn.depthwise_conv2d(x, rotated.transpose(2, 3, 0, 1), [1, stride, stride, 1], "SAME")


def apply(node, values):
    """The output of one ONNX node, in TensorFlow's order [N, H, W, C]."""
    inputs = [values[name] for name in node.input]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Conv":
        y = convolution(inputs[0], inputs[1], attributes["strides"][0], attributes.get("group", 1))
        return y + inputs[2] if len(inputs) > 2 else y
    if node.op_type == "BatchNormalization":
        x, weight, bias, mean, variance = inputs
        scale = weight / numpy.sqrt(variance + attributes["epsilon"])
        return x * scale + (bias - mean * scale)
    if node.op_type == "Gemm":
        return tf.matmul(inputs[0], inputs[1], transpose_b=bool(attributes.get("transB", 0))) + inputs[2]
    simple = {"Relu": lambda x: tf.nn.relu(x), "Add": lambda a, b: a + b, "Sigmoid": lambda x: tf.nn.sigmoid(x),
              "GlobalAveragePool": lambda x: tf.reduce_mean(x, [1, 2]), "Flatten": lambda x: x}
    return simple[node.op_type](*inputs)


def as_function(model):
    """Returns a function of an image [1, H, W, 3]."""
    _, channels, height, width = (d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}

    @tf.function(input_signature=[tf.TensorSpec([1, height, width, channels])])
    def network(image):
        values = dict(weights, **{model.graph.input[0].name: image})
        for node in model.graph.node:
            values[node.output[0]] = apply(node, values)
        return values[model.graph.output[0].name]
    return network.get_concrete_function(), (1, height, width, channels)


def representative_images(shape):
    """The faces of examples/faces, also lighter and darker, with two pixels that make the int8 input level - 128."""
    for path in sorted(glob.glob(os.path.join(ROOT, "examples", "faces", "*.jpg"))):
        image = tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), shape[1:3]).numpy()
        for gain in (0.6, 1, 1.4):
            levels = numpy.clip(image * gain, 0, 255)
            levels[0, 0], levels[0, 1] = 0, 255
            yield [((levels[None, ::-1, ::-1] - 127.5) / 128).astype(numpy.float32)]


def main():
    path, base = sys.argv[1:3]
    function, shape = as_function(onnx.load(path))
    for kind in ("float32", "int8"):
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
        if kind == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: representative_images(shape)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        content = converter.convert()
        with open(f"{base}.{kind}.tflite", "wb") as file:
            file.write(content)
        operations = tf.lite.Interpreter(model_content=content)._get_ops_details()
        print(kind, len(content), "bytes:", " ".join(sorted({o["op_name"] for o in operations})))


if __name__ == "__main__":
    main()
