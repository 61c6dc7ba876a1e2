/** What can be wrong with the way to the store key, and with a backup. The codes are in errors.ts. */

import { StoreError } from './errors.ts';

/** There is a store key already, and another could not open what lies under it. */
export function storeExists(): StoreError {
  return new StoreError('SECRET_EXISTS', 'this data directory has an identity already', {
    hint: 'Use it (`kith up`), or choose another directory with --data DIR.',
  });
}

export function passphraseNeeded(): StoreError {
  return new StoreError('PASSPHRASE_NEEDED', 'the data directory is locked by a passphrase', {
    hint: 'Give the passphrase.',
  });
}

export function passphraseWrong(): StoreError {
  return new StoreError('PASSPHRASE_WRONG', 'the passphrase is not the right one', {
    hint: 'Try again: capitals, spaces and the keyboard layout count.',
  });
}

export function passphraseRefused(maxBytes: number): StoreError {
  return new StoreError('PASSPHRASE_REFUSED', 'a passphrase that is empty or too long', {
    hint: 'Choose a passphrase of several words.',
    data: { maxBytes },
  });
}

/** Missing, changed, or without the key file that they need. */
export function slotsDamaged(cause?: unknown): StoreError {
  return new StoreError('SLOTS_DAMAGED', 'store.slots or store.keyfile is missing or damaged', {
    hint: 'Restore both from a copy; else only a backup brings back what this data directory holds.',
    cause,
  });
}

export function backupPassphraseWrong(): StoreError {
  return new StoreError(
    'PASSPHRASE_WRONG',
    'the passphrase is not that of this backup, or its head is damaged',
    {
      hint: 'Try again with the passphrase that was given when the backup was written.',
    },
  );
}

/** Cut off, changed, or no backup at all. */
export function backupDamaged(cause?: unknown): StoreError {
  return new StoreError('BACKUP_DAMAGED', 'the file is not a backup of kith, or it is damaged or cut off', {
    hint: 'Use another copy of it; nothing was restored.',
    cause,
  });
}

export function backupTooNew(): StoreError {
  return new StoreError('BACKUP_TOO_NEW', 'the backup was written by a newer version of kith', {
    hint: 'Restore it with that version or a newer one; nothing was restored.',
  });
}

export function storeNotEmpty(): StoreError {
  return new StoreError('STORE_NOT_EMPTY', 'the data directory holds something already', {
    hint: 'Restore into a new one: `kith restore FILE --data DIR`.',
  });
}
