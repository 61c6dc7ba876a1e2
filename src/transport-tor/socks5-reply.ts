/**
 * What a SOCKS5 proxy answers to greeting, password and CONNECT, as one byte string in any chunking. Spec: RFC 1928
 * sections 3 and 6, RFC 1929 section 2.
 *
 * The reply is cut by its address type (tor answers an onion CONNECT with an IPv6 address, 22 bytes). The bound
 * address itself is not read: for onions it means nothing.
 */

import { MalformedError } from '../safety/errors.ts';

export type SocksReply =
  /** More bytes are needed; so many of the three answers are complete. */
  | { readonly kind: 'pending'; readonly answered: 0 | 1 | 2 }
  /** The proxy offers none of the methods asked for. */
  | { readonly kind: 'no-method'; readonly length: number }
  /** User name and password were refused. */
  | { readonly kind: 'auth-refused'; readonly length: number }
  /** The answer to CONNECT; code 0 means that the stream is open. */
  | { readonly kind: 'connect'; readonly code: number; readonly length: number };

const SOCKS_VERSION = 5;
const METHOD_USERNAME_PASSWORD = 2;
const METHOD_NONE = 0xff;
const AUTH_VERSION = 1;
const RESERVED = 0;
const ADDRESS_IPV4 = 1;
const ADDRESS_DOMAIN = 3;
const ADDRESS_IPV6 = 4;

const METHOD_BYTES = 2;
const AUTH_BYTES = 2;
/** Version, code, reserved byte, address type. */
const CONNECT_HEAD_BYTES = 4;
const PORT_BYTES = 2;

/**
 * How far the proxy's answers go. `length` counts the bytes read; those behind it belong to the stream. Throws
 * {@link MalformedError} as soon as the bytes cannot become an answer.
 */
export function decodeSocksReply(bytes: Uint8Array): SocksReply {
  expect(bytes[0], SOCKS_VERSION, 'not a SOCKS5 method selection');
  const method = bytes[1];
  if (method === undefined) return { kind: 'pending', answered: 0 };
  if (method === METHOD_NONE) return { kind: 'no-method', length: METHOD_BYTES };
  expect(method, METHOD_USERNAME_PASSWORD, 'a method that was not offered');

  expect(bytes[METHOD_BYTES], AUTH_VERSION, 'not an answer to user name and password');
  const status = bytes[METHOD_BYTES + 1];
  if (status === undefined) return { kind: 'pending', answered: 1 };
  const start = METHOD_BYTES + AUTH_BYTES;
  if (status !== 0) return { kind: 'auth-refused', length: start };

  expect(bytes[start], SOCKS_VERSION, 'not an answer to CONNECT');
  expect(bytes[start + 2], RESERVED, 'a reserved byte that is not zero');
  const addressBytes = addressLength(bytes[start + 3], bytes[start + CONNECT_HEAD_BYTES]);
  const length = start + CONNECT_HEAD_BYTES + (addressBytes ?? 0) + PORT_BYTES;
  if (addressBytes === undefined || bytes.length < length) return { kind: 'pending', answered: 2 };
  return { kind: 'connect', code: bytes[start + 1] as number, length };
}

/** Missing bytes are no fault yet. */
function expect(byte: number | undefined, wanted: number, what: string): void {
  if (byte !== undefined && byte !== wanted) throw new MalformedError('socks5-reply', what);
}

function addressLength(type: number | undefined, first: number | undefined): number | undefined {
  if (type === undefined) return undefined;
  if (type === ADDRESS_IPV4) return 4;
  if (type === ADDRESS_IPV6) return 16;
  if (type !== ADDRESS_DOMAIN) throw new MalformedError('socks5-reply', 'an unknown address type');
  return first === undefined ? undefined : 1 + first;
}
