import { expect, test } from 'vitest'
import { sameClass } from '../../../../src/app/page/places/use-asked.ts'

const clothes = ['Shirt', 'Bag', 'Boot']

test('a class stays the one of its name among the classes of another network', () => {
  expect(sameClass(1, clothes, clothes)).toBe(1)
  expect(sameClass(1, clothes, ['Bag', 'Boot'])).toBe(0)
  expect(sameClass(2, clothes, ['Hat', 'Glove', 'Scarf', 'Belt'])).toBe(null)
  expect(sameClass(2, clothes, ['Shirt', 'Bag'])).toBe(null)
})

test('a class that came by its number is that one, if there are so many', () => {
  expect(sameClass(2, null, clothes)).toBe(2)
  expect(sameClass(3, null, clothes)).toBe(null)
})
