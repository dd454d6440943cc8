import { FormatError } from '../../errors.ts'
import type { Hdf5Bytes } from './bytes.ts'

/** An object of an HDF5 file (a group, or a dataset) is a list of messages: of its shape, its type, its attributes, … */
export interface Message {
  readonly type: number
  readonly at: number
  readonly size: number
}

export const messageTypes = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const

/** Set where a message stands elsewhere in the file, for several objects. */
const sharedFlag = 2

interface Block {
  readonly at: number
  readonly end: number
}

/** All messages of the object at this address. @throws FormatError */
export function messagesAt(file: Hdf5Bytes, address: number): Message[] {
  return file.byte(address) === 1 ? oldMessages(file, address) : newMessages(file, address)
}

function oldMessages(file: Hdf5Bytes, address: number): Message[] {
  const blocks: Block[] = [{ at: address + 16, end: address + 16 + file.uint(address + 8, 4) }]
  const messages: Message[] = []
  // Blocks are added while they are walked through; the file's bounded work ends a circle.
  for (const { at: first, end } of blocks)
    for (let at = first; at + 8 <= end; ) {
      const message = { type: file.uint(at, 2), size: file.uint(at + 2, 2), at: at + 8 }
      take(file, message, file.byte(at + 4), messages, (block) => blocks.push(block))
      at = message.at + message.size
    }
  return messages
}

function newMessages(file: Hdf5Bytes, address: number): Message[] {
  file.expect(address, 'OHDR')
  const flags = file.byte(address + 5)
  const sizeAt = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0)
  const sizeBytes = 1 << (flags & 3)
  const first = sizeAt + sizeBytes
  const blocks: Block[] = [{ at: first, end: first + file.uint(sizeAt, sizeBytes) }]
  const headBytes = flags & 4 ? 6 : 4
  const messages: Message[] = []
  for (const { at: begin, end } of blocks)
    for (let at = begin; at + headBytes <= end; ) {
      const message = { type: file.byte(at), size: file.uint(at + 1, 2), at: at + headBytes }
      take(file, message, file.byte(at + 3), messages, (block) => {
        file.expect(block.at, 'OCHK')
        // A checksum of 4 bytes ends it.
        blocks.push({ at: block.at + 4, end: block.end - 4 })
      })
      at = message.at + message.size
    }
  return messages
}

function take(
  file: Hdf5Bytes,
  message: Message,
  flags: number,
  messages: Message[],
  continued: (block: Block) => void,
): void {
  file.slice(message.at, message.size)
  if (message.type === messageTypes.continuation) {
    const at = file.address(message.at)
    if (at === null) throw new FormatError('HDF5: damaged: an object goes on nowhere')
    continued({ at, end: at + file.length(message.at + file.offsetSize) })
  } else {
    if (flags & sharedFlag && message.type !== messageTypes.attribute && isRead(message.type))
      throw new FormatError('HDF5: an object shares its description with others, which Keras never writes')
    messages.push(message)
  }
}

function isRead(type: number): boolean {
  return Object.values(messageTypes).some((known) => known === type)
}
