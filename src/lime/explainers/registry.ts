import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { lime } from './lime.ts'
import type { Method } from './method.ts'
import { shapley } from './shapley.ts'

/** The ways of explaining, by the names that requests, the command and the page's address have for them. */
export const methods = { lime, shapley } as const satisfies Readonly<Record<string, Method>>

export type MethodName = keyof typeof methods

export const methodNames: readonly MethodName[] = ['lime', 'shapley']

/** @throws ArgumentError for another name, listing the valid ones */
export function methodNamed(name: string): MethodName {
  const found = methodNames.find((each) => each === name)
  if (found) return found
  throw new ArgumentError(`there is no method ${shown(name)}; valid are ${methodNames.join(', ')}`)
}
