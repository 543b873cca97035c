import type { Socket } from 'node:net';
import { FrameReader } from './frame-reader.ts';
import type { FrameEvents } from './frame-reader.ts';
import { Goodwill } from './goodwill.ts';
import { encodeHeaders } from './hpack.ts';
import { Outgoing } from './outgoing.ts';
import {
  ConnectionFault,
  errorCodes,
  flags,
  frameOf,
  frameTypes,
  largest31,
  numbersFrame,
  readUint32,
  settingIds,
  settingsFrame,
  usualFrameBytes,
  usualWindow,
} from './protocol.ts';
import type { ErrorNumber } from './protocol.ts';
import { HeadReader, mostHeaderBytes } from './request-head.ts';
import { H2Stream, receiveWindow } from './stream.ts';
import type { StreamHost } from './stream.ts';

/** Whom connections belong to. */
export interface ConnectionOwner {
  /** A request has begun. Is to say who listens to it, or to answer it. */
  readonly onStream: (stream: H2Stream) => void;
  readonly onClosed: (connection: H2Connection) => void;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
}

/** How long a peer may take, in milliseconds. */
export interface ConnectionPatience {
  /** To say that it speaks HTTP/2, and for a block of headers. */
  readonly headersMs: number;
  /** Between two parts of a request. */
  readonly requestMs: number;
}

/** Calls of one connection at the same time. */
const mostStreams = 256;
/** With those that their caller gave up and that somebody still works on (CVE-2023-44487): callers that lose their patience together may ask again. */
const mostWorkedOn = 4 * mostStreams;
/** Bytes of requests and answers that are kept for one connection: a few of the largest calls, and many of usual ones. */
const mostKeptBytes = 1024 * 1024 * 1024;
/** Settings of one frame: there are six, and a few of extensions. */
const mostSettings = 32;
/** How long a peer that leaves nothing to do may take to close the connection, and to answer that it is to end. */
const lingerMs = 1_000;
/** Who takes nothing of an answer for so many times the patience between parts of a request has gone. */
const stalledTimes = 5;
const maxFrameLimit = 2 ** 24 - 1;

const preface = Buffer.concat([
  settingsFrame([
    [settingIds.maxConcurrentStreams, mostStreams],
    [settingIds.initialWindowSize, receiveWindow],
    [settingIds.maxHeaderListSize, mostHeaderBytes],
  ]),
  // The window of the connection is as large as that of a stream: it holds nobody back, as what streams keep is bounded otherwise.
  numbersFrame(frameTypes.windowUpdate, 0, receiveWindow - usualWindow),
]);
const settingsAck = frameOf(frameTypes.settings, flags.ack, 0, Buffer.alloc(0));
/** Asks a peer that was told of the end to say that it has read that. */
const lastPing = Buffer.from('gyre:end');
/** For gRPC, and for whoever else asks. */
const tooLarge = encodeHeaders([
  [':status', '431'],
  ['content-type', 'application/grpc'],
  ['grpc-status', '8'],
  ['grpc-message', `headers of more than ${mostHeaderBytes} bytes`],
]);

/** The server's side of a connection of HTTP/2 (RFC 9113), without pushes and priorities. */
export class H2Connection implements FrameEvents, StreamHost {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader: FrameReader;
  readonly #heads = new HeadReader();
  readonly #streams = new Map<number, H2Stream>();
  readonly #goodwill: Goodwill;
  readonly out: Outgoing;
  readonly remoteAddress: string | undefined;
  /** Streams that are over, and somebody still works on them. */
  #left = 0;
  #lastStream = 0;
  /** Streams beyond it are not answered: the peer was told so. */
  #lastTaken = largest31;
  /** Bytes that came and that the peer was not yet allowed again. */
  #owed = 0;
  #kept = 0;
  #isGreeted = false;
  #isLeaving = false;
  #isPeerDone = false;
  #isOver = false;
  readonly #sinceMs: number;
  // Since when a block of headers is under way, and nothing of an answer was taken; found out when it is looked for.
  #blockSinceMs: number | undefined;
  #stalledSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#sinceMs = owner.elapsed();
    this.#goodwill = new Goodwill(owner.elapsed);
    this.#reader = new FrameReader(this);
    this.out = new Outgoing(socket, (count) => this.#goodwill.earnBytes(count));
    this.remoteAddress = socket.remoteAddress;
    socket.on('data', this.#onChunk);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('drain', this.#onDrain);
    this.out.push(preface);
  }

  /** Ends it when all that is under way is answered. */
  leave(): void {
    if (this.#isLeaving || this.#isOver) return;
    this.#isLeaving = true;
    // Said twice (RFC 9113, 6.8): calls that are on their way to us are answered, and the last one is known when the ping comes back.
    this.out.push(numbersFrame(frameTypes.goaway, 0, largest31, errorCodes.none));
    this.out.push(frameOf(frameTypes.ping, 0, 0, lastPing));
    this.#timer = setTimeout(() => this.#takeNoMore(), lingerMs);
    this.#timer.unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends what its peer is too slow with. */
  look(nowMs: number, { headersMs, requestMs }: ConnectionPatience): void {
    if (this.#reader.isInBlock) this.#blockSinceMs ??= nowMs;
    else this.#blockSinceMs = undefined;
    if (this.out.takeMoved() || !this.out.isWaiting) this.#stalledSinceMs = undefined;
    else this.#stalledSinceMs ??= nowMs;
    const isSilent = !this.#isGreeted && nowMs - this.#sinceMs > headersMs;
    const isStalled = nowMs - (this.#stalledSinceMs ?? nowMs) > requestMs * stalledTimes;
    // Windows of who sends no more are not opened any more.
    const isLost = this.#isPeerDone && this.out.waitingBytes > 0 && !this.out.isBlocked;
    if (isSilent || isStalled || isLost || nowMs - (this.#blockSinceMs ?? nowMs) > headersMs) {
      this.destroy();
      return;
    }
    for (const stream of this.#streams.values()) if (stream.isLate(nowMs, requestMs)) stream.reset(errorCodes.cancel);
  }

  readonly #onChunk = (chunk: Buffer): void => {
    this.out.hold();
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.#fail(error.code, error.message);
    } finally {
      this.out.release();
    }
  };

  onHeaders(id: number, endsStream: boolean, block: Buffer): void {
    this.#requireGreeting();
    this.#blockSinceMs = undefined;
    const known = this.#streams.get(id);
    if (known !== undefined) {
      this.#onTrailers(known, endsStream, block);
      return;
    }
    if (id % 2 === 0) throw new ConnectionFault(errorCodes.protocol, `a client does not open stream ${id}`);
    if (id <= this.#lastStream) {
      this.#heads.trailers(block);
      if (id <= this.#lastTaken) this.#refuse(id, errorCodes.streamClosed);
      return;
    }
    this.#lastStream = id;
    const read = this.#heads.request(block);
    if (id > this.#lastTaken) return;
    if (read === 'malformed') this.#refuse(id, errorCodes.protocol);
    else if (this.#streams.size >= mostStreams || this.#streams.size + this.#left >= mostWorkedOn)
      this.#refuse(id, errorCodes.refusedStream);
    else {
      const stream = new H2Stream(this, id, read === 'too large' ? { headers: {}, contentLength: undefined } : read.head);
      this.#streams.set(id, stream);
      if (read === 'too large') stream.respondHead(tooLarge, true);
      else this.#owner.onStream(stream);
      if (endsStream) stream.endRemote();
    }
  }

  #onTrailers(stream: H2Stream, endsStream: boolean, block: Buffer): void {
    const isRight = this.#heads.trailers(block);
    if (!stream.isRemoteOpen) this.#reset(stream, errorCodes.streamClosed);
    else if (!isRight || !endsStream) this.#reset(stream, errorCodes.protocol);
    else stream.take(0, Buffer.alloc(0), true);
  }

  onData(id: number, counted: number, bytes: Buffer, endsStream: boolean): boolean {
    this.#requireGreeting();
    this.#owed += counted;
    if (this.#owed > receiveWindow) throw new ConnectionFault(errorCodes.flowControl, 'more DATA than the connection takes');
    if (this.#owed >= receiveWindow / 2) {
      this.out.push(numbersFrame(frameTypes.windowUpdate, 0, this.#owed));
      this.#owed = 0;
    }
    const stream = this.#streams.get(id);
    if (stream?.isRemoteOpen !== true) {
      this.#requireOpened(id);
      if (id <= this.#lastTaken) this.#refuse(id, errorCodes.streamClosed);
      return false;
    }
    if (bytes.length === 0 && !endsStream) this.#goodwill.spend();
    else this.#goodwill.earnBytes(bytes.length);
    return stream.take(counted, bytes, endsStream);
  }

  onControl(type: number, flag: number, id: number, payload: Buffer): void {
    if (type === frameTypes.settings) this.#onSettings((flag & flags.ack) !== 0, payload);
    else {
      this.#requireGreeting();
      if (type === frameTypes.windowUpdate) this.#onWindowUpdate(id, payload);
      else if (type === frameTypes.ping) this.#onPing((flag & flags.ack) !== 0, payload);
      else if (type === frameTypes.reset) this.#onReset(id, payload);
      else if (type === frameTypes.priority) this.#onPriority(id, payload);
      else if (payload.length < 8) throw sized('GOAWAY', payload);
      // GOAWAY: who wants no streams of ours, which never come, may still open its own; it closes the connection when it has done.
      else this.#goodwill.spend();
    }
  }

  onTrifle(): void {
    this.#requireGreeting();
    this.#goodwill.spend();
  }

  #onSettings(isAck: boolean, payload: Buffer): void {
    if (payload.length % 6 !== 0 || (isAck && payload.length > 0)) throw sized('SETTINGS', payload);
    if (isAck) {
      if (!this.#isGreeted) throw new ConnectionFault(errorCodes.protocol, 'settings are said before they are agreed to');
      return;
    }
    if (payload.length > 6 * mostSettings)
      throw new ConnectionFault(errorCodes.enhanceYourCalm, `more than ${mostSettings} settings at once`);
    if (this.#isGreeted) this.#goodwill.spend();
    this.#isGreeted = true;
    for (let at = 0; at < payload.length; at += 6) this.#onSetting((payload[at] << 8) | payload[at + 1], readUint32(payload, at + 2));
    this.out.push(settingsAck);
  }

  #onSetting(id: number, value: number): void {
    if (id === settingIds.enablePush && value > 1)
      throw new ConnectionFault(errorCodes.protocol, `ENABLE_PUSH is ${value}; 0 and 1 are right`);
    if (id === settingIds.maxFrameSize) {
      if (value < usualFrameBytes || value > maxFrameLimit)
        throw new ConnectionFault(errorCodes.protocol, `MAX_FRAME_SIZE is ${value}; ${usualFrameBytes} to ${maxFrameLimit} are right`);
      // Larger ones would keep other streams waiting.
      this.out.frameBytes = Math.min(value, 4 * usualFrameBytes);
    } else if (id === settingIds.initialWindowSize) {
      if (value > largest31)
        throw new ConnectionFault(errorCodes.flowControl, `INITIAL_WINDOW_SIZE is ${value}; at most ${largest31} is right`);
      const change = value - this.out.streamWindow;
      this.out.streamWindow = value;
      for (const stream of this.#streams.values()) {
        stream.sendWindow += change;
        if (stream.sendWindow > largest31)
          throw new ConnectionFault(errorCodes.flowControl, 'INITIAL_WINDOW_SIZE makes a window too large');
        this.out.wake(stream);
      }
    }
  }

  #onWindowUpdate(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw sized('WINDOW_UPDATE', payload);
    const count = readUint32(payload, 0) & largest31;
    this.#goodwill.spend();
    if (id === 0) {
      if (count === 0) throw new ConnectionFault(errorCodes.protocol, 'WINDOW_UPDATE by nothing');
      this.out.widen(count);
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#requireOpened(id);
      return;
    }
    stream.sendWindow += count;
    if (count === 0) this.#reset(stream, errorCodes.protocol);
    else if (stream.sendWindow > largest31) this.#reset(stream, errorCodes.flowControl);
    else this.out.wake(stream);
  }

  #onPing(isAck: boolean, payload: Buffer): void {
    if (payload.length !== 8) throw sized('PING', payload);
    if (isAck) {
      if (this.#isLeaving && payload.equals(lastPing)) this.#takeNoMore();
      return;
    }
    this.#goodwill.spend();
    this.out.push(frameOf(frameTypes.ping, flags.ack, 0, payload));
  }

  #onReset(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw sized('RST_STREAM', payload);
    this.#requireOpened(id);
    const stream = this.#streams.get(id);
    // Who gives up what is worked on pays by that: so much may be under way, and no more. Callers of a busy plane do it together.
    if (stream?.isBusy !== true) this.#goodwill.spend();
    stream?.lose();
  }

  #onPriority(id: number, payload: Buffer): void {
    this.#goodwill.spend();
    if (payload.length === 5) return;
    const stream = this.#streams.get(id);
    if (stream === undefined) throw sized('PRIORITY', payload);
    this.#reset(stream, errorCodes.frameSize);
  }

  forget(stream: H2Stream, isReset: boolean): void {
    this.#streams.delete(stream.id);
    if (stream.isBusy) this.#left += 1;
    if (!isReset) this.#goodwill.earn();
    this.#endIfDone();
  }

  onIdle(): void {
    this.#left -= 1;
  }

  onWorked(): void {
    this.#goodwill.earn();
  }

  keep(count: number): void {
    this.#kept += count;
  }

  hasRoom(count: number): boolean {
    return this.#kept + this.out.waitingBytes + count <= mostKeptBytes;
  }

  /** Ends one stream for a fault of its peer. */
  #reset(stream: H2Stream, code: ErrorNumber): void {
    this.#goodwill.spend();
    stream.reset(code);
  }

  /** Refuses a stream that is not there. */
  #refuse(id: number, code: ErrorNumber): void {
    this.#goodwill.spend();
    this.out.push(numbersFrame(frameTypes.reset, id, code));
  }

  #requireGreeting(): void {
    if (!this.#isGreeted) throw new ConnectionFault(errorCodes.protocol, 'the first frame is to be SETTINGS');
  }

  #requireOpened(id: number): void {
    if (id % 2 === 0 || id > this.#lastStream) throw new ConnectionFault(errorCodes.protocol, `stream ${id} was not opened`);
  }

  /** What was opened until now is answered, and nothing else. */
  #takeNoMore(): void {
    if (this.#lastTaken !== largest31 || this.#isOver) return;
    clearTimeout(this.#timer);
    this.#lastTaken = this.#lastStream;
    this.out.push(numbersFrame(frameTypes.goaway, 0, this.#lastTaken, errorCodes.none));
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#streams.size === 0 && !this.#isOver && (this.#isPeerDone || (this.#isLeaving && this.#lastTaken !== largest31))) this.#end();
  }

  /** Sends what is left, and says that no more comes. */
  #end(): void {
    this.#isOver = true;
    this.#reader.stop();
    this.out.end();
    clearTimeout(this.#timer);
    this.#socket.end(() => this.#linger());
  }

  /** Gives the peer a moment to close: a connection that is closed with bytes unread takes the last answer with it. */
  #linger(): void {
    clearTimeout(this.#timer);
    if (this.#socket.destroyed) return;
    this.#timer = setTimeout(() => this.destroy(), lingerMs);
    this.#timer.unref();
  }

  #fail(code: ErrorNumber, message: string): void {
    if (this.#isOver) return;
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32BE(this.#lastStream);
    numbers.writeUInt32BE(code, 4);
    this.out.push(frameOf(frameTypes.goaway, 0, 0, Buffer.concat([numbers, Buffer.from(message)])));
    this.#end();
    // Whoever broke a rule is not waited for.
    this.#linger();
    this.#loseAll();
  }

  #loseAll(): void {
    for (const stream of this.#streams.values()) stream.lose();
  }

  readonly #onDrain = (): void => {
    this.#socket.resume();
    this.out.onDrain();
  };

  readonly #onEnd = (): void => {
    // Answers that are under way are sent all the same; requests that have not come whole never will.
    this.#isPeerDone = true;
    for (const stream of this.#streams.values()) if (stream.isRemoteOpen) stream.lose();
    this.#endIfDone();
  };

  readonly #onError = (): void => {
    this.destroy();
  };

  readonly #onClose = (): void => {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#reader.stop();
    this.out.end();
    this.#loseAll();
    this.#owner.onClosed(this);
  };
}

function sized(name: string, payload: Buffer): ConnectionFault {
  return new ConnectionFault(errorCodes.frameSize, `${name} of ${payload.length} bytes`);
}
