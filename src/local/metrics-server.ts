/**
 * Metrics over HTTP, for a Prometheus on the same machine: on a unix socket (mode 0600: this user alone), or on a port
 * of loopback, which every user of the machine can read. Only where it was asked for.
 *
 * A web page must not read them through the browser of the same machine: a request that names another host (DNS
 * rebinding) or comes from a page (Origin, Sec-Fetch-Site) is refused. GET /metrics is all there is.
 */

import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LocalError } from './errors.ts';
import { METRICS_CONNECTIONS_MAX, METRICS_REQUEST_MS } from './limits.ts';
import { METRICS_TYPE } from './metrics.ts';

/** Name of the unix socket inside the node's socket directory. */
export const METRICS_SOCKET = 'metrics.sock';

export type MetricsPlace = { readonly path: string } | { readonly port: number };

export interface MetricsServerInit {
  /** A unix socket by path, or a port of 127.0.0.1 (0: a free one). */
  readonly at: MetricsPlace;
  /** The page, made for each request. */
  readonly text: () => string;
}

export class MetricsServer {
  readonly #init: MetricsServerInit;
  #server: Server | undefined;

  constructor(init: MetricsServerInit) {
    this.#init = init;
  }

  /** The port it listens on; null on a unix socket and before {@link start}. */
  get port(): number | null {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : null;
  }

  /** Throws LocalError PORT_TAKEN. */
  async start(): Promise<void> {
    const { at } = this.#init;
    if ('path' in at) await rm(at.path, { force: true }); // left by a crash: the data directory's lock says nobody listens
    const server = createServer(
      { requestTimeout: METRICS_REQUEST_MS, keepAliveTimeout: 1 },
      (request, response) => this.#answer(request, response),
    );
    server.maxConnections = METRICS_CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(cannotListen(cause)));
      server.listen('path' in at ? { path: at.path } : { port: at.port, host: '127.0.0.1' }, resolve);
    });
    if ('path' in at) await chmod(at.path, 0o600);
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const status = this.#statusOf(request);
    const page = status === 200;
    response.writeHead(status, {
      'content-type': page ? METRICS_TYPE : 'text/plain',
      'cache-control': 'no-store',
    });
    response.end(page ? this.#init.text() : `${status}\n`);
  }

  #statusOf({ headers, method, url }: IncomingMessage): 200 | 403 | 404 | 405 {
    const { port } = this;
    const hosts = ['localhost', '127.0.0.1'].map((name) => (port === null ? name : `${name}:${port}`));
    if (!hosts.includes(headers.host ?? '')) return 403;
    if (headers.origin !== undefined || (headers['sec-fetch-site'] ?? 'none') !== 'none') return 403;
    if (url !== '/metrics') return 404;
    return method === 'GET' ? 200 : 405;
  }
}

function cannotListen(cause: NodeJS.ErrnoException): LocalError {
  return new LocalError('PORT_TAKEN', `metrics cannot be served there (${cause.code ?? 'unknown'})`, {
    hint: 'Choose another port, or a unix socket: `kith up --metrics unix`.',
    cause,
  });
}
