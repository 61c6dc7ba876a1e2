/**
 * JSON-RPC 2.0 (jsonrpc.org/specification), one object a line (UTF-8, LF), without batches: what a face and its
 * node say to each other over a unix socket.
 */

import { MalformedError } from '../safety/errors.ts';
import { RPC_LINE_MAX_BYTES } from './limits.ts';
import type { RpcErrorObject } from './errors.ts';

/** Name of the socket inside the node's socket directory. */
export const LOCAL_SOCKET = 'kith.sock';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Params = { readonly [name: string]: Json };

export type RpcMessage =
  | { readonly kind: 'request'; readonly id: number; readonly method: string; readonly params: Params }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Params }
  | { readonly kind: 'result'; readonly id: number; readonly result: Json }
  | { readonly kind: 'error'; readonly id: number; readonly error: RpcErrorObject };

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decodeError(value: Json): RpcErrorObject {
  const data = isObject(value) ? value['data'] : undefined;
  if (!isObject(value) || !isObject(data)) throw new MalformedError('json-rpc', 'an error without data');
  const { code, message } = value;
  if (typeof code !== 'number' || typeof message !== 'string')
    throw new MalformedError('json-rpc', 'a bad error');
  const facts = Object.entries(isObject(data['data']) ? data['data'] : {}).filter(
    (entry): entry is [string, string | number | boolean] =>
      ['string', 'number', 'boolean'].includes(typeof entry[1]),
  );
  return {
    code,
    message,
    data: { code: String(data['code']), hint: String(data['hint']), data: Object.fromEntries(facts) },
  };
}

/** Total: throws only {@link MalformedError}. */
export function decodeRpcLine(line: string): RpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new MalformedError('json-rpc', 'not JSON');
  }
  if (!isObject(value) || value['jsonrpc'] !== '2.0')
    throw new MalformedError('json-rpc', 'not JSON-RPC 2.0');
  const { id, method, params = {}, result, error } = value;
  if (id !== undefined && (typeof id !== 'number' || !Number.isSafeInteger(id))) {
    throw new MalformedError('json-rpc', 'an id that is no whole number');
  }
  if (typeof method === 'string') {
    if (!isObject(params)) throw new MalformedError('json-rpc', 'params must be an object');
    return id === undefined
      ? { kind: 'notification', method, params }
      : { kind: 'request', id, method, params };
  }
  if (method !== undefined || id === undefined)
    throw new MalformedError('json-rpc', 'neither call nor answer');
  if (error !== undefined) return { kind: 'error', id, error: decodeError(error) };
  if (result === undefined) throw new MalformedError('json-rpc', 'an answer without result');
  return { kind: 'result', id, result };
}

export function encodeRpcLine(message: RpcMessage): string {
  const { kind: _, ...fields } = message;
  return `${JSON.stringify({ jsonrpc: '2.0', ...fields })}\n`;
}

/** Cuts a byte stream into lines; throws MalformedError when a line grows past the limit. */
export class LineReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Complete lines that `chunk` finishes, without their line ends. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const line = Buffer.concat([this.#rest, chunk.subarray(from, end)]);
      this.#check(line.length);
      lines.push(line.toString('utf8'));
      this.#rest = Buffer.alloc(0);
      from = end + 1;
    }
    this.#check(this.#rest.length + chunk.length - from);
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(from)]);
    return lines;
  }

  #check(sizeBytes: number): void {
    if (sizeBytes > RPC_LINE_MAX_BYTES) throw new MalformedError('json-rpc', 'line too long', { sizeBytes });
  }
}
