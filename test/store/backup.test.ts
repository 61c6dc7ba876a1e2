import assert from 'node:assert/strict';
import { argon2Sync, createDecipheriv, hkdfSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { systemDisk } from '../../src/safety/disk.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { checkBackupPlace, type WriteBackupInit, writeBackup } from '../../src/store/backup.ts';
import { HEAD_BYTES, MAX_RECORD_BYTES, PIECE_TAG_BYTES } from '../../src/store/backup-format.ts';
import type { Database } from '../../src/store/database.ts';
import { BACKUP_PIECE_BYTES, MAX_ROW_NAME_BYTES, MAX_VALUE_BYTES } from '../../src/store/limits.ts';
import { generationOf, STORE_TABLES } from '../../src/store/meta.ts';
import { readBackup, restoreBackup } from '../../src/store/restore.ts';
import { putSeed, storedSeed } from '../../src/store/secrets.ts';
import { ManualClock } from '../manual-clock.ts';
import { CHEAP } from './cheap.ts';
import { failingDisk } from './failing-disk.ts';
import { files, putAll, shown } from './files.ts';

const at = files();
const tables = [
  ...STORE_TABLES,
  { name: 'message', inBackup: true },
  { name: 'contact', inBackup: true },
  { name: 'session', inBackup: false },
];
const passphrase = 'one two three';
const backupPath = (): string => join(at.dir, 'kith.backup');
/** In the place of the one before. */
const write = (database: Database, more: Partial<WriteBackupInit> = {}): Promise<{ rows: number }> => {
  rmSync(backupPath(), { force: true });
  return writeNew(database, more);
};
const writeNew = (database: Database, more: Partial<WriteBackupInit> = {}): Promise<{ rows: number }> =>
  writeBackup({
    database,
    path: backupPath(),
    passphrase,
    disk: systemDisk,
    clock: new ManualClock(),
    random: systemRandom,
    cost: CHEAP,
    ...more,
  });
let restored = 0;
const empty = (): Database => at.open({ path: join(at.dir, `restored-${restored++}.db`), tables });
const rowsOf = (database: Database) =>
  ['message', 'contact', 'secret'].map((name) => database.table(name).page({ after: 0, limit: 1_000 }));
/** Nothing, in any table. */
function assertEmpty(database: Database): void {
  for (const { name } of tables)
    assert.deepEqual([database.table(name).count(), database.table(name).lastSeq()], [0, 0]);
  assert.equal(generationOf(database), 0);
}

/** Rows of all forms, with holes in their order. */
function filled(): Database {
  const database = at.open({ tables });
  database.transaction(() => {
    putSeed(database, 'home', new Uint8Array(32).fill(8));
    for (let i = 0; i < 300; i++) {
      const name = utf8(`n${i}`);
      const alias = i % 2 === 0 ? utf8(`a${i}`) : null;
      database
        .table('message')
        .put({ name, alias, scope: utf8(`s${i % 3}`), value: new Uint8Array(i * 3).fill(i) });
    }
    putAll(database, 'message', 'last');
    database.table('message').delete(utf8('last'));
    database.table('message').delete(utf8('n5'));
    putAll(database, 'session', 'not-in-a-backup');
  });
  return database;
}

describe('a backup', () => {
  it('brings back all rows that are declared for it, in their places, and raises the generation', async () => {
    const database = filled();
    const progress: string[] = [];
    const { rows } = await write(database, { onProgress: (done, of) => progress.push(`${done}/${of}`) });
    assert.equal(rows, 300);
    assert.equal(progress.at(-1), '300/300');
    const target = empty();
    let steps = 0;
    const result = await restoreBackup({
      database: target,
      path: backupPath(),
      passphrase,
      onProgress: () => steps++,
    });
    assert.deepEqual(result, { rows: 300, createdAt: new ManualClock().now(), generation: 1 });
    assert.equal(steps, 300);
    assert.deepEqual(rowsOf(target), rowsOf(database));
    assert.equal(target.table('session').count(), 0);
    assert.equal(target.table('message').lastSeq(), 301, 'no place is given twice');
    assert.deepEqual(storedSeed(target, 'home'), storedSeed(database, 'home'));
    assert.equal(generationOf(target), 1);
    await write(target);
    const third = empty();
    assert.equal((await restoreBackup({ database: third, path: backupPath(), passphrase })).generation, 2);
    assert.equal(generationOf(third), 2);
  });

  it('holds what there is at most, and nothing, and is read by another implementation', async () => {
    const database = at.open({ tables });
    await write(database);
    const none = empty();
    assert.equal((await restoreBackup({ database: none, path: backupPath(), passphrase })).rows, 0);
    const long = new Uint8Array(MAX_ROW_NAME_BYTES).fill(1);
    database
      .table('message')
      .put({ name: long, scope: long, alias: long, value: new Uint8Array(MAX_VALUE_BYTES) });
    await write(database, { provider: nobleProvider });
    const target = empty();
    await restoreBackup({ database: target, path: backupPath(), passphrase });
    assert.deepEqual(rowsOf(target), rowsOf(database));
  });

  it('is a moment: what is written meanwhile is in it whole or not at all', async () => {
    const database = filled();
    const before = rowsOf(database);
    await write(database, {
      onProgress: (done) => {
        database.transaction(() => {
          database.table('message').put({ name: utf8('n299'), value: utf8('changed') });
          putAll(database, 'contact', `new-${done}`);
        });
      },
    });
    const target = empty();
    await restoreBackup({ database: target, path: backupPath(), passphrase });
    assert.deepEqual(rowsOf(target), before);
  });

  it("shows nothing of what is in it, is only its owner's, and leaves no other file", async () => {
    const database = at.open({ tables });
    putAll(database, 'message', 'a-secret-of-bob');
    await write(database);
    assert.equal(statSync(backupPath()).mode & 0o777, 0o600);
    const bytes = readFileSync(backupPath());
    for (const secret of ['a-secret', 'message', passphrase])
      assert.equal(bytes.includes(secret), false, secret);
    assert.deepEqual(readdirSync(at.dir).toSorted(), ['kith.backup', 'people.db', 'people.db-wal']);
    await write(database);
    assert.notDeepEqual(readFileSync(backupPath()), bytes, 'salt and key are new each time');
  });

  it('is refused with a wrong passphrase, when cut off anywhere, and when any byte was changed', async () => {
    const database = at.open({ tables });
    for (let i = 0; i < 3; i++)
      database.table('message').put({ name: utf8(`n${i}`), value: new Uint8Array(50_000) });
    await write(database);
    const whole = readFileSync(backupPath());
    const target = empty();
    const restore = (bytes: Uint8Array, passphraseNow = passphrase): Promise<unknown> => {
      writeFileSync(backupPath(), bytes);
      return restoreBackup({ database: target, path: backupPath(), passphrase: passphraseNow });
    };
    await assert.rejects(restore(whole, 'one two four'), { code: 'PASSPHRASE_WRONG' });
    const piece = BACKUP_PIECE_BYTES + PIECE_TAG_BYTES;
    const ends = [
      0,
      11,
      HEAD_BYTES - 1,
      HEAD_BYTES,
      HEAD_BYTES + 15,
      HEAD_BYTES + piece - 1,
      HEAD_BYTES + piece,
    ];
    for (const end of [...ends, HEAD_BYTES + 2 * piece, whole.length - 16, whole.length - 1]) {
      await assert.rejects(restore(whole.subarray(0, end)), { code: 'BACKUP_DAMAGED' }, `cut at ${end}`);
    }
    await assert.rejects(restore(Buffer.concat([whole, Buffer.of(0)])), { code: 'BACKUP_DAMAGED' });
    for (let at = 0; at < whole.length; at += at < 80 ? 1 : 4_999) {
      const bytes = Uint8Array.from(whole);
      bytes[at] = (bytes[at] as number) ^ 1;
      await assert.rejects(restore(bytes), (error: { code: string }) =>
        ['BACKUP_DAMAGED', 'PASSPHRASE_WRONG', 'BACKUP_TOO_NEW'].includes(error.code),
      );
    }
    // pieces that change places
    const swapped = Uint8Array.from(whole);
    swapped.copyWithin(HEAD_BYTES, HEAD_BYTES + piece, HEAD_BYTES + 2 * piece);
    swapped.set(whole.subarray(HEAD_BYTES, HEAD_BYTES + piece), HEAD_BYTES + piece);
    await assert.rejects(restore(swapped), { code: 'BACKUP_DAMAGED' });
    assertEmpty(target);
    await restore(whole);
    assert.deepEqual(rowsOf(target), rowsOf(database));
  });

  it('is not restored over anything, of a newer version, or from a file that is not there', async () => {
    const database = filled();
    await write(database);
    const restore = (target: Database): Promise<unknown> =>
      restoreBackup({ database: target, path: backupPath(), passphrase });
    await assert.rejects(restore(database), { code: 'STORE_NOT_EMPTY' });
    const other = empty();
    putAll(other, 'session', 's');
    await assert.rejects(restore(other), { code: 'STORE_NOT_EMPTY' });
    const lacking = at.open({
      path: join(at.dir, 'lacking.db'),
      tables: tables.filter(({ name }) => name !== 'contact'),
    });
    await assert.rejects(restore(lacking), { code: 'BACKUP_TOO_NEW' });
    assert.equal(lacking.table('message').count(), 0);
    const bytes = readFileSync(backupPath());
    bytes[11] = 2;
    writeFileSync(backupPath(), bytes);
    await assert.rejects(restore(empty()), { code: 'BACKUP_TOO_NEW' });
    writeFileSync(backupPath(), utf8('a letter to a friend'.repeat(20)));
    await assert.rejects(restore(empty()), { code: 'BACKUP_DAMAGED' });
    const missing = restoreBackup({ database: empty(), path: join(at.dir, 'none'), passphrase });
    await assert.rejects(missing, { code: 'DISK_MISSING' });
  });

  it('takes the place of nothing, follows no link, and does not lie in the data directory', async () => {
    const database = filled();
    const letter = join(at.dir, 'letter');
    writeFileSync(letter, 'older');
    writeFileSync(`${letter}.part`, 'theirs');
    const link = join(at.dir, 'link');
    symlinkSync(letter, link);
    symlinkSync(join(at.dir, 'nowhere'), `${link}2`);
    for (const path of [letter, link, `${link}2`]) {
      await assert.rejects(writeNew(database, { path }), { code: 'DISK_EXISTS' }, path);
    }
    assert.deepEqual(
      [letter, `${letter}.part`, link].map((path) => readFileSync(path, 'utf8')),
      ['older', 'theirs', 'older'],
    );
    const root = join(at.dir, 'root');
    mkdirSync(join(root, 'inbox'), { recursive: true });
    symlinkSync(root, join(at.dir, 'way-in'));
    for (const inside of ['root/x', 'root/inbox/x', 'way-in/x'])
      await assert.rejects(checkBackupPlace(join(at.dir, inside), root), { code: 'BACKUP_PLACE' }, inside);
    for (const path of [letter, link, `${link}2`])
      await assert.rejects(checkBackupPlace(path, root), { code: 'DISK_EXISTS' }, path);
    await checkBackupPlace(join(at.dir, 'root2'), root);
  });

  it('that was not finished leaves nothing', async () => {
    const database = filled();
    const left = () => readdirSync(at.dir).filter((name) => /kith.backup|snapshot/.test(name));
    const reason = new Error('enough');
    await assert.rejects(write(database, { signal: AbortSignal.abort(reason) }), reason);
    await assert.rejects(write(database, { passphrase: '' }), { code: 'PASSPHRASE_REFUSED' });
    assert.deepEqual(left(), []);
    const verified = async (): Promise<number> => {
      const backup = await readBackup(backupPath(), passphrase);
      try {
        backup.verify();
        return [...backup.records()].length;
      } finally {
        backup.close();
      }
    };
    await write(database);
    const records = await verified();
    const seen = new Set<unknown>();
    for (let step = 0, done = false; !done; step++) {
      const killed = (error: Error): boolean => !/killed/.test(error.message);
      done = await write(database, { disk: failingDisk(step) }).then(() => true, killed);
      // as after a power cut, what was created stays there: refused, unless all of it was written
      seen.add(await verified().catch((error: { code: string }) => error.code));
    }
    assert.deepEqual(seen, new Set(['DISK_MISSING', 'BACKUP_DAMAGED', records]));
    assert.deepEqual(left(), ['kith.backup']);
  });

  it('can be cut off while it is restored, and restored again', async () => {
    const database = at.open({ tables });
    putAll(database, 'message', 'a b');
    await write(database);
    for (let cutAt = 0, cut = true; cut; cutAt++) {
      let step = 0;
      cut = false;
      const path = join(at.dir, `cut-${cutAt}.db`);
      let armed = false;
      const onStep = (): void => {
        if (!armed || step++ !== cutAt) return;
        cut = true;
        throw new Error('cut');
      };
      const target = at.open({ path, tables, onStep });
      armed = true;
      await restoreBackup({ database: target, path: backupPath(), passphrase }).catch(() => {});
      target.close();
      const found = at.open({ path, tables });
      if (found.table('message').count() === 0)
        await restoreBackup({ database: found, path: backupPath(), passphrase });
      assert.deepEqual(shown(found.table('message').page({ after: 0, limit: 9 })), ['a=a', 'b=b']);
      assert.equal(generationOf(found), 1);
      found.close();
    }
  });

  it('is what docs/wire.md says, read here without a line of what wrote it', async () => {
    const database = at.open({ tables });
    database
      .table('contact')
      .put({ name: utf8('bob'), scope: utf8('s'), alias: utf8('b'), value: utf8('value') });
    database.table('contact').put({ name: utf8('al'), value: utf8('') });
    await write(database);
    const file = readFileSync(backupPath());
    const [head, sealed] = [file.subarray(0, 50), file.subarray(50)];
    assert.equal(head.subarray(0, 11).toString(), 'kith-backup');
    const stretched = argon2Sync('argon2id', {
      message: passphrase,
      nonce: head.subarray(12, 28),
      memory: head.readUInt32BE(28),
      passes: head.readUInt8(32),
      parallelism: head.readUInt8(33),
      tagLength: 32,
    });
    const keys = Buffer.from(hkdfSync('sha256', stretched, head.subarray(0, 34), 'kith/1/store/backup', 48));
    assert.deepEqual(keys.subarray(32), head.subarray(34));
    const nonce = Buffer.from('000000000000000000000001', 'hex');
    const decipher = createDecipheriv('aes-256-gcm', keys.subarray(0, 32), nonce, { authTagLength: 16 });
    decipher.setAAD(head);
    decipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString('hex');
    const time = (1_700_000_000_000).toString(16).padStart(12, '0');
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    assert.equal(
      plain,
      [
        `0000000d01${time}000000000000`, // meta
        `0000000f020006${hex('secret')}000000000000`,
        `00000010020007${hex('message')}000000000000`,
        `00000010020007${hex('contact')}000000000002`,
        `00000018030000000000010003${hex('bob')}0001${hex('s')}010001${hex('b')}${hex('value')}`,
        `0000000e030000000000020002${hex('al')}000000`,
        '0000000704000000000002',
      ].join(''),
    );
  });

  it('has records as long as any row can be', () => {
    assert.ok(MAX_RECORD_BYTES >= 1 + 6 + 3 * (2 + MAX_ROW_NAME_BYTES) + 1 + MAX_VALUE_BYTES);
  });
});
