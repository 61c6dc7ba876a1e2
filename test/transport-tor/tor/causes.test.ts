/** From what tor says to what a person is told: exits, bootstrap events, scrubbed lines, restart delays. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBackoff } from '../../../src/transport-tor/tor/backoff.ts';
import { parseBootstrap } from '../../../src/transport-tor/tor/bootstrap.ts';
import { scrub } from '../../../src/transport-tor/tor/errors.ts';
import { exitError } from '../../../src/transport-tor/tor/exit-cause.ts';
import {
  MAX_FAILED_FIRST_STARTS,
  MAX_FAILED_STARTS,
  RESTART_MAX_DELAY_MS,
} from '../../../src/transport-tor/tor/limits.ts';

for (const [code, line] of [
  ['TOR_DISK_FULL', '[warn] Error writing to "/x/lock": No space left on device'],
  [
    'TOR_DATA_DIR_BUSY',
    "[err] No, it's still there. Exiting. It looks like another Tor process is running with the same data directory.",
  ],
  ['TOR_BIND', '[warn] Could not bind to 127.1.2.3:9000: Address already in use. Is Tor already running?'],
  ['TOR_DATA_DIR', "[warn] Couldn't access private data directory: Permission denied"],
  ['TOR_CONFIG', "[warn] Failed to parse/validate config: Unknown option 'Foo'. Failing."],
  ['TOR_EXITED', '[err] Something that nobody foresaw'],
] as const) {
  test(`an exit after "${line.slice(0, 40)}..." is ${code}`, () => {
    const error = exitError({ code: 1, signal: null, lines: ['[notice] Tor starts', line] });
    assert.equal(error.code, code);
    assert.ok(String(error.data['lastLines']).includes(line));
    assert.notEqual(error.hint, '');
  });
}

test('a signal is a cause of its own, whatever the log says', () => {
  const error = exitError({ code: null, signal: 'SIGKILL', lines: ['[warn] Permission denied'] });
  assert.equal(error.code, 'TOR_EXITED');
  assert.match(error.message, /SIGKILL/);
});

test('a program that cannot be started says why', () => {
  const failure = Object.assign(new Error('spawn'), { code: 'ENOEXEC' });
  const error = exitError({ code: null, signal: null, lines: [], failure });
  assert.deepEqual([error.code, error.data['reason']], ['TOR_EXITED', 'ENOEXEC']);
});

test('scrubbed lines name no onion, address, fingerprint or bridge key', () => {
  const secrets = [
    'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion',
    'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd',
    '192.0.2.7:443',
    '[2001:db8:0:1::7]:443',
    '0123456789ABCDEF0123456789ABCDEF01234567',
    'cert=abcDEF/+12',
  ];
  const line = scrub(`connect ${secrets.join(' via ')} failed at 12:30`);
  for (const secret of secrets) assert.ok(!line.includes(secret), secret);
  assert.match(line, /^connect .* failed at 12:30$/);
});

test('bootstrap progress, summary and cause are read', () => {
  assert.deepEqual(
    parseBootstrap(
      'NOTICE BOOTSTRAP PROGRESS=50 TAG=loading_descriptors SUMMARY="Loading relay descriptors"',
    ),
    {
      progress: 50,
      summary: 'Loading relay descriptors',
      warn: false,
    },
  );
  assert.deepEqual(
    parseBootstrap(
      'WARN BOOTSTRAP PROGRESS=10 TAG=conn_done SUMMARY="Connected" WARNING="Connection refused" REASON=CONNECTREFUSED COUNT=4 RECOMMENDATION=warn HOSTADDR="192.0.2.1:9001"',
    ),
    { progress: 10, summary: 'Connected', warn: true, cause: 'Connection refused (CONNECTREFUSED)' },
  );
  const ignored = parseBootstrap('WARN BOOTSTRAP PROGRESS=10 TAG=x REASON=TIMEOUT RECOMMENDATION=ignore');
  assert.deepEqual(ignored, { progress: 10, summary: 'x', warn: false, cause: '(TIMEOUT)' });
});

test('other status events and impossible numbers are no bootstrap', () => {
  for (const text of [
    'NOTICE CIRCUIT_ESTABLISHED',
    'NOTICE BOOTSTRAP TAG=x',
    'NOTICE BOOTSTRAP PROGRESS=101',
    '',
    'NOTICE BOOTSTRAP PROGRESS=-1',
  ]) {
    assert.equal(parseBootstrap(text), null, text);
  }
});

test('restarts: at once, then doubling up to the limit, then giving up', () => {
  const backoff = new RestartBackoff();
  const delays = Array.from({ length: MAX_FAILED_STARTS }, () => backoff.next(1));
  assert.deepEqual(delays.slice(0, 4), [0, 500, 1000, 2000]);
  assert.ok(delays.every((delay) => delay !== null && delay <= RESTART_MAX_DELAY_MS));
  assert.equal(backoff.next(0), null);
});

test('a tor that never got ready is given up sooner', () => {
  const backoff = new RestartBackoff();
  const delays = Array.from({ length: MAX_FAILED_FIRST_STARTS + 1 }, () => backoff.next(0));
  assert.deepEqual(delays, [0, 500, 1000, 2000, null]);
});

test('a sound run makes the delays start anew', () => {
  const backoff = new RestartBackoff();
  for (let i = 0; i < 50; i++) assert.equal(backoff.next(60_000), 0);
  assert.equal(backoff.next(100), 500);
});
