/** How messages look, above all those that try to look like something else. */

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { durationArgument, messageArgument, numberArgument } from '../../src/cli/arguments.ts';
import { attachmentOf, safeName, saveAttachment } from '../../src/cli/attachments.ts';
import { Output } from '../../src/cli/output.ts';
import { friendLine, messageText, timerText } from '../../src/cli/people-text.ts';
import { listed } from '../../src/local/pages.ts';
import type { MessageView } from '../../src/node/people-face.ts';
import { FakePeople } from '../local/fake-people.ts';

process.env['TZ'] = 'UTC';
const output = new Output(false, process, { NO_COLOR: '1' });
const people = new FakePeople();
const received = people.arrive('bob', 'hello');
const shown = (change: Partial<MessageView>, name = 'bob') =>
  messageText({ ...received, ...change }, name, output);

for (const [what, change, expected] of [
  ['text', {}, '#1 12:00 bob: hello'],
  ['lines', { text: 'a\n#2 12:00 bob: b' }, '#1 12:00 bob: a\n      #2 12:00 bob: b'],
  ['other line ends', { text: 'a\u2028b\u2029c\rd' }, '#1 12:00 bob: a\n      b\n      c\ufffdd'],
  ['control characters', { text: '\u001b]0;x\u0007\u202e' }, '#1 12:00 bob: \ufffd]0;x\ufffd\ufffd'],
  ['a timer', { kind: 'timer', timerS: 7200 }, '#1 12:00 bob: [new messages disappear after 2 hours]'],
  ['no timer', { kind: 'timer', timerS: 0 }, '#1 12:00 bob: [new messages stay]'],
  ['deleted', { kind: 'deleted', text: '' }, '#1 12:00 bob: (deleted)'],
  [
    'a gap',
    { kind: 'gap', missing: { count: 1, final: false } },
    '#1 12:00 bob: [1 message missing, asked for]',
  ],
  [
    'a gap for good',
    { kind: 'gap', missing: { count: 3, final: true } },
    '#1 12:00 bob: [3 messages lost: nobody has them any more]',
  ],
  [
    'marks',
    { unproven: true, broken: true, restored: true },
    '#1 12:00 bob: hello (sender not yet proven, does not follow from what came before it, came back from them)',
  ],
  [
    'disappearing',
    { disappearsAt: '2026-11-22T00:00:00.000Z' },
    '#1 12:00 bob: hello (disappears 2026-11-22 00:00)',
  ],
  ['failed', { mine: true, state: 'failed', cause: 'too\nlong' }, '#1 12:00 me: hello (failed: too long)'],
  [
    'an attachment',
    {
      kind: 'attachment',
      text: 'look',
      attachment: { name: '../a\nb', type: 'x\u001by', sizeBytes: 12_345, complete: false },
    },
    '#1 12:00 bob: [../a b, x\ufffdy, 12.3 kB, still coming] look',
  ],
  ['a reaction', { reactions: [{ by: 'them', emoji: '👍\n' }] }, '#1 12:00 bob: hello [👍 ]'],
] as const) {
  test(`a message: ${what}`, () => assert.equal(shown(change), expected));
}

test('a name stays in its line', () =>
  assert.equal(shown({}, 'b\no\tb\u0007'), '#1 12:00 b o b\ufffd: hello'));

test('a friend whose key changed is told apart at once', () => {
  const line = friendLine(
    { ...listed(people.friend('bob')), trust: 'changed', waiting: 3, unread: 2 },
    output,
  );
  assert.equal(
    line,
    'bob  online, KEY CHANGED: nothing goes out before kith verify, 2 unread, 3 waiting for them',
  );
});

test('durations are read and written', () => {
  for (const [text, seconds, back] of [
    ['off', 0, null],
    ['30s', 30, '30 seconds'],
    ['90m', 5400, '90 minutes'],
    ['24h', 86_400, '1 day'],
    ['2w', 1_209_600, '2 weeks'],
  ] as const) {
    assert.equal(durationArgument(text), seconds);
    if (back !== null) assert.equal(timerText(seconds), back);
  }
  for (const bad of ['', '0s', '1', 's', '1.5h', '-1d', '1y', '9999999s']) {
    assert.throws(() => durationArgument(bad), { code: 'BAD_DURATION' }, bad);
  }
});

test('messages and numbers are named as the history shows them', () => {
  for (const [given, ref] of [
    ['#12', '12'],
    ['12', '12'],
    ['AB'.repeat(16), 'ab'.repeat(16)],
  ] as const) {
    assert.equal(messageArgument(given), ref);
  }
  for (const bad of ['', '#', '1.5', '-1', 'ab', 'g'.repeat(32)]) {
    assert.throws(() => messageArgument(bad), { code: 'BAD_NUMBER' }, bad);
  }
  assert.equal(numberArgument('200', 'x', 200), 200);
  for (const bad of ['', '0', '201', '1e2', '0x1', ' 1']) {
    assert.throws(() => numberArgument(bad, 'x', 200), { code: 'BAD_NUMBER' }, bad);
  }
});

test("somebody else's file name leads nowhere else", () => {
  for (const [given, safe] of [
    ['photo.jpg', 'photo.jpg'],
    ['../../.ssh/authorized_keys', 'authorized_keys'],
    ['C:\\x\\y.exe', 'y.exe'],
    ['.bashrc', 'bashrc'],
    ['-rf', 'rf'],
    ['a\u001b[2Jb\u202egpj.exe', 'a_[2Jb_gpj.exe'],
    ['a\nb', 'a b'],
    ['..', 'attachment'],
    ['', 'attachment'],
    ['/', 'attachment'],
  ] as const) {
    assert.equal(safeName(given), safe, given);
  }
});

test('files go out with their type, come back as they were, and over nothing', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'kith-files-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'a.PNG');
  await writeFile(path, Uint8Array.of(0, 255, 10));
  const attachment = await attachmentOf(path);
  assert.deepEqual(attachment, { name: 'a.PNG', type: 'image/png', data: 'AP8K' });
  const saved = await saveAttachment({ ...attachment, name: '../b.png' }, dir, output);
  assert.deepEqual(saved, { path: join(dir, 'b.png'), sizeBytes: 3 });
  assert.deepEqual(await readFile(join(dir, 'b.png')), Buffer.of(0, 255, 10));
  assert.equal((await stat(join(dir, 'b.png'))).mode & 0o777, 0o600);
  await assert.rejects(saveAttachment(attachment, path, output), { code: 'FILE_EXISTS' });
  await assert.rejects(saveAttachment(attachment, join(dir, 'x', 'y'), output), { code: 'FILE_UNWRITABLE' });
  await writeFile(path, new Uint8Array(204_801));
  await assert.rejects(attachmentOf(path), { code: 'ATTACHMENT_TOO_LARGE' });
  await assert.rejects(attachmentOf(dir), { code: 'FILE_UNREADABLE' });
  assert.deepEqual((await readdir(dir)).sort(), ['a.PNG', 'b.png']);
});
