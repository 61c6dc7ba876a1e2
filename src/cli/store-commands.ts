/** The commands about the data directory as a whole: their names, arguments and help. */

import type { Command } from 'commander';
import type { Run } from './context.ts';
import type { NewPassphraseOptions, WipeOptions } from './store.ts';

const OLD = ['--passphrase-file <file>', 'holds the passphrase of the store, instead of typing it'] as const;
const OF_BACKUP = [
  '--backup-passphrase-file <file>',
  'holds the passphrase of the backup, instead of typing it',
] as const;

interface BackupOptions {
  readonly passphraseFile?: string;
  readonly backupPassphraseFile?: string;
}

export function addStoreCommands(kith: Command, run: Run): void {
  const store = () => import('./store.ts'); // most of the node comes with it
  const passphrase = kith
    .command('passphrase')
    .description('lock the store of this node, or unlock it for good');
  passphrase
    .command('set')
    .description('ask for a passphrase at every start, or change it')
    .option(...OLD)
    .option('--new-file <file>', 'holds the new passphrase, instead of typing it')
    .action(run(async (made, options: NewPassphraseOptions) => (await store()).passphraseSet(made, options)));
  passphrase
    .command('remove')
    .description('start without one again')
    .option(...OLD)
    .action(
      run(async (made, options: NewPassphraseOptions) => (await store()).passphraseRemove(made, options)),
    );
  kith
    .command('backup')
    .description('write everything that cannot be had again into one sealed file')
    .argument('<file>', 'a new file')
    .option(...OLD)
    .option(...OF_BACKUP)
    .action(
      run(async (made, file: string, options: BackupOptions) =>
        (await store()).backup(made, file, ofStore(options)),
      ),
    );
  kith
    .command('restore')
    .description('bring back a backup, into a data directory that has nothing yet')
    .argument('<file>', 'what kith backup wrote')
    .option(...OLD)
    .option(...OF_BACKUP)
    .action(
      run(async (made, file: string, options: BackupOptions) =>
        (await store()).restore(made, file, ofStore(options)),
      ),
    );
  kith
    .command('wipe')
    .description('remove this node and everything it keeps, keys first')
    .option('--yes', 'do not ask')
    .action(run(async (made, options: WipeOptions) => (await store()).wipeAll(made, options)));
}

function ofStore({ passphraseFile, backupPassphraseFile }: BackupOptions): NewPassphraseOptions {
  return {
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    ...(backupPassphraseFile === undefined ? {} : { newFile: backupPassphraseFile }),
  };
}
