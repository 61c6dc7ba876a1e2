/** `kith export [who]` prints a history, one JSON object a line; `kith import <file>` takes one in again. */

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Context } from './context.ts';
import { unreadable } from './identity.ts';
import { withPeople } from './node-client.ts';
import { counted } from './output.ts';

/** The lines are the result: with and without --json the same, readable by `kith import`. */
export async function exportHistory(context: Context, who: string | undefined): Promise<void> {
  const { host, signal, output } = context;
  await withPeople(context, async (people) => {
    let messages = 0;
    for await (const line of people.exportHistory(who)) {
      messages++;
      if (!host.stdout.write(`${line}\n`)) await once(host.stdout, 'drain', { signal });
    }
    output.warning(`${counted(messages, 'line')}, not encrypted: whoever has them can read them.`);
  });
}

export async function importHistory(context: Context, path: string): Promise<void> {
  const { output } = context;
  const input = path === '-' ? context.host.stdin : createReadStream(path);
  const failed = new Promise<never>((_resolve, reject) => {
    input.once('error', (cause) => reject(unreadable(cause)));
  });
  failed.catch(() => {}); // raced below, unless the node is not there
  try {
    await withPeople(context, async (people) => {
      const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
      const imported = await Promise.race([people.importHistory(lines), failed]);
      const none = 'Nothing in it was new.';
      output.result(
        'imported',
        { messages: imported },
        imported === 0 ? none : `Imported ${counted(imported, 'message')}.`,
      );
    });
  } finally {
    input.destroy();
  }
}
