/**
 * What a worker tells of its work, on stderr: lines for people, or a JSON object a line for programs that gather them. What is told has
 * a fixed set of names, so that a password has no way in.
 */

export type LogLevel = 'info' | 'warning' | 'error'

export type WorkEvent =
  | 'started'
  | 'taken'
  | 'published'
  | 'failed'
  | 'set-aside'
  | 'returned'
  | 'cancelled'
  | 'lock-lost'
  | 'queue-lost'
  | 'queue-back'
  | 'note'
  | 'stopping'
  | 'stopped'

export interface LogFields {
  readonly run?: string
  readonly shard?: number
  readonly images?: number
  readonly errors?: number
  readonly seconds?: number
  readonly tries?: number
  readonly queue?: string
}

export type WorkLog = (level: LogLevel, event: WorkEvent, message: string, fields?: LogFields) => void

/** @param write takes a line without its end */
export function workLog(form: 'text' | 'json', write: (line: string) => void): WorkLog {
  return (level, event, message, fields = {}) => {
    const time = new Date().toISOString()
    write(
      form === 'json'
        ? JSON.stringify({ time, level, event, message, ...fields })
        : // What comes with names and errors of files begins no line, as those of the log do.
          `${time} ${level === 'info' ? '' : `${level}: `}${message.replaceAll('\n', '\n  ')}`,
    )
  }
}
