/** Each tripwire fires where it should, and unix sockets pass. Every case runs in a child with its own log. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const tripwire = new URL('tripwire.js', import.meta.url).href;
const dir = mkdtempSync(join(tmpdir(), 'trip-'));
after(() => rmSync(dir, { recursive: true, force: true }));

interface Hit {
  what: string;
  stack: string[];
}

let runs = 0;

/** Runs code in a child that has the tripwires; says what it printed and what it tripped. */
function run(
  code: string,
  execArgv: string[] = [],
): { status: number | null; stdout: string; stderr: string; hits: Hit[] } {
  const log = join(dir, `${runs++}.log`);
  const env = {
    ...process.env,
    NODE_OPTIONS: `--import=${tripwire}`,
    KITH_TRIPWIRE_LOG: log,
    KITH_TRIP_DIR: dir,
  };
  const args = ['--no-warnings', ...execArgv, '--input-type=module', '-e', code];
  const child = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 30_000 });
  let lines: string[] = [];
  try {
    lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  } catch {
    // no hit, no file
  }
  return {
    status: child.status,
    stdout: child.stdout,
    stderr: child.stderr,
    hits: lines.map((line) => JSON.parse(line)),
  };
}

/** [what the hit is called, an expression that touches the network]. Nothing answers at these addresses. */
const touches: [string, string][] = [
  ['dns.lookup', "dns.lookup('kith.invalid', () => {})"],
  ['dns.lookup', "named.lookup('kith.invalid', () => {})"],
  ['dns.lookupService', "dns.lookupService('127.0.0.1', 9, () => {})"],
  ['dns.resolve', "dns.resolve('kith.invalid', () => {})"],
  ['dns.resolve4', "named.resolve4('kith.invalid', () => {})"],
  ['dns.resolveTxt', "dns.resolveTxt('kith.invalid', () => {})"],
  ['dns.reverse', "dns.reverse('127.0.0.1', () => {})"],
  ['dns.promises.lookup', "dns.promises.lookup('kith.invalid')"],
  ['dns.promises.resolve6', "promised.resolve6('kith.invalid')"],
  ['dns.Resolver.resolve4', "new dns.Resolver().resolve4('kith.invalid', () => {})"],
  ['dns.Resolver.reverse', "new named.Resolver().reverse('127.0.0.1', () => {})"],
  ['dns.promises.Resolver.resolveAny', "new promised.Resolver().resolveAny('kith.invalid')"],
  ['net.connect', "net.connect(9, '127.0.0.1')"],
  ['net.connect', "net.createConnection({ port: 9, host: 'kith.invalid' })"],
  ['net.connect', 'new net.Socket().connect(9)'],
  ['net.connect', "new net.Socket().connect('9')"],
  ['net.listen', "net.createServer().listen(0, '127.0.0.1')"],
  ['net.listen', 'net.createServer().listen()'],
  ['net.listen', "net.createServer().listen({ port: 0, path: '/tmp/never' })"],
  ['net.listen', 'http.createServer().listen(0)'],
  ['net.listen', 'http2.createServer().listen({ port: 0 })'],
  ['tls.connect', "tls.connect(9, '127.0.0.1')"],
  ['dgram.createSocket', "dgram.createSocket('udp4')"],
  ['dgram.Socket', "new dgram.Socket('udp6')"],
  ['http.request', "http.request('http://127.0.0.1:9/')"],
  ['http.get', "http.get({ host: '127.0.0.1', port: 9 })"],
  ['net.connect', "new http.ClientRequest({ host: '127.0.0.1', port: 9 }).end()"],
  ['https.request', "https.request(new URL('https://127.0.0.1:9/'))"],
  ['https.get', "https.get('https://127.0.0.1:9/')"],
  ['http2.connect', "http2.connect('http://127.0.0.1:9')"],
  ['fetch', "fetch('http://127.0.0.1:9/')"],
  ['WebSocket', "new WebSocket('ws://127.0.0.1:9/')"],
  ['EventSource', "new EventSource('http://127.0.0.1:9/')"],
];

const IMPORTS = `
  import dgram from 'node:dgram'; import dns, * as named from 'node:dns'; import * as promised from 'node:dns/promises';
  import http from 'node:http'; import http2 from 'node:http2'; import https from 'node:https';
  import net from 'node:net'; import tls from 'node:tls'; import { join } from 'node:path';
`;

test('every way to the network throws and is written down', () => {
  const cases = touches.map(
    ([, code], i) =>
      `try { await (${code}); console.log(${i}, 'passed'); } catch (error) { console.log(${i}, error.code); }`,
  );
  const { stdout, stderr, hits } = run(`${IMPORTS}\n${cases.join('\n')}\nprocess.exit(0)`, [
    '--experimental-eventsource',
  ]);
  const expected = touches.map((_, i) => `${i} KITH_TRIPWIRE`);
  assert.deepEqual(stdout.trimEnd().split('\n'), expected, stderr);
  assert.deepEqual(
    hits.map((hit) => hit.what),
    touches.map(([what]) => what),
  );
  for (const { stack } of hits) assert.ok(stack.length > 0);
});

test('a hit that nobody catches ends the process, and names no argument', () => {
  const { status, hits } = run(`${IMPORTS} net.connect({ port: 9, host: 'secret-host.invalid' });`);
  assert.notEqual(status, 0);
  assert.equal(hits.length, 1);
  assert.doesNotMatch(JSON.stringify(hits), /secret-host/);
});

test('children and worker threads inherit the tripwires', () => {
  const code = `
    import { spawnSync } from 'node:child_process'; import { Worker } from 'node:worker_threads';
    spawnSync(process.execPath, ['-e', "require('net').connect(9)"]);
    const worker = "import('node:dns').then((dns) => dns.lookup('kith.invalid', () => {}))";
    new Worker(worker, { eval: true }).on('error', (error) => console.log(error.code));
  `;
  assert.deepEqual(
    run(code).hits.map((hit) => hit.what),
    ['net.connect', 'dns.lookup'],
  );
});

test('unix sockets pass', () => {
  const code = `${IMPORTS}
    const path = join(process.env.KITH_TRIP_DIR, 's');
    const server = http.createServer((request, response) => response.end('hello'));
    server.listen({ path }, () => {
      http.get({ socketPath: path }, (response) => response.on('data', (data) => console.log(String(data))).on('end', () => {
        const raw = net.connect(path, () => { raw.destroy(); server.close(); console.log('raw'); });
      }));
    });
  `;
  const { stdout, stderr, status, hits } = run(code);
  assert.deepEqual([stdout, status, hits], ['hello\nraw\n', 0, []], stderr);
});

test('without a log file the preload refuses', () => {
  const env = { ...process.env, NODE_OPTIONS: `--import=${tripwire}`, KITH_TRIPWIRE_LOG: '' };
  const child = spawnSync(process.execPath, ['-e', '0'], { env, encoding: 'utf8' });
  assert.notEqual(child.status, 0);
  assert.match(child.stderr, /KITH_TRIPWIRE_LOG/);
});
