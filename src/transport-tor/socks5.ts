/**
 * SOCKS5 CONNECT to an onion through tor's unix socket: the only way out of a kith process. Own client, because
 * the packages lose tor's extended errors, take no AbortSignal and some resolve names locally.
 *
 * Each request waits for the answer to the one before: tor 0.4.9 takes all three in one write, but then swallows the
 * first answers. The turns are local, only CONNECT crosses the network, and early data goes with it. Spec: RFC 1928,
 * RFC 1929, Tor socks-extensions (isolation by user name and password, extended errors).
 *
 * Not guaranteed: that early data reached the service when the promise resolves; it left this process, no more.
 */

import { Socket } from 'node:net';
import { concat, utf8 } from '../safety/bytes.ts';
import { type Clock, systemClock } from '../safety/clock.ts';
import { DialError, SocksError } from './errors.ts';
import { FALSE_ERROR_GRACE_MS } from './limits.ts';
import { decodeSocksReply, type SocksReply } from './socks5-reply.ts';

export interface SocksConnectOptions {
  /** Unix socket of the proxy. */
  readonly socksPath: string;
  /** 56 characters, without ".onion". */
  readonly host: string;
  readonly port: number;
  /** 1 to 255 bytes each: streams that differ in either never share a circuit. */
  readonly username: string;
  readonly password: string;
  /** First bytes of the stream. */
  readonly early?: Uint8Array;
  /** Whether `early` goes out behind CONNECT (default) or only after its reply. */
  readonly earlyAfterReply?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
}

const EMPTY = new Uint8Array(0);

/**
 * Opens the stream and returns its socket, paused, with every byte behind the reply still unread. Rejects with
 * {@link SocksError}, or with the signal's reason; the socket is destroyed then. The returned socket has a silent
 * 'error' listener, so a late reset cannot end the process.
 */
export function socksConnect(options: SocksConnectOptions): Promise<Socket> {
  const { early = EMPTY, earlyAfterReply = false, signal, clock = systemClock } = options;
  const requests = encodeRequests(options, earlyAfterReply ? EMPTY : early);
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = new Socket();
    let seen: Uint8Array = EMPTY;
    let sent = 0;
    let connected = false;
    let lastError: Error | undefined;
    let doubted: SocksError | undefined;
    const done = new AbortController();

    const settle = (error?: unknown): void => {
      socket.off('readable', onReadable);
      socket.off('close', onClose);
      socket.off('end', onClose);
      signal?.removeEventListener('abort', onAbort);
      done.abort();
      if (error === undefined) return resolve(socket);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(signal?.reason);
    const onClose = (): void =>
      settle(doubted ?? (connected ? SocksError.closed() : SocksError.unreachable(lastError)));
    const accept = (replyBytes: number): void => {
      if (seen.length > replyBytes) socket.unshift(seen.subarray(replyBytes));
      if (earlyAfterReply && early.length > 0) socket.write(early);
      settle();
    };
    const doubt = ({ code, length }: { code: number; length: number }): void => {
      doubted = SocksError.ofReply(code);
      clock.sleep(FALSE_ERROR_GRACE_MS, done.signal).then(
        () => accept(length),
        () => {}, // it was closed, or bytes came
      );
    };
    const onReadable = (): void => {
      for (let chunk = read(socket); chunk !== null; chunk = read(socket)) {
        seen = concat(seen, chunk);
        const reply = decode(seen, sent);
        if (reply instanceof SocksError) return settle(reply);
        if (reply.kind === 'pending') {
          if (reply.answered === sent) socket.write(requests[sent++] as Uint8Array);
          continue;
        }
        const isAllThereIs = seen.length === reply.length;
        if (reply.code === 0 || !isAllThereIs) return accept(reply.length);
        doubt(reply);
      }
    };
    socket.on('error', (error) => {
      lastError = error;
    });
    socket.on('connect', () => {
      connected = true;
    });
    socket.on('readable', onReadable);
    socket.on('end', onClose);
    socket.on('close', onClose);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.connect({ path: options.socksPath });
    socket.write(requests[sent++] as Uint8Array);
  });
}

/** Also drives the stream towards 'end', which 'readable' alone does not. */
function read(socket: Socket): Uint8Array | null {
  return socket.read() as Uint8Array | null;
}

/**
 * tor 0.4.9 does not clear an extended error when it goes on to succeed: a first directory without the descriptor
 * makes the reply 0xF0 although the stream is open. It closes a stream that failed right behind the reply.
 */
function mayBeFalse(code: number): boolean {
  return code >= 0xf0 && code <= 0xf7;
}

/** The open stream's reply, how far the answers go, or the error that they are. `sent` requests are out. */
function decode(
  bytes: Uint8Array,
  sent: number,
): SocksError | Extract<SocksReply, { kind: 'pending' | 'connect' }> {
  let reply: SocksReply;
  try {
    reply = decodeSocksReply(bytes);
  } catch (malformed) {
    return SocksError.badReply(malformed);
  }
  if (reply.kind === 'no-method') return SocksError.noMethod();
  if (reply.kind === 'auth-refused') return SocksError.authRefused();
  // whoever answers what was not asked yet is no proxy
  if ((reply.kind === 'pending' ? reply.answered : 3) > sent) return SocksError.badReply(undefined);
  if (reply.kind === 'pending' || reply.code === 0 || mayBeFalse(reply.code)) return reply;
  return SocksError.ofReply(reply.code);
}

/** Greeting (user name/password only), RFC 1929 credentials, CONNECT by host name with early data behind it. */
function encodeRequests(
  { host, port, username, password }: SocksConnectOptions,
  early: Uint8Array,
): readonly Uint8Array[] {
  const user = credential(username);
  const pass = credential(password);
  const name = utf8(`${host}.onion`);
  const connect = [
    Uint8Array.of(5, 1, 0, 3, name.length),
    name,
    Uint8Array.of(port >>> 8, port & 0xff),
    early,
  ];
  return [
    Uint8Array.of(5, 1, 2),
    concat(Uint8Array.of(1, user.length), user, Uint8Array.of(pass.length), pass),
    concat(...connect),
  ];
}

function credential(text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length >= 1 && bytes.length <= 255) return bytes;
  throw new DialError('BAD_ISOLATION', 'an isolation name has 1 to 255 bytes', {
    hint: 'Use a short purpose, and a hash where the isolation value can be long.',
    data: { sizeBytes: bytes.length },
  });
}
