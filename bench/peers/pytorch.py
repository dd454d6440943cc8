"""
PyTorch as a contender: answers the messages that bench/contender.mjs describes, a line each, on file descriptor 3. Of networks from files it
explains a picture by what bench/networks/known.mjs writes for it.
"""

import gzip
import importlib.util
import json
import math
import os
import resource
import struct
import sys
import time

repository = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
answers = os.fdopen(3, 'w')


def bytes_of(path):
    with open(os.path.join(repository, path), 'rb') as file:
        return file.read()


def weights_of(content):
    """safetensors: a length, a JSON header, the numbers."""
    start = 8 + struct.unpack('<Q', content[:8])[0]
    header = json.loads(content[8:start])
    header.pop('__metadata__', None)
    return {
        name: torch.frombuffer(bytearray(content[start + entry['data_offsets'][0] : start + entry['data_offsets'][1]]), dtype=torch.float32).reshape(entry['shape'])
        for name, entry in header.items()
    }


class Network:
    """The tutorial's network on NHWC weights; `format` is how PyTorch keeps its pictures in memory."""

    def __init__(self, weights, format):
        self.format = format
        self.convolutions = []
        for name in ['conv2d', 'conv2d_1', 'conv2d_2']:
            kernel = weights[name + '/kernel'].permute(3, 2, 0, 1).contiguous(memory_format=format)
            self.convolutions.append((kernel.requires_grad_(), weights[name + '/bias'].clone().requires_grad_()))
        self.kernel = weights['dense/kernel'].clone().requires_grad_()
        self.bias = weights['dense/bias'].clone().requires_grad_()
        self.parameters = [p for pair in self.convolutions for p in pair] + [self.kernel, self.bias]

    def logits(self, x):
        for kernel, bias in self.convolutions:
            x = torch.relu(torch.nn.functional.conv2d(x, kernel, bias, padding=1))
        return x.permute(0, 2, 3, 1).flatten(1) @ self.kernel + self.bias

    def input(self, images):
        return (images.float() / 255).contiguous(memory_format=self.format)


class FileNetwork:
    """A network of the ONNX operators that MobileNetV2 has, as the file's metadata names them: NCHW numbers to probabilities."""

    def __init__(self, content):
        size = struct.unpack('<Q', content[:8])[0]
        metadata = json.loads(content[8 : 8 + size])['__metadata__']
        self.nodes = json.loads(metadata['nodes'])
        self.input = metadata['input']
        # Bounds of activations are tensors of one number.
        self.weights = {name: value if value.dim() else value.item() for name, value in weights_of(content).items()}

    def __call__(self, x):
        values = {**self.weights, self.input: x}
        for node in self.nodes:
            inputs = [values[name] for name in node['inputs']]
            values[node['output']] = y = getattr(self, node['operator'])(*inputs, **node['attributes'])
        return y

    def in_format(self, format):
        """Kernels as PyTorch keeps them in memory."""
        for name, value in self.weights.items():
            if isinstance(value, torch.Tensor) and value.dim() == 4:
                self.weights[name] = value.contiguous(memory_format=format)

    def Conv(self, x, kernel, bias, strides, group=1, auto_pad='VALID', **_):
        missing = [0, 0]
        if auto_pad == 'SAME_UPPER':
            sizes = zip(x.shape[2:], kernel.shape[2:], strides)
            missing = [max((math.ceil(size / stride) - 1) * stride + window - size, 0) for size, window, stride in sizes]
        before = [padding // 2 for padding in missing]
        if any(padding % 2 for padding in missing):
            after = [padding - first for padding, first in zip(missing, before)]
            x, before = torch.nn.functional.pad(x, (before[1], after[1], before[0], after[0])), [0, 0]
        return torch.nn.functional.conv2d(x, kernel, bias, strides, before, 1, group)

    def Clip(self, x, least, most):
        return torch.clamp(x, least, most)

    def Add(self, a, b):
        return a + b

    def AveragePool(self, x, kernel_shape, **_):
        return torch.nn.functional.avg_pool2d(x, kernel_shape)

    def Flatten(self, x, **_):
        return x.flatten(1)

    def Softmax(self, x, **_):
        return torch.softmax(x, 1)


def missing_packages():
    return [name for name in ['lime', 'skimage', 'sklearn', 'numpy'] if not importlib.util.find_spec(name)]


class PictureExplainer:
    """Python's lime on a picture by a network from a file. It answers what a Contender of such a network is asked."""

    kinds = {'explanation': {}}

    def __init__(self, options):
        file = options['network']['forPyTorch']
        self.network = FileNetwork(bytes_of(os.path.join(options['networks'], file)))
        picture = bytes_of(os.path.join(options['networks'], options['network']['files'][1]))
        channels, height, width = options['network']['shape']
        self.picture = torch.frombuffer(bytearray(picture), dtype=torch.uint8).reshape(height, width, channels).double().numpy() / 255
        self.formats = {'NCHW': torch.contiguous_format, 'NHWC': torch.channels_last}
        self.format = self.formats['NCHW']

    def classify(self, pictures):
        x = 2 * torch.from_numpy(pictures).float().permute(0, 3, 1, 2) - 1
        with torch.no_grad():
            return self.network(x.contiguous(memory_format=self.format)).numpy()

    def explain(self, samples):
        from lime.lime_image import LimeImageExplainer

        return LimeImageExplainer(random_state=123).explain_instance(
            self.picture, self.classify, num_samples=samples, batch_size=16, random_seed=123, progress_bar=False
        )

    def weigh(self, count, **_):
        explanation = self.explain(count)
        values = [weight for _, weight in sorted(explanation.local_exp[explanation.top_labels[0]])]
        return {'values': values, 'largest': max(abs(value) for value in values)}

    def prepare(self, count, **_):
        """The faster of its memory formats."""
        times = {}
        for name, self.format in self.formats.items():
            self.network.in_format(self.format)
            times[name] = min(self.run(64)['ms'] for _ in range(2))
        chosen = min(times, key=times.get)
        self.format = self.formats[chosen]
        self.network.in_format(self.format)
        return {'how': chosen, 'samples': count}

    def run(self, count, **_):
        start = time.perf_counter()
        self.explain(count)
        return {'ms': (time.perf_counter() - start) * 1000}


class Contender:
    def open(self, options, **_):
        global torch
        import torch

        torch.set_num_threads(options['threads'])
        about = {
            'version': 'PyTorch ' + torch.__version__,
            'how': 'oneDNN, ' + torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, 'cpu') else 'oneDNN',
        }
        if 'network' in options:
            if missing_packages():
                raise ImportError('Python has no ' + ', '.join(missing_packages()))
            explainer = PictureExplainer(options)
            self.weigh, self.prepare, self.run = explainer.weigh, explainer.prepare, explainer.run
            return {**about, 'kinds': explainer.kinds}
        self.weights = weights_of(bytes_of('models/fashion-cnn.safetensors'))
        folder = 'src/app/data/fashion-mnist/t10k-'
        images = bytearray(gzip.decompress(bytes_of(folder + 'images-idx3-ubyte.gz'))[16:])
        labels = bytearray(gzip.decompress(bytes_of(folder + 'labels-idx1-ubyte.gz'))[8:])
        self.images = torch.frombuffer(images, dtype=torch.uint8).reshape(-1, 1, 28, 28)
        self.labels = torch.frombuffer(labels, dtype=torch.uint8).long()
        self.formats = {'NCHW': torch.contiguous_format, 'NHWC': torch.channels_last}
        self.networks = {name: Network(self.weights, format) for name, format in self.formats.items()}
        self.trainers = {}
        missing = missing_packages()
        return {
            **about,
            'kinds': {
                'forward': {},
                'training': {},
                'explanation': {'why': 'Python has no ' + ', '.join(missing)} if missing else {},
            },
        }

    def predict(self, count, **_):
        return {'probabilities': self.probabilities('NCHW', self.images[:count]).flatten().tolist()}

    def probabilities(self, format, images):
        network = self.networks[format]
        with torch.no_grad():
            return torch.softmax(network.logits(network.input(images)), 1)

    def first(self, count, **_):
        network = self.networks['NCHW']
        with torch.no_grad():
            logits = network.logits(network.input(self.images[:count]))
            return {'loss': torch.nn.functional.cross_entropy(logits, self.labels[:count]).item()}

    def prepare(self, kind, count, **_):
        """The fastest of its memory formats and batches."""
        sizes = {'forward': [32, 100, 500], 'training': [count], 'explanation': [100, 1000]}[kind]
        times = {}
        for self.choice in [(format, size) for format in self.formats for size in sizes]:
            self.work(kind, count, trial=True)
            times[self.choice] = self.work(kind, count, trial=True)
        self.choice = min(times, key=times.get)
        return {'batch': self.choice[1], 'how': self.choice[0]}

    def run(self, kind, count, **_):
        return {'ms': self.work(kind, count)}

    def memory(self, **_):
        # Kilobytes, on Linux.
        return {'peak': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}

    def work(self, kind, count, trial=False):
        return {'forward': self.forward, 'training': self.training, 'explanation': self.explanation}[kind](count, trial)

    def forward(self, count, trial):
        format, batch = self.choice
        taken = batch if trial else count
        start = time.perf_counter()
        for first in range(0, taken, batch):
            self.probabilities(format, self.images[first : min(first + batch, taken)])
        return (time.perf_counter() - start) * 1000 / taken * count

    def training(self, _, trial):
        """Whole steps: a shuffled batch gathered from the bytes, forward, backward, Adam."""
        format, batch = self.choice
        steps = 1 if trial else 3
        if format not in self.trainers:
            network = Network(self.weights, self.formats[format])
            self.trainers[format] = (network, torch.optim.Adam(network.parameters, lr=1e-3, eps=1e-7))
        network, optimizer = self.trainers[format]
        order = torch.randperm(batch * steps)
        start = time.perf_counter()
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            optimizer.zero_grad(set_to_none=True)
            logits = network.logits(network.input(self.images[chosen]))
            loss = torch.nn.functional.cross_entropy(logits, self.labels[chosen])
            loss.backward()
            optimizer.step()
        loss.item()
        return (time.perf_counter() - start) * 1000 / steps

    def explanation(self, count, trial):
        """Python lime, its segmenter chosen as ours is."""
        import numpy
        from lime.lime_image import LimeImageExplainer
        from skimage.segmentation import felzenszwalb

        format, batch = self.choice
        image = self.images[7270, 0].double().numpy() / 255

        def classify(pictures):
            grey = torch.from_numpy(numpy.ascontiguousarray(pictures[:, None, :, :, 0], dtype=numpy.float32))
            with torch.no_grad():
                network = self.networks[format]
                return torch.softmax(network.logits(grey.contiguous(memory_format=network.format)), 1).numpy()

        explainer = LimeImageExplainer(random_state=123)
        start = time.perf_counter()
        explainer.explain_instance(
            image, classify, segmentation_fn=felzenszwalb, num_samples=count,
            batch_size=batch, progress_bar=False,
        )
        return (time.perf_counter() - start) * 1000


contender = Contender()
for line in sys.stdin:
    message = json.loads(line)
    try:
        answer = getattr(contender, message.pop('ask'))(**message)
    except Exception as error:
        answer = {'error': '%s: %s' % (type(error).__name__, str(error).split('\n')[0])}
    answers.write(json.dumps(answer) + '\n')
    answers.flush()
