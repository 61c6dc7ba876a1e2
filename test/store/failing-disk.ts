/** A disk that stops working after some operations, as one does when the process is killed there. */

import { type Disk, systemDisk } from '../../src/safety/disk.ts';

/** Fails in the operation number `at` (from 0) and all later ones; `count()` says how many there were. */
export function failingDisk(at: number): Disk & { count(): number } {
  let operations = 0;
  const step = (): void => {
    if (operations++ >= at) throw new Error('killed');
  };
  return {
    count: () => operations,
    async create(path) {
      step();
      const file = await systemDisk.create(path);
      return {
        async append(bytes) {
          step();
          await file.append(bytes);
        },
        async datasync() {
          step();
          await file.datasync();
        },
        close: () => file.close(),
      };
    },
    async rename(from, to) {
      step();
      await systemDisk.rename(from, to);
    },
    async remove(path) {
      step();
      await systemDisk.remove(path);
    },
    async syncDir(path) {
      step();
      await systemDisk.syncDir(path);
    },
    async makeDir(path) {
      step();
      await systemDisk.makeDir(path);
    },
    freeBytes: (path) => systemDisk.freeBytes(path),
  };
}
