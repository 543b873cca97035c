/** One message of a `text/event-stream`. */
export interface StreamMessage {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

/**
 * Reads server-sent events from pieces of text that may end anywhere (WHATWG HTML, 9.2.6). Own parsing instead of `EventSource`,
 * which hears a named event only under names that are known beforehand, and cannot say where to begin.
 * @returns a function that takes the next piece and gives the messages that it completed
 */
export function eventParser(): (piece: string) => readonly StreamMessage[] {
  let rest = '';
  let id: string | undefined;
  let event = 'message';
  let data: string[] = [];
  return (piece) => {
    const done: StreamMessage[] = [];
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) done.push({ ...(id === undefined ? {} : { id }), event, data: data.join('\n') });
        event = 'message';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'id') id = value;
      else if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
    return done;
  };
}
