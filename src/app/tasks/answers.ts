import { className, type PictureTask } from './picture-task.ts'

/** What a network says of one picture, for people and for files: probabilities of classes, or values that are of no class. */

export interface Answer {
  readonly label: number
  readonly name: string
  /** A probability, or a value. */
  readonly number: number
}

/** Whether what a network says are values: they have no order, and more is not better. */
export function saysValues({ output }: Pick<PictureTask, 'output'>): boolean {
  return output?.value === 'values'
}

/** The most probable classes, the lower label first of equals; of values the first, as the network has them. */
export function topAnswers(numbers: ArrayLike<number>, most: number, task: PictureTask): Answer[] {
  const labels = Array.from({ length: numbers.length }, (_, label) => label)
  if (!saysValues(task)) labels.sort((a, b) => numbers[b] - numbers[a] || a - b)
  return labels.slice(0, most).map((label) => ({ label, name: className(task, label), number: numbers[label] }))
}

/** As files have it, under the name that says what it is. */
export function answerRecord({ label, name, number }: Answer, task: PictureTask) {
  return saysValues(task) ? { label, name, value: number } : { label, name, probability: number }
}

/** A number as people read it: '0.9731' of 1, or a value to six digits. */
export function answerInWords(number: number, task: PictureTask): string {
  return saysValues(task) ? String(Number(number.toPrecision(6))) : number.toFixed(4)
}
