export { felzenszwalb } from './felzenszwalb.ts'
export { quickshift } from './quickshift.ts'
export { slic } from './slic.ts'
