/** The faces' end of the node's local socket. */

import { connect, type Socket } from 'node:net';
import { LocalError, RemoteError } from './errors.ts';
import { decodeRpcLine, encodeRpcLine, type Json, LineReader, type Params } from './json-rpc.ts';

interface Waiting {
  readonly resolve: (result: Json) => void;
  readonly reject: (error: Error) => void;
}

export type Notified = (method: string, params: Params) => void;

export class RpcClient {
  /** Called for each notification of the node. */
  onNotification: Notified = () => {};
  /** Resolves with the reason when the conversation is over, whoever ended it. */
  readonly closed: Promise<Error>;
  readonly #close: (reason: Error) => void;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #lines = new LineReader();
  #nextId = 1;
  #ended: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.closed = promise;
    this.#close = resolve;
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end());
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of this.#lines.push(chunk)) this.#settle(line);
      } catch (error) {
        this.#end(error);
        socket.destroy();
      }
    });
  }

  /** Connects; throws NODE_NOT_RUNNING when nobody listens at `path`. */
  static connect(path: string): Promise<RpcClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path });
      socket.once('connect', () => {
        socket.off('error', refused);
        resolve(new RpcClient(socket));
      });
      const refused = (cause: Error) => {
        reject(
          new LocalError('NODE_NOT_RUNNING', 'no node answers in this data directory', {
            hint: 'Start one with `kith up`, or name its directory with --data DIR.',
            cause,
          }),
        );
      };
      socket.once('error', refused);
    });
  }

  /** Calls a method; rejects with what the node threw ({@link RemoteError} keeps its code and hint). */
  call(method: string, params: Params = {}): Promise<Json> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(encodeRpcLine({ kind: 'request', id, method, params }));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #settle(line: string): void {
    const message = decodeRpcLine(line);
    if (message.kind === 'notification') return this.onNotification(message.method, message.params);
    if (message.kind === 'request') return; // nodes do not call faces
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'result') waiting?.resolve(message.result);
    else waiting?.reject(new RemoteError(message.error.data.code, message.error.message, message.error.data));
  }

  #end(cause?: unknown): void {
    this.#ended ??= new LocalError('NODE_GONE', 'the node ended the conversation', {
      hint: 'Look whether it still runs (`kith status`), then try again.',
      cause,
    });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
    this.#close(this.#ended);
  }
}
