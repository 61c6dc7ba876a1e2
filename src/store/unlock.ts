/**
 * The store key and the files by which one gets at it: `store.slots` (key-slots.ts), and `store.keyfile` (32 bytes)
 * while there is no passphrase. Whoever can read the whole directory has the key then; with a passphrase, nobody has it
 * who does not know that.
 *
 * Order of writes, so that a crash at any point leaves a key that opens: what the new slots need is written first, then
 * the slots (whole or not at all), and only then is removed what nothing needs any more; a later unlock removes what a
 * crash left. Owner: whoever holds the lock of the slots
 * (`lock.ts`), which every function takes for itself.
 *
 * `store.key`, the bare key of older versions, becomes the wrapped one, so that all files under it stay readable.
 */

import { existsSync } from 'node:fs';
import { wipe } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type Disk, writeDurably } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { DataDir } from './data-dir.ts';
import { withSlotsLock } from './lock.ts';
import { passphraseNeeded, passphraseWrong, slotsDamaged, storeExists } from './key-errors.ts';
import { type KeySlot, openSlot, sealSlot, type SlotKind } from './key-slots.ts';
import { type Argon2Cost, PASSPHRASE_COST, passphraseKey, SALT_BYTES } from './passphrase.ts';
import { readSecret } from './secrets.ts';
import { shred } from './shred.ts';
import { KEY_BYTES, readKeyFile, readSlots, writeSlots } from './slot-files.ts';

export interface UnlockInit {
  readonly disk: Disk;
  readonly random: RandomBytes;
  readonly provider?: Provider;
  /** Of a new passphrase slot. */
  readonly cost?: Argon2Cost;
}

/** What somebody has or knows. Without either, the key file is tried. */
export interface Unlocking {
  readonly passphrase?: string | undefined;
  /** 32 bytes. */
  readonly exportKey?: Uint8Array | undefined;
}

/** Whether there is a store key already, of this version or an older one. */
export async function hasStoreKey(dir: DataDir): Promise<boolean> {
  return (await readSlots(dir, nodeProvider)) !== null || (await readSecret(dir, 'store.key')) !== null;
}

/** Whether a passphrase (or export key) is needed to open the store. Throws StoreError SLOTS_DAMAGED. */
export async function lockedByPassphrase(dir: DataDir): Promise<boolean> {
  const slots = await readSlots(dir, nodeProvider);
  return slots !== null && !slots.some(({ kind }) => kind === 'key-file');
}

/**
 * Makes a store key, in a slot of `passphrase` where one is given, else of a key file. Throws StoreError SECRET_EXISTS,
 * or SLOTS_DAMAGED where there is something already that was sealed under a key that is gone.
 */
export function createStoreKey(
  dir: DataDir,
  init: UnlockInit & { readonly passphrase?: string | undefined },
): Promise<Uint8Array> {
  return withSlotsLock(dir, async () => {
    if (await hasStoreKey(dir)) throw storeExists();
    if (existsSync(dir.people)) throw slotsDamaged();
    const storeKey = init.random(KEY_BYTES);
    await write(dir, init, [await firstSlot(dir, init, storeKey)]);
    return storeKey;
  });
}

/**
 * The store key. Throws StoreError PASSPHRASE_NEEDED, PASSPHRASE_WRONG or SLOTS_DAMAGED (also where there is none).
 * The caller may wipe it.
 */
export function unlockStore(dir: DataDir, how: Unlocking, init: UnlockInit): Promise<Uint8Array> {
  return withSlotsLock(dir, async () => {
    const { storeKey, slots } = await unlocked(dir, how, init);
    await tidy(dir, init, slots);
    return storeKey;
  });
}

/** Sets or changes the passphrase. `old` only where there is one. Throws as {@link unlockStore}, and PASSPHRASE_REFUSED. */
export function setPassphrase(
  dir: DataDir,
  { old, new: passphrase }: { readonly old?: string | undefined; readonly new: string },
  init: UnlockInit,
): Promise<void> {
  return changeSlots(dir, { passphrase: old }, init, async (storeKey, slots) => [
    await passphraseSlot(init, passphrase, storeKey),
    ...slots.filter(({ kind }) => kind === 'export-key'),
  ]);
}

/** From now on the key file opens the store, and so does whoever can read the directory. */
export function removePassphrase(dir: DataDir, passphrase: string, init: UnlockInit): Promise<void> {
  return changeSlots(dir, { passphrase }, init, async (storeKey, slots) =>
    // a key file that is in use is not replaced: a crash between the two writes would lose it
    slots.some(({ kind }) => kind === 'key-file')
      ? slots
      : [await keyFileSlot(dir, init, storeKey), ...slots.filter(({ kind }) => kind === 'export-key')],
  );
}

/** Lets the 32-byte export key of a login open the store too; null removes that way. */
export function setExportKey(
  dir: DataDir,
  exportKey: Uint8Array | null,
  how: Unlocking,
  init: UnlockInit,
): Promise<void> {
  return changeSlots(dir, how, init, async (storeKey, slots) => [
    ...slots.filter(({ kind }) => kind !== 'export-key'),
    ...(exportKey === null ? [] : [wrap(init, 'export-key', exportKey, storeKey)]),
  ]);
}

/** Writes the slots that `change` makes of those there are. */
function changeSlots(
  dir: DataDir,
  how: Unlocking,
  init: UnlockInit,
  change: (storeKey: Uint8Array, slots: readonly KeySlot[]) => Promise<readonly KeySlot[]>,
): Promise<void> {
  return withSlotsLock(dir, async () => {
    const { storeKey, slots } = await unlocked(dir, how, init);
    try {
      const changed = await change(storeKey, slots);
      await write(dir, init, changed);
      await tidy(dir, init, changed);
    } finally {
      wipe(storeKey);
    }
  });
}

/** The key and the slots as they lie on disk now. */
async function unlocked(
  dir: DataDir,
  how: Unlocking,
  init: UnlockInit,
): Promise<{ storeKey: Uint8Array; slots: KeySlot[] }> {
  const provider = providerOf(init);
  const slots = (await readSlots(dir, provider)) ?? (await fromBareKey(dir, init));
  const storeKey =
    (await openBy('key-file', slots, provider, () => readKeyFile(dir))) ??
    (await openBy('export-key', slots, provider, async () => how.exportKey ?? null)) ??
    (await openByPassphrase(slots, how.passphrase, provider));
  if (storeKey !== null) return { storeKey, slots };
  if (!slots.some(({ kind }) => kind === 'passphrase')) throw slotsDamaged();
  throw how.passphrase === undefined && how.exportKey === undefined ? passphraseNeeded() : passphraseWrong();
}

async function openBy(
  kind: SlotKind,
  slots: readonly KeySlot[],
  provider: Provider,
  read: () => Promise<Uint8Array | null>,
): Promise<Uint8Array | null> {
  const slot = slots.find((slot) => slot.kind === kind);
  const secret = slot === undefined ? null : await read();
  return slot === undefined || secret === null ? null : openSlot(provider, slot, secret);
}

async function openByPassphrase(
  slots: readonly KeySlot[],
  passphrase: string | undefined,
  provider: Provider,
): Promise<Uint8Array | null> {
  const slot = slots.find(({ kind }) => kind === 'passphrase');
  if (passphrase === undefined || slot === undefined || slot.cost === null) return null;
  const secret = await passphraseKey(passphrase, slot.salt, slot.cost);
  const storeKey = openSlot(provider, slot, secret);
  wipe(secret);
  return storeKey;
}

/** Wraps the bare key of an older version. It is removed by {@link tidy}, after the slots are durable. */
async function fromBareKey(dir: DataDir, init: UnlockInit): Promise<KeySlot[]> {
  const storeKey = await readSecret(dir, 'store.key');
  if (storeKey === null) throw slotsDamaged();
  const slots = [await keyFileSlot(dir, init, storeKey)];
  await write(dir, init, slots);
  return slots;
}

/** Removes what the slots on disk do not need: a bare key, a key file. What a crash left goes here too. */
async function tidy(dir: DataDir, { disk }: UnlockInit, slots: readonly KeySlot[]): Promise<void> {
  await shred(disk, dir.bareKey);
  if (!slots.some(({ kind }) => kind === 'key-file')) await shred(disk, dir.keyFile);
}

function firstSlot(
  dir: DataDir,
  init: UnlockInit & { readonly passphrase?: string | undefined },
  storeKey: Uint8Array,
): Promise<KeySlot> {
  return init.passphrase === undefined
    ? keyFileSlot(dir, init, storeKey)
    : passphraseSlot(init, init.passphrase, storeKey);
}

async function passphraseSlot(init: UnlockInit, passphrase: string, storeKey: Uint8Array): Promise<KeySlot> {
  const { cost = PASSPHRASE_COST, random } = init;
  const salt = random(SALT_BYTES);
  const secret = await passphraseKey(passphrase, salt, cost);
  const slot = sealSlot(providerOf(init), { kind: 'passphrase', salt, cost, secret }, storeKey);
  wipe(secret);
  return slot;
}

/** A new key file, durable before any slot needs it. Only where no slot on disk needs the one that it replaces. */
async function keyFileSlot(dir: DataDir, init: UnlockInit, storeKey: Uint8Array): Promise<KeySlot> {
  const secret = init.random(KEY_BYTES);
  await writeDurably(init.disk, dir.keyFile, secret);
  const slot = wrap(init, 'key-file', secret, storeKey);
  wipe(secret);
  return slot;
}

function wrap(init: UnlockInit, kind: SlotKind, secret: Uint8Array, storeKey: Uint8Array): KeySlot {
  return sealSlot(providerOf(init), { kind, salt: init.random(SALT_BYTES), cost: null, secret }, storeKey);
}

function write(dir: DataDir, init: UnlockInit, slots: readonly KeySlot[]): Promise<void> {
  return writeSlots(dir, init.disk, providerOf(init), slots);
}

function providerOf({ provider = nodeProvider }: UnlockInit): Provider {
  return provider;
}
