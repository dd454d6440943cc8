import type { StatedImages } from '../../engine/formats/opened-model.ts'

/**
 * Networks of the catalogue that lie beside the page, and the index by which the page knows them. vite/page-networks.ts writes
 * both; the index is there, and empty, where no network is.
 */

/** Below the page's address. */
export const pageNetworksFolder = 'networks/'
/** In that folder. */
export const pageNetworksIndex = 'index.json'

/** What the index holds. */
export interface PageNetworks {
  readonly networks: readonly PageNetwork[]
}

export interface PageNetwork {
  /** As the catalogue calls it. */
  readonly name: string
  /** As people call it. */
  readonly title: string
  readonly what: string
  readonly licence: string
  /** Where the licence and the network are described. */
  readonly home: string
  /** What is to be fetched: the model first. */
  readonly files: readonly PageNetworkFile[]
  /** What the catalogue says of its pictures, which comes before what its file says; the names of its classes are among it. */
  readonly images: StatedImages
}

export interface PageNetworkFile {
  /** Below the index's own folder. */
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}
