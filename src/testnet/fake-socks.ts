/**
 * The proxy's half of SOCKS5 with user name and password (RFC 1928, RFC 1929), as tor's SocksPort speaks it, early
 * data behind CONNECT included. For tests; refuses everything else.
 */

import type { Socket } from 'node:net';
import { concat } from '../safety/bytes.ts';

export interface SocksRequest {
  /** Name as it was sent, without ".onion". */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

const text = new TextDecoder();

/** No request of ours is longer: 3 + 513 + 262. */
const MAX_REQUEST_BYTES = 778;

/** Reads and answers the first two requests, reads CONNECT, and leaves what follows unread. */
export function readSocksRequest(client: Socket): Promise<SocksRequest> {
  return new Promise((resolve, reject) => {
    let seen: Uint8Array = new Uint8Array(0);
    let answered = 0;
    const stop = (): void => {
      client.off('readable', onReadable);
      client.off('close', onClose);
    };
    const onClose = (): void => reject(new Error('hung up before CONNECT'));
    const onReadable = (): void => {
      for (
        let chunk = client.read() as Buffer | null;
        chunk !== null;
        chunk = client.read() as Buffer | null
      ) {
        seen = concat(seen, chunk);
        const { requests, request } = parse(seen);
        for (; answered < Math.min(requests, 2); answered++) client.write(ANSWERS[answered] as Uint8Array);
        if (request === undefined && seen.length <= MAX_REQUEST_BYTES) continue;
        stop();
        if (request === undefined) return reject(new Error('not a SOCKS5 CONNECT'));
        if (seen.length > request.length) client.unshift(seen.subarray(request.length));
        return resolve(request);
      }
    };
    client.on('readable', onReadable);
    client.once('close', onClose);
  });
}

/** Answer to CONNECT with the IPv6 address form that tor uses for onions. */
export function socksAnswer(code: number): Uint8Array {
  return concat(Uint8Array.of(5, code, 0, 4), new Uint8Array(18));
}

/** To greeting and to user name and password. */
const ANSWERS = [Uint8Array.of(5, 2), Uint8Array.of(1, 0)];

interface ParsedRequest extends SocksRequest {
  readonly length: number;
}

/** How many requests are complete, and the last of them if it is among them and well formed. */
function parse(bytes: Uint8Array): { requests: number; request?: ParsedRequest } {
  const auth = 2 + (bytes[1] ?? 0);
  const userEnd = auth + 2 + (bytes[auth + 1] ?? 0);
  const passEnd = userEnd + 1 + (bytes[userEnd] ?? 0);
  const nameStart = passEnd + 5;
  const nameEnd = nameStart + (bytes[passEnd + 4] ?? 0);
  const length = nameEnd + 2;
  if (bytes[0] !== 5 || bytes.length < Math.max(auth, 3)) return { requests: 0 };
  if (bytes.length < Math.max(passEnd, auth + 5)) return { requests: 1 };
  if (bytes.length < length || bytes[passEnd] !== 5 || bytes[passEnd + 3] !== 3) return { requests: 2 };
  const request = {
    host: text.decode(bytes.subarray(nameStart, nameEnd)).replace(/\.onion$/, ''),
    port: ((bytes[nameEnd] as number) << 8) | (bytes[nameEnd + 1] as number),
    username: text.decode(bytes.subarray(auth + 2, userEnd)),
    password: text.decode(bytes.subarray(userEnd + 1, passEnd)),
    length,
  };
  return { requests: 3, request };
}
