import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT, Output, type OutputStreams } from '../../src/cli/output.ts';
import { KithError } from '../../src/safety/errors.ts';

function rig({ isTTY = false, json = false } = {}) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    isTTY,
    write: (text: string | Uint8Array) => {
      written[name] += Buffer.from(text).toString('latin1');
    },
  });
  const streams = { stdout: stream('stdout'), stderr: stream('stderr') };
  return { written, output: new Output(json, streams as unknown as OutputStreams, { NO_COLOR: '1' }) };
}

const HOSTILE = Uint8Array.of(0x61, 0x1b, 0x5b, 0x32, 0x4a, 0x0a);

test('bytes go to a terminal as harmless text, in place of the progress before them', () => {
  const { output, written } = rig({ isTTY: true });
  output.progress('asking', {}, 'asking');
  output.content('got', {}, HOSTILE);
  output.content('got', {}, Uint8Array.of(0x62));
  const mark = Buffer.from('\ufffd').toString('latin1');
  assert.deepEqual(written, { stdout: `asking\r\x1b[Ka${mark}[2J\nb\n`, stderr: '' });
});

test('bytes go into a pipe as they are, and nothing else with them', () => {
  const { output, written } = rig();
  output.progress('asking', {}, 'asking');
  output.content('got', {}, HOSTILE);
  output.warning('Doubtful.');
  assert.deepEqual(written, { stdout: 'a\x1b[2J\n', stderr: 'asking\nkith: Doubtful.\n' });
});

test('programs get objects alone', () => {
  const { output, written } = rig({ json: true });
  output.progress('asking', {}, 'asking');
  output.content('got', { data: 'YQ==' }, HOSTILE);
  output.warning('Doubtful.');
  assert.deepEqual(written, {
    stdout: '{"event":"asking"}\n{"result":"got","data":"YQ=="}\n',
    stderr: '',
  });
});

test('the exit code tells wrong use from a missing service and from failure', () => {
  const { output } = rig();
  const codeOf = (code: string) => output.error(new KithError(code, 'x', { hint: 'y' }));
  for (const code of ['BAD_ADDRESS', 'BAD_EPOCH', 'BAD_HOURS', 'BAD_REFERENCE', 'TOO_LONG']) {
    assert.equal(codeOf(code), EXIT.usage, code);
  }
  assert.equal(codeOf('NODE_NOT_RUNNING'), EXIT.unavailable);
  assert.equal(codeOf('NOT_KEPT'), EXIT.failed);
});
