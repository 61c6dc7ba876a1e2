/** `kith service`: the shipped systemd user unit with the paths of this machine. Prints it, and installs nothing. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from './context.ts';

const UNIT = new URL('../../contrib/kith.service', import.meta.url);
const KITH = new URL('../../bin/kith.js', import.meta.url);

export async function service({ output, dataDir }: Context): Promise<void> {
  const data = resolve(dataDir);
  const command = [process.execPath, fileURLToPath(KITH), '--data', data, 'up', '--json'];
  const unit = (await readFile(UNIT, 'utf8'))
    .replace(/^ExecStart=.*$/m, () => `ExecStart=${command.map((word) => quoted(word, true)).join(' ')}`)
    .replace(/^ReadWritePaths=.*$/m, () => `ReadWritePaths=${quoted(data, false)}`);
  output.result('service', { unit }, unit.trimEnd());
}

/** systemd.service(5), command lines: quotes and backslashes, `%` of specifiers, and in commands `$` of variables. */
function quoted(word: string, command: boolean): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return /^[\w@+=:,./-]+$/.test(word) ? word : `"${command ? escaped.replaceAll('$', () => '$$') : escaped}"`;
}
