/** identify's messages as bytes, by hand: what a peer sees, and what libp2p would never send. Spec: libp2p identify. */

import type { Connection, Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { concat } from '../../../src/safety/bytes.ts';

export const IDENTIFY = '/kith/id/1.0.0';

/** Field numbers of the message. */
export const FIELDS = {
  publicKey: 1,
  listenAddrs: 2,
  protocols: 3,
  observedAddr: 4,
  protocolVersion: 5,
  agentVersion: 6,
  signedPeerRecord: 8,
} as const;

/** A message of length-delimited fields. */
export function encodeMessage(
  ...fields: readonly (readonly [field: number, value: Uint8Array])[]
): Uint8Array {
  return concat(
    ...fields.flatMap(([field, value]) => [varint((field << 3) | 2), varint(value.length), value]),
  );
}

/** Values by field number; throws on anything that is not length-delimited. */
export function decodeMessage(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++] as number;
    if ((tag & 7) !== 2) throw new Error('not a length-delimited field');
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), bytes.slice(at, at + length)]);
    at += length;
  }
  return fields;
}

/** What the other side of a connection answers to identify. */
export async function askIdentify(connection: Connection): Promise<Uint8Array> {
  const stream = await connection.newStream(IDENTIFY);
  const bytes = (await lpStream(stream).read()).subarray();
  await stream.close();
  return bytes;
}

/** A handler that answers identify with these messages. */
export function answerIdentify(...messages: readonly Uint8Array[]): (stream: Stream) => Promise<void> {
  return async (stream) => {
    const lp = lpStream(stream);
    for (const message of messages) await lp.write(message);
    await stream.close();
  };
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
