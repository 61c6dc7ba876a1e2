/**
 * Cleans up after a network whose owner died, however it died.
 *
 * A small shell, in a session of its own, reads the pids of the network's processes from a pipe that only the
 * owner holds open. The end of the pipe, which the kernel brings about even after SIGKILL, makes it kill those
 * processes and remove the directory. Before it kills, it checks that the pid still belongs to a process that
 * was started with this directory, because pids are used again. It does nothing when it is killed itself.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** `$1` is the directory. Lines in: `+pid` to watch, `-pid` to forget. */
const SCRIPT = `
dir=$1 watched=' '
trap : HUP INT
finish() {
  for pid in $watched; do
    if [ -r "/proc/$pid/environ" ]; then about=$(tr '\\0' ' ' <"/proc/$pid/cmdline"; readlink "/proc/$pid/cwd")
    else about=$(ps -o args= -p "$pid"; lsof -a -d cwd -p "$pid" -Fn); fi 2>/dev/null
    case $about in *"$dir"*) kill -9 "$pid" ;; esac 2>/dev/null
  done
  tries=0
  until rm -rf "$dir" 2>/dev/null || [ $tries -ge 50 ]; do tries=$((tries+1)); sleep 0.1; done
  exit 0
}
trap finish TERM
while read -r line; do
  case $line in
    +*) watched="$watched\${line#+} " ;;
    -*) rest=\${watched#* \${line#-} }; [ "$rest" = "$watched" ] || watched="\${watched%% \${line#-} *} $rest" ;;
  esac
done
finish
`;

export class Reaper {
  readonly pid: number;
  /** Resolves when it has cleaned up (or was killed). */
  readonly done: Promise<void>;
  readonly #pipe: Writable;

  /** Starts the reaper for `dir`, which must be a directory that this process made. */
  constructor(dir: string) {
    const child: ChildProcess = spawn('/bin/sh', ['-c', SCRIPT, 'kith-testnet-reaper', dir], {
      cwd: '/',
      detached: true, // Ctrl-C in the owner's terminal must not reach it
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.done = new Promise((resolve) => {
      child.on('error', () => resolve()); // without a shell there is nothing to wait for
      child.on('exit', () => resolve());
    });
    this.#pipe = child.stdin as Writable;
    this.#pipe.on('error', () => {}); // its end is known by `done`
    this.pid = child.pid ?? 0;
  }

  /** Makes `pid` one of those to kill; the returned function takes it back, once the process has ended. */
  watch(pid: number): () => void {
    this.#pipe.write(`+${pid}\n`);
    return () => {
      this.#pipe.write(`-${pid}\n`);
    };
  }

  /** Kills what is watched, removes the directory. */
  async clean(): Promise<void> {
    this.#pipe.end();
    await this.done;
  }
}
