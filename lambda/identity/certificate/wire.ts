import { CertificateRuleError } from '#shared/errors.ts';

/** Refuses bytes that are not a Nebula certificate, key or PEM block. */
export const malformed = (what: string, got?: string): CertificateRuleError =>
  new CertificateRuleError({
    what,
    ...(got === undefined ? {} : { got }),
    allowed: 'exactly what nebula-cert writes, certificate version 1',
    remedy: 'make the file again with nebula-cert (-version 1 from 1.10 on) or carrierarr cert issue',
  });

const VARINT = 0;
const BYTES = 2;

/** Protobuf in the canonical form of Go's encoder: fields in number order, defaults left out, lists packed. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  /** Leaves out zero, as proto3 does. */
  int(field: number, value: bigint): this {
    return value === 0n ? this : this.#push(varint(BigInt(field << 3) | BigInt(VARINT)), varint(value));
  }

  /** Leaves out what is empty, as proto3 does; an element of a repeated field is never left out: see {@link element}. */
  bytes(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.element(field, value);
  }

  element(field: number, value: Uint8Array): this {
    return this.#push(varint(BigInt((field << 3) | BYTES)), varint(BigInt(value.length)), value);
  }

  packed(field: number, values: readonly number[]): this {
    return this.bytes(field, Buffer.concat(values.map((value) => varint(BigInt(value)))));
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(...parts: Uint8Array[]): this {
    this.#parts.push(...parts);
    return this;
  }
}

/** Negative numbers become ten bytes, as protobuf's int64 wants. */
const varint = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};

export type WireField =
  | { readonly field: number; readonly kind: 'int'; readonly value: bigint }
  | { readonly field: number; readonly kind: 'bytes'; readonly value: Uint8Array };

/** Reads protobuf. Whether it was canonical is for the caller to find out, by encoding again. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw malformed('certificate ends inside a number');
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed('certificate holds a number of more than ten bytes');
  }

  field(): WireField {
    const tag = Number(this.varint());
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT:
        return { field, kind: 'int', value: this.varint() };
      case BYTES:
        return { field, kind: 'bytes', value: this.#take(Number(this.varint())) };
      default:
        throw malformed('certificate holds a field of an unknown kind', `field ${field}, wire type ${tag % 8}`);
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed('certificate ends inside a field', `${length} bytes announced`);
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }
}
