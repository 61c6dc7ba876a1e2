import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TorError } from '../../../src/transport-tor/tor/errors.ts';
import { type ClientTorrc, clientTorrc, option, verbatim } from '../../../src/transport-tor/tor/torrc.ts';

const INIT: ClientTorrc = {
  dataDir: '/d',
  socksPath: '/d/socks',
  controlPath: '/d/control',
  ownerPid: 42,
  ownerFd: 3,
};
const code =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof TorError && error.code === expected;

test('values are quoted so that comments, quotes and backslashes stay text', () => {
  assert.equal(option('Nickname', 'a # "b" \\c'), 'Nickname "a # \\"b\\" \\\\c"');
});

test('nothing can bring a second line in', () => {
  for (const evil of ['a\nSocksPort 9050', 'a\rb', 'a\0b', 'a\u007fb']) {
    assert.throws(() => option('Nickname', evil), code('TOR_CONFIG'));
    assert.throws(() => verbatim(evil), code('TOR_CONFIG'));
    assert.throws(() => clientTorrc({ ...INIT, bridges: [evil] }), code('TOR_CONFIG'));
    assert.throws(() => clientTorrc({ ...INIT, dataDir: evil }), code('TOR_CONFIG'));
    assert.throws(() => clientTorrc({ ...INIT, config: [evil] }), code('TOR_CONFIG'));
  }
  assert.throws(() => verbatim('Nickname a \\'), code('TOR_CONFIG'));
  assert.throws(() => option('Nick name', 'a'), code('TOR_CONFIG'));
});

test('a client listens on unix sockets only and on onions only', () => {
  const lines = clientTorrc(INIT).split('\n');
  const ports = lines.filter((line) => /^\w*(Port|Listen)\w* /.test(line));
  assert.deepEqual(ports, [
    'SocksPort "unix:\\"/d/socks\\" OnionTrafficOnly ExtendedErrors IsolateSOCKSAuth"',
    'ControlPort "unix:\\"/d/control\\""',
  ]);
  for (const line of [
    'ClientOnly "1"',
    'SafeLogging "1"',
    '__OwningControllerFD "3"',
    'CookieAuthentication "1"',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('bridges switch UseBridges on, with or without their leading word', () => {
  const text = clientTorrc({
    ...INIT,
    bridges: ['Bridge obfs4 192.0.2.1:443 AAAA cert=x iat-mode=0', '192.0.2.2:443'],
    transports: ['ClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy'],
  });
  assert.match(text, /^UseBridges "1"$/m);
  assert.match(text, /^Bridge "obfs4 192\.0\.2\.1:443 AAAA cert=x iat-mode=0"$/m);
  assert.match(text, /^Bridge "192\.0\.2\.2:443"$/m);
  assert.match(text, /^ClientTransportPlugin "obfs4 exec \/usr\/bin\/obfs4proxy"$/m);
  assert.doesNotMatch(clientTorrc(INIT), /UseBridges/);
});

test('a socket path that the system would cut is refused', () => {
  assert.throws(() => clientTorrc({ ...INIT, socksPath: `/${'x'.repeat(103)}` }), code('TOR_SOCKET_PATH'));
  clientTorrc({ ...INIT, socksPath: `/${'x'.repeat(102)}` });
});

test('an extra line can open no TCP port', () => {
  for (const line of [
    'SocksPort 9050',
    'socksport "9050"',
    '  SOCKSPort   127.0.0.1:9050',
    '+SocksPort 9050',
    '/ControlPort 9051',
    '__SocksPort auto',
    'SocksPort',
    'SocksPort#',
    'SocksPor 9050',
    'DNSP 53',
    'ORPort 0.0.0.0:443',
    'SocksPort 0x1',
    'SocksPort UNIX:/s',
    'HiddenServicePort 80 127.0.0.1:80',
    '%include /etc/tor/torrc',
  ]) {
    assert.throws(
      () => clientTorrc({ ...INIT, config: [line] }),
      (error) => error instanceof TorError && error.code === 'TOR_CONFIG' && error.hint !== '',
      line,
    );
  }
  for (const line of [
    'SocksPort 0',
    'ORPort "0" ',
    'SocksPort unix:/s',
    'SocksPort "unix:\\"/s x\\" OnionTrafficOnly"',
    'ControlPortWriteToFile /p',
    'LongLivedPorts 22',
    '__ReloadTorrcOnSIGHUP 0',
    'DirAuthority "auth0 orport=5000 no-v2 127.0.0.1:5001 AA"',
    '# SocksPort 9050',
  ]) {
    assert.equal(verbatim(line), line);
  }
});
