/**
 * The node's local socket: JSON-RPC over a unix socket, mode 0600 in a 0700 directory, so the file system decides
 * who may speak (the user who runs the node). Nothing here is reachable from a network.
 */

import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { type Log, silent } from '../safety/log.ts';
import { LocalError, toRpcError } from './errors.ts';
import {
  decodeRpcLine,
  encodeRpcLine,
  type Json,
  LineReader,
  type Params,
  type RpcMessage,
} from './json-rpc.ts';
import {
  RPC_EVENTS_UNREAD_MAX_BYTES,
  RPC_FLUSH_MS,
  RPC_LINE_MAX_BYTES,
  RPC_MAX_CLIENTS,
  RPC_UNREAD_MAX_BYTES,
} from './limits.ts';

/** One connected client: what its calls share, and what must end when it goes away. */
export interface Session {
  /** Aborted when the client disconnects or the server closes. */
  readonly signal: AbortSignal;
  /** A client with more than {@link RPC_EVENTS_UNREAD_MAX_BYTES} of unread ones is disconnected. */
  notify(method: string, params: Params): void;
}

/** A method of one session. */
export type Method = (params: Params) => Promise<Json>;

/** Makes the methods of a new session. */
export type Methods = (session: Session) => ReadonlyMap<string, Method>;

export interface RpcServerInit {
  readonly path: string;
  readonly methods: Methods;
  readonly log?: Log;
}

export class RpcServer {
  readonly #init: RpcServerInit;
  readonly #log: Log;
  readonly #clients = new Set<Socket>();
  #server: Server | undefined;

  constructor(init: RpcServerInit) {
    this.#init = init;
    this.#log = init.log ?? silent;
  }

  async start(): Promise<void> {
    await rm(this.#init.path, { force: true }); // left by a crash: the data directory's lock says nobody listens
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#init.path, resolve);
    });
    await chmod(this.#init.path, 0o600);
    this.#server = server;
  }

  /** Gives clients {@link RPC_FLUSH_MS} to take their last answers; one that does not read holds nothing up. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const client of this.#clients) client.destroySoon();
    const late = setTimeout(() => {
      for (const client of this.#clients) client.destroy();
    }, RPC_FLUSH_MS);
    await closed;
    clearTimeout(late);
  }

  #serve(socket: Socket): void {
    socket.on('error', () => socket.destroy()); // a client that went away is no event
    if (this.#clients.size >= RPC_MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    this.#clients.add(socket);
    const gone = new AbortController();
    const send = (message: RpcMessage) => {
      const line = encodeRpcLine(message);
      if (Buffer.byteLength(line) > RPC_LINE_MAX_BYTES) throw tooLarge(); // the other side would end the conversation
      if (!socket.writable) return;
      socket.write(line);
      if (socket.writableLength > RPC_UNREAD_MAX_BYTES) socket.pause();
    };
    socket.on('drain', () => socket.resume());
    const methods = this.#init.methods({
      signal: gone.signal,
      notify: (method, params) => {
        try {
          send({ kind: 'notification', method, params });
        } catch {
          socket.destroy(); // what cannot be told may not be left out either
        }
        if (socket.writableLength > RPC_EVENTS_UNREAD_MAX_BYTES) socket.destroy();
      },
    });
    const lines = new LineReader();
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of lines.push(chunk)) void this.#answer(line, methods, send); // answers its own errors
      } catch (error) {
        this.#log('warn', 'local client sent something else than JSON-RPC', { reason: String(error) });
        socket.destroy();
      }
    });
    socket.on('close', () => {
      this.#clients.delete(socket);
      gone.abort(new LocalError('NODE_GONE', 'the local client left', { hint: 'Start it again.' }));
    });
  }

  async #answer(
    line: string,
    methods: ReadonlyMap<string, Method>,
    send: (message: RpcMessage) => void,
  ): Promise<void> {
    let id = -1; // answers to what could not be read
    try {
      const message = decodeRpcLine(line);
      if (message.kind !== 'request') {
        throw new LocalError('PARAMS_WRONG', 'only requests are understood here', {
          hint: 'Send method and id.',
        });
      }
      id = message.id;
      const method = methods.get(message.method);
      if (method === undefined) {
        throw new LocalError('METHOD_UNKNOWN', 'the node does not know that method', {
          hint: 'Use a command line of the same version as the node.',
        });
      }
      send({ kind: 'result', id, result: await method(message.params) });
    } catch (error) {
      const rpcError = toRpcError(error);
      this.#log('debug', 'local call failed', { code: rpcError.data.code, reason: String(error) });
      send({ kind: 'error', id, error: rpcError });
    }
  }
}

function tooLarge(): LocalError {
  return new LocalError('ANSWER_TOO_LARGE', 'the answer does not fit one line', {
    hint: 'Ask for less at a time.',
  });
}
