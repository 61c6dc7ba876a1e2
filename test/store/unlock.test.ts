import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { systemDisk } from '../../src/safety/disk.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { type DataDir, dataDir } from '../../src/store/data-dir.ts';
import {
  createStoreKey,
  hasStoreKey,
  lockedByPassphrase,
  removePassphrase,
  setExportKey,
  setPassphrase,
  type UnlockInit,
  unlockStore,
} from '../../src/store/unlock.ts';
import { CHEAP } from './cheap.ts';
import { failingDisk } from './failing-disk.ts';

const init: UnlockInit = { disk: systemDisk, random: systemRandom, cost: CHEAP };
let root: string;
let dir: DataDir;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kith-unlock-'));
  dir = await directory('data');
});
afterEach(() => rm(root, { recursive: true }));

async function directory(name: string): Promise<DataDir> {
  const made = dataDir(join(root, name));
  await mkdir(made.root);
  return made;
}

const unlock = (passphrase?: string, at = dir): Promise<Uint8Array> => unlockStore(at, { passphrase }, init);
const bare = (): Uint8Array => new Uint8Array(32).fill(7);

describe('the store key', () => {
  it('opens by its key file, which only the owner can read', async () => {
    assert.equal(await hasStoreKey(dir), false);
    const key = await createStoreKey(dir, init);
    assert.equal(key.length, 32);
    assert.deepEqual(await unlock(), key);
    assert.equal(await lockedByPassphrase(dir), false);
    for (const path of [dir.slots, dir.keyFile]) {
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(readFileSync(path).includes(key), false, 'the key itself lies nowhere');
    }
    await assert.rejects(createStoreKey(dir, init), { code: 'SECRET_EXISTS' });
    assert.deepEqual(await unlock(), key);
  });

  it('opens by its passphrase only, from the beginning where one is given', async () => {
    const key = await createStoreKey(dir, { ...init, passphrase: 'first' });
    assert.equal(existsSync(dir.keyFile), false);
    assert.equal(await lockedByPassphrase(dir), true);
    assert.deepEqual(await unlock('first'), key);
    await assert.rejects(unlock(), { code: 'PASSPHRASE_NEEDED' });
    await assert.rejects(unlock('First'), { code: 'PASSPHRASE_WRONG' });
  });

  it('stays the same through a passphrase that is set, changed and removed', async () => {
    const key = await createStoreKey(dir, init);
    await setPassphrase(dir, { new: 'first' }, init);
    assert.equal(existsSync(dir.keyFile), false, 'nothing that opens it lies readable');
    assert.deepEqual(await unlock('first'), key);
    await assert.rejects(setPassphrase(dir, { new: 'second' }, init), { code: 'PASSPHRASE_NEEDED' });
    await assert.rejects(setPassphrase(dir, { old: 'x', new: 'second' }, init), { code: 'PASSPHRASE_WRONG' });
    await setPassphrase(dir, { old: 'first', new: 'second' }, init);
    assert.deepEqual(await unlock('second'), key);
    await assert.rejects(unlock('first'), { code: 'PASSPHRASE_WRONG' });
    await assert.rejects(setPassphrase(dir, { old: 'second', new: '' }, init), {
      code: 'PASSPHRASE_REFUSED',
    });
    await assert.rejects(removePassphrase(dir, 'first', init), { code: 'PASSPHRASE_WRONG' });
    await removePassphrase(dir, 'second', init);
    await removePassphrase(dir, 'there is none any more', init);
    assert.equal(await lockedByPassphrase(dir), false);
    assert.deepEqual(await unlock(), key);
  });

  it('opens by the export key of a login too, which changes of the passphrase keep', async () => {
    const key = await createStoreKey(dir, { ...init, passphrase: 'first' });
    const exportKey = new Uint8Array(32).fill(9);
    await setExportKey(dir, exportKey, { passphrase: 'first' }, init);
    await setPassphrase(dir, { old: 'first', new: 'second' }, init);
    assert.deepEqual(await unlockStore(dir, { exportKey }, init), key);
    assert.deepEqual(await unlock('second'), key);
    await assert.rejects(unlockStore(dir, { exportKey: new Uint8Array(32) }, init), {
      code: 'PASSPHRASE_WRONG',
    });
    await setExportKey(dir, null, { exportKey }, init);
    await assert.rejects(unlockStore(dir, { exportKey }, init), { code: 'PASSPHRASE_WRONG' });
    assert.deepEqual(await unlock('second'), key);
  });

  it('of an older version, which lay bare, becomes the wrapped one', async () => {
    writeFileSync(join(dir.root, 'store.key'), bare());
    assert.equal(await hasStoreKey(dir), true);
    assert.equal(await lockedByPassphrase(dir), false);
    await assert.rejects(createStoreKey(dir, init), { code: 'SECRET_EXISTS' });
    assert.deepEqual(await unlock(), bare());
    assert.equal(existsSync(join(dir.root, 'store.key')), false);
    assert.deepEqual(await unlock(), bare());
  });

  it('can take a passphrase while it lies bare', async () => {
    writeFileSync(join(dir.root, 'store.key'), bare());
    await setPassphrase(dir, { new: 'first' }, init);
    assert.equal(existsSync(join(dir.root, 'store.key')), false);
    assert.equal(existsSync(dir.keyFile), false);
    assert.deepEqual(await unlock('first'), bare());
  });

  it('is said to be lost where slots or key file are missing or damaged', async () => {
    const lost = { code: 'SLOTS_DAMAGED' };
    await assert.rejects(unlock(), lost);
    await createStoreKey(dir, init);
    const slots = readFileSync(dir.slots);
    slots[30] = (slots[30] as number) ^ 1;
    const keyFile = readFileSync(dir.keyFile);
    for (const [path, bytes] of [
      [dir.keyFile, keyFile.subarray(1)],
      [dir.keyFile, new Uint8Array(32)],
      [dir.slots, slots],
      [dir.slots, slots.subarray(0, 9)],
    ] as const) {
      const before = readFileSync(path);
      writeFileSync(path, bytes);
      await assert.rejects(unlock(), lost);
      writeFileSync(path, before);
    }
    rmSync(dir.keyFile);
    await assert.rejects(unlock(), lost);
  });

  it('is not made beside what another has sealed', async () => {
    const lost = await directory('lost');
    writeFileSync(lost.people, 'sealed');
    await assert.rejects(createStoreKey(lost, init), { code: 'SLOTS_DAMAGED' });
    assert.equal(existsSync(lost.slots), false);
  });

  it('is worked on by one at a time', async () => {
    const key = await createStoreKey(dir, { ...init, passphrase: 'first' });
    const changes = [
      unlock('first'),
      ...['a', 'b'].map((name) => setPassphrase(dir, { old: 'first', new: name }, init)),
      removePassphrase(dir, 'first', init),
      unlock('first'),
    ];
    for (const result of await Promise.allSettled(changes)) {
      if (result.status === 'rejected') assert.match(result.reason.code, /PASSPHRASE_/);
    }
    const ways = await Promise.allSettled([undefined, 'a', 'b'].map((passphrase) => unlock(passphrase)));
    const keys = ways.flatMap((way) => (way.status === 'fulfilled' ? [way.value] : []));
    assert.ok(keys.length > 0);
    for (const found of keys) assert.deepEqual(found, key);
  });

  it('says nothing of a passphrase in its errors', async () => {
    await createStoreKey(dir, { ...init, passphrase: 'right and secret' });
    const error: unknown = await unlock('wrong but secret').catch((error: unknown) => error);
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /secret/);
  });
});

/** Each change, and the passphrases by which the store may open after it was cut off. */
const changes: [
  string,
  (at: DataDir, init: UnlockInit) => Promise<unknown>,
  string | undefined,
  string | undefined,
][] = [
  ['setting a passphrase', (at, init) => setPassphrase(at, { new: 'new' }, init), undefined, 'new'],
  ['changing it', (at, init) => setPassphrase(at, { old: 'old', new: 'new' }, init), 'old', 'new'],
  ['removing it', (at, init) => removePassphrase(at, 'old', init), 'old', undefined],
  ['wrapping a bare key', (at, init) => unlockStore(at, {}, init), undefined, undefined],
];

for (const [name, change, before, after] of changes) {
  it(`${name} can be cut off anywhere: the old way or the new one opens, and what is left over goes`, async () => {
    if (name === 'wrapping a bare key') writeFileSync(join(dir.root, 'store.key'), bare());
    else await createStoreKey(dir, { ...init, passphrase: before });
    const opens = (passphrase: string | undefined, at: DataDir): Promise<boolean> =>
      unlock(passphrase, at).then(
        () => true,
        () => false,
      );
    let done = false;
    for (let step = 0; !done; step++) {
      assert.ok(step < 60);
      const at = dataDir(join(root, `cut-${step}`));
      await cp(dir.root, at.root, { recursive: true });
      const disk = failingDisk(step);
      done = await change(at, { ...init, disk }).then(
        () => true,
        () => false,
      );
      assert.ok((await opens(before, at)) || (await opens(after, at)), `cut at ${step}`);
      if (done) assert.ok(await opens(after, at));
      assert.equal(existsSync(at.bareKey), false);
      assert.equal(
        existsSync(at.keyFile),
        !(await lockedByPassphrase(at)),
        'a key file is there exactly where it is needed',
      );
      // and the change can be made again
      if (!(await opens(after, at))) await change(at, init);
      assert.ok(await opens(after, at));
    }
  });
}
