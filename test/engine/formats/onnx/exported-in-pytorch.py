"""What PyTorch makes, in float64, of the two networks whose batch norms its exporter put into float32 kernels: the files' own
answers, computed operator by operator, and the gradient of class 3's sum by the input (every 1,024th number from the 517th, and
the largest). Debian's python3-torch 1.13 and python3-onnx 1.12:

    python3 exported-in-pytorch.py MODELS > exported-in-pytorch.json
"""
import json
import struct
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


def in_float64(tensor):
    values = torch.from_numpy(numpy_helper.to_array(tensor).copy())
    return values.double() if values.is_floating_point() else values


def same_on_both_sides(pads):
    assert pads[:2] == pads[2:]
    return pads[:2]


def gather(data, indices, axis):
    shape = data.shape[:axis] + indices.shape + data.shape[axis + 1 :]
    return torch.index_select(data, axis, indices.reshape(-1)).reshape(shape)


def cut(x, begin, end, axes):
    for first, last, axis in zip(begin.tolist(), end.tolist(), axes.tolist()):
        x = x.narrow(axis, first, min(last, x.shape[axis]) - first)
    return x


def divided(a, b):
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def linear(x, weight, bias, alpha, beta, turned):
    return alpha * (x @ (weight.T if turned else weight)) + beta * bias


OPERATORS = {
    "Add": lambda g, a, b: a + b,
    "Cast": lambda g, x: x.long(),
    "Concat": lambda g, *xs: torch.cat(xs, g("axis")),
    "Constant": lambda g: in_float64(g("value")),
    "Conv": lambda g, x, k, b: F.conv2d(
        x, k, b, g("strides"), same_on_both_sides(g("pads")), g("dilations"), g("group")
    ),
    "Div": lambda g, a, b: divided(a, b),
    "Flatten": lambda g, x: x.flatten(g("axis")),
    "Gather": lambda g, x, at: gather(x, at, g("axis")),
    "Gemm": lambda g, x, w, b: linear(x, w, b, g("alpha"), g("beta"), g("transB")),
    "GlobalAveragePool": lambda g, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda g, x: torch.clamp(g("alpha") * x + 0.5, 0, 1),
    "Identity": lambda g, x: x,
    "MaxPool": lambda g, x: F.max_pool2d(x, g("kernel_shape"), g("strides"), same_on_both_sides(g("pads"))),
    "Mul": lambda g, a, b: a * b,
    "ReduceMean": lambda g, x: x.mean(g("axes"), keepdim=bool(g("keepdims"))),
    "Relu": lambda g, x: torch.relu(x),
    "Reshape": lambda g, x, shape: x.reshape(shape.tolist()),
    "Shape": lambda g, x: torch.tensor(x.shape),
    "Slice": lambda g, x, begin, end, axes: cut(x, begin, end, axes),
    "Transpose": lambda g, x: x.permute(*g("perm")),
    "Unsqueeze": lambda g, x: x.unsqueeze(*g("axes")),
}


def output_of(model, x):
    values = {tensor.name: in_float64(tensor) for tensor in model.graph.initializer}
    values[model.graph.input[0].name] = x
    for node in model.graph.node:
        given = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        made = OPERATORS[node.op_type](given.__getitem__, *(values[name] for name in node.input))
        values[node.output[0]] = made
    return values[model.graph.output[0].name]


def recorded_input(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8 : 8 + length])["input"]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    return torch.from_numpy(np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).copy())


def answers(folder, name):
    x = recorded_input(f"{folder}/{name}.safetensors")[:1].double().requires_grad_(True)
    y = output_of(onnx.load(f"{folder}/{name}.onnx"), x)
    (dx,) = torch.autograd.grad(y[:, 3].sum(), x)
    numbers = dx.reshape(-1)
    return {
        "output": y.reshape(-1).tolist(),
        "gradient": numbers[517::1024].tolist(),
        "largestGradient": numbers.abs().max().item(),
    }


print(json.dumps({name: answers(sys.argv[1], name) for name in ["mobilenet-v3", "shufflenet"]}, indent=2))
