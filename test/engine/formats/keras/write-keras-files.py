"""Keras's own files of both kinds, and what Keras answers: written by Keras 3.15.1 with jax, h5py 3.16 (HDF5 2.0)."""
import json, os, sys
os.environ['KERAS_BACKEND'] = 'jax'
import keras
import numpy as np
from keras import layers as L

folder = sys.argv[1]
answers = {}
rng=np.random.default_rng(1)
def randomise(m):
    for w in m.weights:
        if 'seed' in w.path: continue
        v=rng.normal(size=w.shape).astype('float32')*0.4
        if 'variance' in w.path: v=np.abs(v)+0.5
        w.assign(v)
def save(m, name, randomised=True):
    if randomised: randomise(m)
    out = np.asarray(m(img, training=False))
    m.save(f'{folder}/{name}.keras')
    m.save(f'{folder}/{name}.h5')
    answers[name] = {'shape': out.shape, 'data': out.ravel().tolist()}

img = rng.uniform(0, 255, size=(2, 12, 12, 3)).astype('float32').round(3)

# sequential with augmentation
m=keras.Sequential([keras.Input((12,12,3)),L.Rescaling(1/127.5,offset=-1),L.RandomFlip('horizontal'),L.RandomRotation(0.1),L.Conv2D(4,3,padding='same',use_bias=False),L.BatchNormalization(scale=False),L.ReLU(),L.SeparableConv2D(5,3,depth_multiplier=2,strides=2,padding='same',activation='relu6'),L.DepthwiseConv2D(3,padding='valid'),L.LayerNormalization(),L.Conv2DTranspose(3,3,strides=2,padding='same'),L.LeakyReLU(0.1),L.PReLU(shared_axes=[1,2]),L.ELU(0.7),L.GroupNormalization(3),L.GlobalAveragePooling2D(keepdims=True),L.Flatten(),L.Dropout(.3),L.Dense(4),L.Activation('softmax')])
save(m, 'sequential')
# nested transfer
base_in=keras.Input((12,12,3)); x=base_in
outs=[]
for i in range(11):
    y=L.Conv2D(3,3,padding='same',name=f'base_conv{i}')(x); y=L.BatchNormalization(name=f'base_bn{i}')(y); x=L.Add()([x,L.Activation('relu')(y)])
base=keras.Model(base_in,x,name='backbone')
base.trainable=False
aug=keras.Sequential([L.RandomFlip('horizontal'),L.RandomContrast(0.1)],name='augmentation')
inp=keras.Input((12,12,3)); 
a=aug(inp); a=L.Rescaling(1/255.)(a); a=base(a)
b=L.AveragePooling2D(2)(a); c=L.MaxPooling2D(2)(a)
d=L.Concatenate()([b,c])
head=keras.Sequential([L.GlobalAveragePooling2D(),L.Dense(5,activation='softmax')],name='head')
m=keras.Model(inp,head(d))
save(m, 'nested')
# attention
inp=keras.Input((12,12,3)); x=L.Rescaling(1/255.)(inp); x=L.Conv2D(8,4,strides=4)(x); x=L.Reshape((9,8))(x)
y=L.LayerNormalization(epsilon=1e-6)(x); y=L.MultiHeadAttention(2,4)(y,y); x=L.Add()([x,y]); y=L.Dense(16,activation='gelu')(x); y=L.Dense(8)(y); x=L.Average()([x,y]); x=L.Flatten()(x); x=L.Dense(3)(x)
save(keras.Model(inp, x), 'attention')
# normalization, pads, crops
inp=keras.Input((12,12,3)); x=L.Normalization(mean=[120.,110.,100.],variance=[50.,60.,70.])(inp); x=L.ZeroPadding2D(((1,2),(3,0)))(x); x=L.Cropping2D(((1,0),(1,1)))(x); x=L.UpSampling2D(2)(x); x=L.Permute((2,1,3))(x); x=L.Conv2D(4,3,dilation_rate=2,groups=1,activation='silu')(x); y=L.Subtract()([x,L.Conv2D(4,1)(x)]); x=L.Maximum()([x,y]); x=L.GlobalMaxPooling2D()(x); x=L.Dense(1,activation='sigmoid')(x)
save(keras.Model(inp, x), 'shapes')
n=L.Normalization(); n.adapt(img)
m=keras.Sequential([keras.Input((12,12,3)),n,L.Flatten(),L.Dense(3),L.Softmax()])
m.build((None,12,12,3)); 
ws=[w.numpy() for w in m.layers[0].weights]
randomise(m)
for w,v in zip(m.layers[0].weights,ws): w.assign(v)
save(m, 'adapted', randomised=False)
with open(f'{folder}/answers.json', 'w') as file:
    json.dump({'input': {'shape': img.shape, 'data': img.ravel().tolist()}, 'output': answers}, file)
