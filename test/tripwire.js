/**
 * Leak tripwires: in a process that preloads this file, every way of Node.js to the network other than a unix
 * socket throws, and leaves one JSON line in the file named by KITH_TRIPWIRE_LOG.
 *
 *   NODE_OPTIONS=--import=<this file> KITH_TRIPWIRE_LOG=<file> kith ...
 *
 * Plain JavaScript so that it can be preloaded anywhere. Worker threads and Node.js children inherit it. Not
 * covered: native add-ons, other programs that are started (tor itself), sockets handed over by descriptor.
 */

import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';

/** @typedef {(this: unknown, ...args: any[]) => unknown} Fn */

const log = process.env.KITH_TRIPWIRE_LOG;
if (!log) throw new Error('tripwire: KITH_TRIPWIRE_LOG must name the file for hits');

/**
 * Writes down where the network was touched, never with what (arguments may be addresses or keys), and throws.
 * @param {string} what
 * @returns {never}
 */
function hit(what) {
  const error = Object.assign(
    new Error(`tripwire: ${what} is a way to the network other than a unix socket`),
    {
      code: 'KITH_TRIPWIRE',
    },
  );
  const stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .slice(1);
  const line = {
    what,
    pid: process.pid,
    time: new Date().toISOString(),
    stack: stack.map((at) => at.trim()),
  };
  appendFileSync(/** @type {string} */ (log), `${JSON.stringify(line)}\n`);
  throw error;
}

/**
 * Puts a trap in the place of `owner[name]`; calls that `harmless` accepts go through.
 * @param {any} owner
 * @param {string} name
 * @param {string} what
 * @param {(...args: any[]) => boolean} [harmless]
 */
function trap(owner, name, what, harmless) {
  const real = /** @type {Fn | undefined} */ (owner[name]);
  if (typeof real !== 'function') return;
  owner[name] = /** @type {Fn} */ (
    function trapped(...args) {
      if (harmless?.(...args) !== true) hit(what);
      return Reflect.apply(real, this, args);
    }
  );
}

/** Net arguments as Node.js itself normalizes them: a list in the first place is already normalized. @param {any} first */
const unpack = (first) => (Array.isArray(first) ? first[0] : first);

/** Whether a string is one that net takes for a path rather than a port. @param {unknown} value */
const isPath = (value) => typeof value === 'string' && value !== '' && !(Number(value) >= 0);

/** net.connect: `path` wins over `port`. @param {any} first */
function connectsToUnix(first) {
  const to = unpack(first);
  return isPath(to) || isPath(to?.path);
}

/** server.listen: `port` and `fd` win over `path`. @param {any} first */
function listensOnUnix(first) {
  const at = unpack(first);
  return isPath(at) || (isPath(at?.path) && at.port === undefined && at.fd === undefined);
}

/** http.request(url | options, options?): over a socket path, or over a stream that the caller makes itself. @param {any[]} args */
const requestsUnix = (...args) =>
  args.some(
    (arg) =>
      typeof arg === 'object' &&
      arg !== null &&
      (isPath(arg.socketPath) || typeof arg.createConnection === 'function'),
  );

trap(net.Socket.prototype, 'connect', 'net.connect', connectsToUnix);
trap(net.Server.prototype, 'listen', 'net.listen', listensOnUnix);
trap(tls, 'connect', 'tls.connect');
trap(http2, 'connect', 'http2.connect');
for (const name of ['bind', 'connect', 'send', 'sendto'])
  trap(dgram.Socket.prototype, name, `dgram.Socket.${name}`);
for (const name of ['createSocket', 'Socket']) trap(dgram, name, `dgram.${name}`);
for (const name of ['request', 'get']) {
  trap(http, name, `http.${name}`, requestsUnix);
  trap(https, name, `https.${name}`);
}

/** The functions of a DNS module or resolver that ask someone. */
const ASKS = /^(lookup|lookupService|resolve\w*|reverse)$/;
for (const [owner, what] of /** @type {[object, string][]} */ ([
  [dns, 'dns'],
  [dns.promises, 'dns.promises'],
  [dns.Resolver.prototype, 'dns.Resolver'],
  [dns.promises.Resolver.prototype, 'dns.promises.Resolver'],
])) {
  for (let from = owner; from !== null && from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      if (ASKS.test(name)) trap(owner, name, `${what}.${name}`);
    }
  }
}

trap(globalThis, 'fetch', 'fetch');
for (const name of ['WebSocket', 'EventSource']) {
  if (Reflect.get(globalThis, name) === undefined) continue;
  const trapped = function () {
    hit(name);
  };
  Object.defineProperty(globalThis, name, { value: trapped, configurable: true, writable: true });
}

syncBuiltinESMExports();
