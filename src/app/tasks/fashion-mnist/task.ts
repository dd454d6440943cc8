import type { Task } from '../task.ts'

/** Which of ten kinds of clothes a small grey picture shows: light on black, filling it. */
export const fashionMnist: Task = {
  name: 'Fashion-MNIST',
  classNames: [
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ],
  inputShape: [28, 28, 1],
  preprocessing: { scale: [1], offset: [0], resize: 'fit' },
  output: 'probabilities',
}
