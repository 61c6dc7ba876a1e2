/** The printed unit runs this kith on this data directory, whatever characters are in the paths. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { Context } from '../../src/cli/context.ts';
import { service } from '../../src/cli/service.ts';

async function unitFor(dataDir: string): Promise<string> {
  let printed = '';
  const output = { result: (_name: string, _fields: object, text: string) => (printed = text) };
  await service({ output, dataDir } as unknown as Context);
  return printed;
}

/** Words of a value as systemd reads them: quotes, backslashes, then specifiers and variables. */
function words(unit: string, key: string): string[] {
  const line = new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? assert.fail(`no ${key}`);
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, inQuotes, bare = '']) =>
    (inQuotes?.replaceAll(/\\(.)/g, '$1') ?? bare).replaceAll('%%', '%').replaceAll('$$', () => '$'),
  );
}

for (const dir of ['/srv/kith/data', '/data/my "kith" 100% $HOME\\x']) {
  test(`a unit for ${dir}`, async () => {
    const unit = await unitFor(dir);
    const [node, kith = '', ...args] = words(unit, 'ExecStart');
    assert.equal(node, process.execPath);
    assert.ok(existsSync(kith), kith);
    assert.deepEqual(args, ['--data', dir, 'up', '--json']);
    assert.deepEqual(words(unit, 'ReadWritePaths'), [dir]);
    for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateTmp=yes', 'LimitCORE=0']) {
      assert.ok(unit.split('\n').includes(line), line);
    }
  });
}
