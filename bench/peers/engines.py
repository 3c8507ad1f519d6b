"""Measures the time of one network in one engine, and saves its output.

  engines.py ENGINE MODEL BASE THREADS SECONDS

MODEL is the name of the network. BASE.onnx is the file that tinyfiqa wrote, BASE.pth has the weights (for PyTorch), and BASE.npy is the
input [N, 3, H, W]. The script writes the output to BASE.ENGINE.npy and prints {"median_us", "min_us", "version"} as JSON. run.py starts
it with the Python that has the engine. All engines compute in float32.
"""
import importlib.util
import json
import os
import subprocess
import sys
import time

import numpy


def onnxruntime(model, base, x, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(base + ".onnx", options, providers=["CPUExecutionProvider"])
    y = numpy.empty((len(x), 1), numpy.float32)
    binding = session.io_binding()  # uses the memory of the arrays, without copies or allocations
    binding.bind_cpu_input("image", x)
    binding.bind_output("score", "cpu", 0, numpy.float32, y.shape, y.ctypes.data)
    return lambda: session.run_with_iobinding(binding), lambda: y, onnxruntime.__version__


def openvino(model, base, x, threads):
    import openvino
    hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(base + ".onnx", "CPU", hints).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    return request.infer, lambda: request.get_output_tensor().data.copy(), openvino.__version__


def ncnn(model, base, x, threads):
    """Runs one image after the other, because ncnn has no batches."""
    import ncnn
    converter = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
    param, weights = base + ".ncnn.param", base + ".ncnn.bin"
    if not os.path.exists(param):
        shape = "inputshape=[1,%d,%d,%d]" % x.shape[1:]
        single = base + ".single.onnx" if len(x) > 1 else base + ".onnx"
        subprocess.run([converter, single, shape, "ncnnparam=" + param,
                        "ncnnbin=" + weights, "fp16=0"], check=True, capture_output=True, cwd=os.path.dirname(base))
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    if net.load_param(param) or net.load_model(weights):
        raise RuntimeError(f"ncnn can't read {param}, which pnnx wrote; use matching versions of both")
    images = [ncnn.Mat(image) for image in x]
    y = numpy.empty((len(x), 1), numpy.float32)

    def run():
        for i, image in enumerate(images):
            extractor = net.create_extractor()
            extractor.input("in0", image)
            y[i] = numpy.array(extractor.extract("out0")[1])
    return run, lambda: y, ncnn.__version__


def mnn(model, base, x, threads):
    import MNN
    path = base + ".mnn"
    if not os.path.exists(path):
        subprocess.run([os.path.join(os.path.dirname(sys.executable), "mnnconvert"), "-f", "ONNX", "--modelFile",
                        base + ".onnx", "--MNNModel", path, "--bizCode", "none"], check=True, capture_output=True)
    runtime = MNN.nn.create_runtime_manager(({"backend": 0, "numThread": threads, "precision": "high"},))  # 0: CPU
    net = MNN.nn.load_module_from_file(path, ["image"], ["score"], runtime_manager=runtime)
    image = MNN.expr.const(x, list(x.shape), MNN.expr.NCHW)

    def run():
        run.y = net.onForward([image])[0]
    return run, lambda: numpy.array(run.y.read()), MNN.version()


def torch_module(model, base):
    import torch
    import train_torch
    module = train_torch.build(model)
    module.load_state_dict(torch.load(base + ".pth"))
    return torch, module.eval()


def pytorch(model, base, x, threads):
    """A scripted and frozen module, channels last. (optimize_for_inference() of 1.13 changes the outputs of MobileNetV3.)"""
    torch, module = torch_module(model, base)
    torch.set_num_threads(threads)
    module = module.to(memory_format=torch.channels_last)
    data = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        frozen = torch.jit.freeze(torch.jit.script(module))

    def run():
        with torch.no_grad():
            run.y = frozen(data)
    return run, lambda: run.y.numpy(), torch.__version__


def xnnpack(model, base, x, threads):
    """PyTorch with the convolutions and linear layers of XNNPACK, by its mobile optimiser."""
    torch, module = torch_module(model, base)
    from torch.utils.mobile_optimizer import optimize_for_mobile
    torch.set_num_threads(threads)
    data = torch.from_numpy(x)
    with torch.no_grad():
        mobile = optimize_for_mobile(torch.jit.script(module))

    def run():
        with torch.no_grad():
            run.y = mobile(data)
    return run, lambda: run.y.numpy(), torch.__version__


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "ncnn": ncnn, "mnn": mnn, "pytorch": pytorch, "xnnpack": xnnpack}


def measure(run, seconds):
    times, start = [], time.perf_counter()
    while len(times) < 10 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        run()
        times.append((time.perf_counter() - before) * 1e6)
    times.sort()
    return {"median_us": times[len(times) // 2], "min_us": times[0]}


def main():
    engine, model, base, threads, seconds = sys.argv[1:6]
    x = numpy.load(base + ".npy")
    run, result, version = ENGINES[engine](model, base, x, int(threads))
    for _ in range(3):
        run()
    numpy.save(f"{base}.{engine}.npy", numpy.asarray(result()).reshape(len(x), -1))
    print(json.dumps(dict(measure(run, float(seconds)), version=str(version))))


if __name__ == "__main__":
    main()
