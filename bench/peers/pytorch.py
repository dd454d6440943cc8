"""PyTorch as a contender: answers the messages that bench/contender.mjs describes, a line each, on file descriptor 3."""

import gzip
import importlib.util
import json
import os
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


class Contender:
    def open(self, options, **_):
        global torch
        import torch

        torch.set_num_threads(options['threads'])
        self.weights = weights_of(bytes_of('models/fashion-cnn.safetensors'))
        folder = 'src/app/data/fashion-mnist/t10k-'
        images = bytearray(gzip.decompress(bytes_of(folder + 'images-idx3-ubyte.gz'))[16:])
        labels = bytearray(gzip.decompress(bytes_of(folder + 'labels-idx1-ubyte.gz'))[8:])
        self.images = torch.frombuffer(images, dtype=torch.uint8).reshape(-1, 1, 28, 28)
        self.labels = torch.frombuffer(labels, dtype=torch.uint8).long()
        self.formats = {'NCHW': torch.contiguous_format, 'NHWC': torch.channels_last}
        self.networks = {name: Network(self.weights, format) for name, format in self.formats.items()}
        self.trainers = {}
        missing = [name for name in ['lime', 'skimage', 'sklearn', 'numpy'] if not importlib.util.find_spec(name)]
        return {
            'version': 'PyTorch ' + torch.__version__,
            'how': 'oneDNN, ' + torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, 'cpu') else 'oneDNN',
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
