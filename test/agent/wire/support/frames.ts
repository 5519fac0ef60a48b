/** Types of HTTP/2 frames that are looked at. */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;

/** What starts each connection of a client. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const HEADER_BYTES = 9;

/** One frame as it went by. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Takes a stream of bytes apart into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #prefaceBytes: number;

  /** @param from - only clients start with a preface. */
  constructor(from: 'client' | 'server') {
    this.#prefaceBytes = from === 'client' ? PREFACE.length : 0;
  }

  /** The frames that are whole with these bytes. */
  push(bytes: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#rest.length < this.#prefaceBytes) return [];
    this.#rest = this.#rest.subarray(this.#prefaceBytes);
    this.#prefaceBytes = 0;
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): Frame | undefined {
    if (this.#rest.length < HEADER_BYTES) return undefined;
    const end = HEADER_BYTES + this.#rest.readUIntBE(0, 3);
    if (this.#rest.length < end) return undefined;
    const frame = {
      type: this.#rest.readUInt8(3),
      flags: this.#rest.readUInt8(4),
      stream: this.#rest.readUInt32BE(5) & 0x7fff_ffff,
      payload: this.#rest.subarray(HEADER_BYTES, end),
    };
    this.#rest = this.#rest.subarray(end);
    return frame;
  }
}

/** Writes one frame. */
export function frameBytes(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}
