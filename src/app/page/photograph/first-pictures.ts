import chelsea from './first-pictures/chelsea.jpg?url&no-inline'
import coffee from './first-pictures/coffee.jpg?url&no-inline'
import rocket from './first-pictures/rocket.jpg?url&no-inline'

/** Pictures to begin with: three of scikit-image's public photographs. first-pictures/CREDITS says whose they are. */
export interface FirstPicture {
  /** In addresses. */
  readonly id: string
  readonly name: string
  readonly credit: string
  readonly address: string
}

export const firstPictures: readonly FirstPicture[] = [
  { id: 'coffee', name: 'Coffee', credit: 'Rachel Michetti, CC0', address: coffee },
  { id: 'chelsea', name: 'Chelsea the cat', credit: 'Stefan van der Walt, CC0', address: chelsea },
  { id: 'rocket', name: 'Falcon 9', credit: 'SpaceX, public domain', address: rocket },
]
