/** What an answer says that a load looks at. */
export interface AnswerHead {
  readonly status: number;
  /** Whether the connection takes another request. */
  readonly keepAlive: boolean;
}

const endOfHead = Buffer.from('\r\n\r\n');
const longestHead = 64 * 1024;

/**
 * Reads HTTP/1.1 answers (RFC 9112) off one connection that has one request under way at a time. Bodies are counted to their end and let go: a load
 * that parsed them would measure itself.
 */
export class AnswerReader {
  /** Bytes of a head, or of a chunk's size, that is not complete. */
  #held: Buffer = Buffer.alloc(0);
  #head: AnswerHead | undefined;
  /** Bytes of the body, or of this chunk with its line end, that are still to come; undefined: a chunk's size comes next. */
  #left: number | undefined;
  #chunked = false;
  /** Of a chunked body: what comes are trailers. */
  #trailing = false;

  /** @returns the answer with whose last byte these end, or undefined while it goes on @throws Error for what is no answer */
  push(bytes: Buffer): AnswerHead | undefined {
    let rest = bytes;
    if (this.#head === undefined) {
      const all = this.#held.length === 0 ? rest : Buffer.concat([this.#held, rest]);
      const end = all.indexOf(endOfHead);
      if (end < 0) {
        if (all.length > longestHead) throw new Error('the head of an answer does not end');
        this.#held = all;
        return undefined;
      }
      this.#held = Buffer.alloc(0);
      rest = all.subarray(end + endOfHead.length);
      this.#begin(all.toString('latin1', 0, end));
    }
    return this.#chunked ? this.#chunks(rest) : this.#counted(rest);
  }

  #begin(head: string): void {
    const [statusLine, ...lines] = head.split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`an answer began with "${statusLine.slice(0, 60)}"`);
    const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    this.#chunked = fields.get('transfer-encoding')?.toLowerCase() === 'chunked';
    const length = Number(fields.get('content-length') ?? (status === 204 || status === 304 ? 0 : Number.NaN));
    if (!this.#chunked && Number.isNaN(length)) throw new Error('an answer says nothing of its length');
    this.#left = this.#chunked ? undefined : length;
    this.#head = { status, keepAlive: fields.get('connection')?.toLowerCase() !== 'close' && statusLine.startsWith('HTTP/1.1') };
  }

  #counted(bytes: Buffer): AnswerHead | undefined {
    const left = (this.#left ?? 0) - bytes.length;
    if (left < 0) throw new Error('an answer has more bytes than it says');
    this.#left = left;
    return left === 0 ? this.#finish() : undefined;
  }

  #chunks(bytes: Buffer): AnswerHead | undefined {
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.#left !== undefined) {
        const taken = Math.min(this.#left, rest.length);
        rest = rest.subarray(taken);
        this.#left = this.#left === taken ? undefined : this.#left - taken;
        continue;
      }
      const end = rest.indexOf('\r\n');
      if (end < 0) {
        if (rest.length > longestHead) throw new Error('a line of a chunked answer does not end');
        this.#held = rest;
        return undefined;
      }
      const line = rest.toString('latin1', 0, end);
      rest = rest.subarray(end + 2);
      if (this.#trailing) {
        if (line === '') return this.#finish();
        continue;
      }
      const size = Number.parseInt(line, 16);
      if (Number.isNaN(size)) throw new Error(`a chunk of an answer has the size "${line.slice(0, 20)}"`);
      if (size === 0) this.#trailing = true;
      else this.#left = size + 2;
    }
    return undefined;
  }

  #finish(): AnswerHead | undefined {
    const head = this.#head;
    this.#head = undefined;
    this.#left = undefined;
    this.#chunked = false;
    this.#trailing = false;
    return head;
  }
}
