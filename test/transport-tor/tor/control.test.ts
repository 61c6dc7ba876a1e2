import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Clock } from '../../../src/safety/clock.ts';
import { ControlClient } from '../../../src/transport-tor/tor/control.ts';
import { ControlError } from '../../../src/transport-tor/tor/errors.ts';
import { MAX_PENDING_COMMANDS } from '../../../src/transport-tor/tor/limits.ts';
import { ManualClock } from '../../manual-clock.ts';
import { type Answer, FakeControl } from './fake-control.ts';

const code =
  (expected: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ControlError, String(error));
    assert.equal(error.code, expected);
    assert.notEqual(error.hint, '');
    return true;
  };

async function withClient(
  answer: Answer,
  use: (client: ControlClient, fake: FakeControl) => Promise<void>,
  clock?: Clock,
): Promise<void> {
  await using fake = await FakeControl.start(answer);
  const client = await ControlClient.connect(fake.path, { clock });
  try {
    await use(client, fake);
  } finally {
    client.close();
  }
}

const OK: Answer = () => '250 OK\r\n';
const SILENT: Answer = () => null;

test('SAFECOOKIE is preferred, and the cookie itself is not sent', async () => {
  await withClient(OK, async (_client, fake) => {
    assert.ok(fake.lines.some((line) => line.startsWith('AUTHCHALLENGE SAFECOOKIE ')));
    assert.ok(!fake.lines.join().includes(fake.cookie.toString('hex')));
  });
});

test('COOKIE is used where nothing better is offered', async () => {
  await using fake = await FakeControl.start();
  fake.methods = 'COOKIE';
  (await ControlClient.connect(fake.path)).close();
  assert.ok(fake.lines.includes(`AUTHENTICATE ${fake.cookie.toString('hex')}`));
});

test('a server that does not know the cookie is refused and learns nothing', async () => {
  await using fake = await FakeControl.start();
  fake.challengeCookie = Buffer.alloc(32, 1);
  await assert.rejects(ControlClient.connect(fake.path), code('CONTROL_AUTH'));
  assert.ok(!fake.lines.some((line) => line.startsWith('AUTHENTICATE')));
});

test('no cookie method, an odd cookie file or a refused cookie are CONTROL_AUTH', async () => {
  await using fake = await FakeControl.start();
  fake.methods = 'NULL,HASHEDPASSWORD';
  await assert.rejects(ControlClient.connect(fake.path), code('CONTROL_AUTH'));
  fake.methods = 'COOKIE';
  for (const size of [0, 31, 33]) {
    await writeFile(fake.cookiePath, Buffer.alloc(size));
    await assert.rejects(ControlClient.connect(fake.path), code('CONTROL_AUTH'));
  }
  await writeFile(fake.cookiePath, Buffer.alloc(32, 3));
  await assert.rejects(ControlClient.connect(fake.path), code('CONTROL_AUTH'));
});

test('a socket that is not there is CONTROL_UNREACHABLE after its time', async () => {
  const clock = new ManualClock();
  const failed = assert.rejects(
    ControlClient.connect('/nonexistent/control', { clock, openTimeoutMs: 100 }),
    code('CONTROL_UNREACHABLE'),
  );
  while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  const done = failed.then(() => true);
  while (!(await Promise.race([done, clock.advance(25).then(() => false)])));
  await failed;
});

test('replies go to their commands in order, also when they come in pieces and at once', async () => {
  const answer: Answer = (line, socket) => {
    if (line === 'GETINFO a') return null;
    if (line !== 'GETINFO b') return '250 OK\r\n';
    socket.write('250-a=');
    setImmediate(() => socket.write('1\r\n250 OK\r\n250-b=2\r\n250 OK\r\n'));
    return null;
  };
  await withClient(answer, async (client) => {
    const [a, b] = await Promise.all([client.command('GETINFO', ['a']), client.command('GETINFO', ['b'])]);
    assert.equal(a.lines[0]?.text, 'a=1');
    assert.equal(b.lines[0]?.text, 'b=2');
  });
});

test('events go to the listeners of their name until they leave', async () => {
  await withClient(OK, async (client, fake) => {
    const seen: string[] = [];
    const leave = client.listen('HS_DESC', ({ lines }) => seen.push(lines[0]?.text ?? ''));
    fake.say('650 HS_DESC UPLOADED x\r\n650 CIRC 1 BUILT\r\n');
    await client.command('GETINFO', ['x']);
    leave();
    fake.say('650 HS_DESC FAILED x\r\n');
    await client.command('GETINFO', ['x']);
    assert.deepEqual(seen, ['HS_DESC UPLOADED x']);
  });
});

test('an error status is CONTROL_REFUSED and quotes nothing that tor said', async () => {
  await withClient(
    () => '512 Bad arguments: secret-address\r\n',
    async (client) => {
      await assert.rejects(client.command('DEL_ONION', ['x']), (error: ControlError) => {
        assert.ok(code('CONTROL_REFUSED')(error));
        assert.equal(error.data['status'], 512);
        assert.ok(!JSON.stringify([error.message, error.hint, error.data]).includes('secret'));
        return true;
      });
    },
  );
});

test('garbage ends the connection with CONTROL_GARBAGE for all who wait', async () => {
  await withClient(SILENT, async (client, fake) => {
    const waiting = [client.command('GETINFO', ['a']), client.command('GETINFO', ['b'])];
    const failures = waiting.map((promise) => assert.rejects(promise, code('CONTROL_GARBAGE')));
    fake.say(Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7) % 256));
    await Promise.all(failures);
    assert.equal((await client.closed).code, 'CONTROL_GARBAGE');
    await assert.rejects(client.command('GETINFO', ['c']), code('CONTROL_GARBAGE'));
  });
});

test('a reply to no command is garbage', async () => {
  await withClient(OK, async (client, fake) => {
    fake.say('250 OK\r\n');
    assert.equal((await client.closed).code, 'CONTROL_GARBAGE');
  });
});

test('a connection that ends, even inside a line, is CONTROL_LOST', async () => {
  await withClient(SILENT, async (client, fake) => {
    const failed = assert.rejects(client.command('GETINFO', ['a']), code('CONTROL_LOST'));
    fake.say('250-half a li');
    for (const socket of fake.sockets) socket.end();
    await failed;
    assert.equal((await client.closed).code, 'CONTROL_LOST');
  });
});

test('a slow reply is CONTROL_TIMEOUT; when it comes after all it is dropped', async () => {
  const clock = new ManualClock();
  await withClient(
    (line) => (line === 'GETINFO slow' ? null : '250-fast=1\r\n250 OK\r\n'),
    async (client, fake) => {
      const failed = assert.rejects(
        client.command('GETINFO', ['slow'], { timeoutMs: 50 }),
        code('CONTROL_TIMEOUT'),
      );
      await clock.advance(50);
      await failed;
      fake.say('250-slow=1\r\n250 OK\r\n');
      const reply = await client.command('GETINFO', ['fast']);
      assert.equal(reply.lines[0]?.text, 'fast=1');
    },
    clock,
  );
});

test('an aborted command rejects with the reason given and keeps the order', async () => {
  await withClient(
    (line) => (line === 'GETINFO a' ? null : '250-b=1\r\n250 OK\r\n'),
    async (client, fake) => {
      const abort = new AbortController();
      const reason = new Error('enough');
      const failed = assert.rejects(client.command('GETINFO', ['a'], { signal: abort.signal }), reason);
      abort.abort(reason);
      await failed;
      await assert.rejects(client.command('GETINFO', ['z'], { signal: abort.signal }), reason);
      fake.say('250 OK\r\n');
      assert.equal((await client.command('GETINFO', ['b'])).lines[0]?.text, 'b=1');
      assert.ok(!fake.lines.includes('GETINFO z'));
    },
  );
});

test('commands without replies are bounded', async () => {
  await withClient(SILENT, async (client) => {
    const waiting = Array.from({ length: MAX_PENDING_COMMANDS }, () => client.command('GETINFO', ['a']));
    const failures = waiting.map((promise) => assert.rejects(promise, code('CONTROL_LOST')));
    await assert.rejects(client.command('GETINFO', ['a']), code('CONTROL_BUSY'));
    client.close();
    await Promise.all(failures);
  });
});
