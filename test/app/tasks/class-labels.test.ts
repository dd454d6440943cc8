import { expect, it } from 'vitest'
import { labelsFrom } from '../../../src/app/tasks/class-labels.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'

const names = [
  'background',
  'tabby, tabby cat',
  'tiger cat',
  'crane',
  'Crane',
  'espresso',
  'espresso maker',
  'coffee mug',
]

it('classes are asked for by number, by name in any case, by one of several names, or by a part that no other has', () => {
  expect(labelsFrom(['7', ' 1 '], names)).toEqual([7, 1])
  expect(labelsFrom(['ESPRESSO', 'tabby', 'Tabby Cat', 'maker', 'mug', 'tiger'], names)).toEqual([5, 1, 1, 6, 7, 2])
  expect(labelsFrom(['2000'], null)).toEqual([2000])
})

it('a name that no class or several have is refused, with those that come near', () => {
  const refused = (name: string) => expect(() => labelsFrom([name], names), name)
  refused('cat').toThrow(ArgumentError)
  refused('cat').toThrow('--labels cat: 2 classes are called so: 1 tabby, tabby cat; 2 tiger cat; give a number')
  refused('crane').toThrow('3 crane; 4 Crane')
  refused('expreso').toThrow('no class is called so; near are 5 espresso; 6 espresso maker')
  refused('xyz').toThrow('no class is called so among 8, such as 0 background; 1 tabby, tabby cat; 2 tiger cat')
  expect(() => labelsFrom(['tabby'], null)).toThrow(/give numbers, or --class-names/)
})
