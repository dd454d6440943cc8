"""Small HDF5 and Keras files, written by h5py as Keras does, without Keras."""
import io, json, sys, zipfile
import h5py, numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(3)
normal = lambda *shape: rng.normal(size=shape).astype('f4')

for name, options in {'earliest': {}, 'v108': {'libver': ('v108', 'v108')}, 'latest': {'libver': 'latest'}}.items():
    with h5py.File(f'{folder}/{name}.h5', 'w', **options) as file:
        many = file.create_group('many')
        for i in range(12 if name == 'earliest' else 60):
            group = many.create_group(f'layer_{i}')
            if i < 3: group.create_dataset('w', data=np.arange(6, dtype='f4').reshape(2, 3) + i)
        file.create_dataset('half', data=np.arange(5, dtype='f2') / 4)
        file.create_dataset('double', data=np.arange(5, dtype='>f8') / 4)
        file.create_dataset('integers', data=np.array([-1, 2, 70000], dtype='i8'))
        file.create_dataset('one', data=np.float32(2.5))
        file.attrs['short'] = 'a text'
        file.attrs['fixed'] = np.bytes_(b'of bytes')
        file.attrs['list'] = np.array([b'ab', b'cde'])
        file.attrs['texts'] = ['one', 'twö']
        file.attrs['number'] = 3.0
        file.attrs['none'] = np.array([])
        for i in range(10): file.attrs[f'more{i}'] = f'm{i}'
        if name == 'latest': continue
        numbers = np.arange(105, dtype='f4').reshape(7, 5, 3)
        file.create_dataset('chunked', data=numbers, chunks=(3, 2, 3), compression='gzip', shuffle=True, fletcher32=True)
        file.create_dataset('chunks', data=np.arange(20, dtype='i2').reshape(4, 5), chunks=(3, 3))

def layer(kind, name, **config): return {'class_name': kind, 'config': {'name': name, **config}}

conv = dict(filters=2, kernel_size=[3, 3], activation='relu')
stack = [layer('Conv2D', 'first', batch_input_shape=[None, 6, 6, 1], **conv), layer('BatchNormalization', 'norm', axis=[3]),
         layer('Conv2D', 'second', **conv), layer('Flatten', 'flat'), layer('Dense', 'last', units=3, activation='softmax')]
model = {'class_name': 'Sequential', 'config': {'name': 'small', 'layers': stack}}
weights = {'first': {'kernel:0': normal(3, 3, 1, 2), 'bias:0': normal(2)},
           'norm': {'gamma:0': normal(2), 'beta:0': normal(2), 'moving_mean:0': normal(2), 'moving_variance:0': abs(normal(2)) + 1},
           'second': {'kernel:0': normal(3, 3, 2, 2), 'bias:0': normal(2)}, 'flat': {}, 'last': {'kernel:0': normal(8, 3), 'bias:0': normal(3)}}

def write_h5(path, model=model, weights=weights, **options):
    with h5py.File(path, 'w', **options) as file:
        file.attrs['model_config'] = json.dumps(model).encode()
        file.attrs['keras_version'], file.attrs['backend'] = b'2.8.0', b'tensorflow'
        top = file.create_group('model_weights')
        for name, values in weights.items():
            group = top.create_group(name)
            group.attrs['weight_names'] = np.array([f'{name}/{weight}'.encode() for weight in values]) if values else np.array([])
            for weight, value in values.items(): group.create_dataset(f'{name}/{weight}', data=value)
write_h5(f'{folder}/small.h5')
write_h5(f'{folder}/small-v108.h5', libver=('v108', 'v108'))

# For pictures as the page has them.
pooled = [layer('AveragePooling2D', 'pool', batch_input_shape=[None, 28, 28, 1], pool_size=[7, 7], strides=[7, 7]), layer('Flatten', 'flat'),
          layer('Dense', 'last', units=10, activation='softmax')]
write_h5(f'{folder}/pictures.h5', {'class_name': 'Sequential', 'config': {'name': 'pictures', 'layers': pooled}},
         {'pool': {}, 'flat': {}, 'last': {'kernel:0': np.random.default_rng(4).normal(size=(16, 10)).astype('f4'), 'bias:0': np.zeros(10, 'f4')}}, libver=('v108', 'v108'))

# As Keras 2.13 does, on Linux and on Windows: layers with weights are counted twice, and paths are joined by the system's sign.
for sign, name in [('/', 'small-2.13.keras'), ('\\', 'small-2.13-windows.keras')]:
    buffer = io.BytesIO()
    with h5py.File(buffer, 'w', libver=('v108', 'v108')) as file:
        for path, values in zip(['conv2d', 'batch_normalization', 'conv2d_2', 'flatten', 'dense'], weights.values()):
            group = file.create_group(sign.join(['_layer_checkpoint_dependencies', path])).create_group('vars')
            for i, value in enumerate(values.values()): group.create_dataset(str(i), data=value)
    with zipfile.ZipFile(f'{folder}/{name}', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('metadata.json', json.dumps({'keras_version': '2.13.1'}))
        archive.writestr('config.json', json.dumps(model))
        archive.writestr('model.weights.h5', buffer.getvalue())
