/**
 * Brings the members of a network up: keys, then all tors at once, until each has built a circuit and the
 * consensus lists all of them. Removing what a failed try left on disk is its caller's.
 */

import { join } from 'node:path';
import { systemClock } from '../safety/clock.ts';
import { systemRandom } from '../safety/random.ts';
import { OWNER_FD } from '../transport-tor/tor/process.ts';
import { makeAuthorityKeys } from './authority-keys.ts';
import { TestnetError } from './errors.ts';
import { AUTHORITIES, CONSENSUS_POLL_MS, NUDGE_INTERVAL_MS, RELAYS } from './limits.ts';
import { Member } from './member.ts';
import { planNetwork, type RelayPlan } from './plan.ts';
import type { Reaper } from './reaper.ts';
import { clientLines, relayTorrc } from './torrc.ts';

export interface TestnetProgress {
  readonly phase: 'keys' | 'bootstrap' | 'ready';
  /** Keys made, or tors that are ready. */
  readonly ready: number;
  readonly total: number;
  readonly elapsedMs: number;
}

export interface Launched {
  readonly members: readonly Member[];
  readonly clientConfig: readonly string[];
}

export interface LaunchInit {
  readonly dir: string;
  readonly torPath: string;
  readonly reaper: Reaper;
  readonly signal: AbortSignal;
  readonly report: (phase: TestnetProgress['phase'], ready: number, total: number) => void;
}

/** One try to bring a network up. Throws TOR_BIND when its addresses are taken; then its tors are gone. */
export async function launch({ dir, torPath, reaper, signal, report }: LaunchInit): Promise<Launched> {
  const plans = planNetwork(systemRandom, { authorities: AUTHORITIES, relays: RELAYS });
  const folder = (plan: RelayPlan): string => join(dir, plan.name);
  const watch = (pid: number): (() => void) => reaper.watch(pid);

  let made = 0;
  report('keys', made, AUTHORITIES);
  const authorities = await Promise.all(
    plans
      .filter((plan) => plan.authority)
      .map(async (plan) => {
        const keys = await makeAuthorityKeys(plan, folder(plan), torPath, systemRandom, { watch, signal });
        made += 1;
        report('keys', made, AUTHORITIES);
        return { plan, keys };
      }),
  );

  const clientConfig = clientLines(authorities);
  const shared = { clientConfig, ownerFd: OWNER_FD, startedAtMs: Date.now() };
  const members = await Promise.all(
    plans.map((plan) =>
      Member.start({
        name: plan.name,
        folder: folder(plan),
        torPath,
        torrc: relayTorrc(plan, folder(plan), shared),
        watch,
        signal,
      }),
    ),
  );
  try {
    await allReady(members, signal, (ready) => report('bootstrap', ready, members.length));
    await allListed(members, signal);
    return { members, clientConfig };
  } catch (error) {
    const exits = await Promise.all(members.map((member) => member.stop()));
    throw exits.find((exit) => exit.error.code === 'TOR_BIND')?.error ?? error;
  }
}

/**
 * Waits until every member has built a circuit. Relays ask for a consensus from their first second on, are told
 * that there is none, and back off for longer and longer; so once the first member is through, which means that
 * there is one, the others are made to ask again.
 */
async function allReady(
  members: readonly Member[],
  signal: AbortSignal,
  onReady: (ready: number) => void,
): Promise<void> {
  const waiting = new Set(members);
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  const nudge = async (): Promise<void> => {
    while (!until.aborted) {
      await Promise.all(Array.from(waiting, (member) => member.retryDownloads().catch(() => {}))); // died() tells
      await systemClock.sleep(NUDGE_INTERVAL_MS, until).catch(() => {}); // the loop ends
    }
  };
  onReady(0);
  try {
    await Promise.all(
      members.map(async (member) => {
        await Promise.race([member.bootstrapped(signal), died(member)]);
        if (waiting.size === members.length) void nudge(); // never rejects, ends with `done`
        waiting.delete(member);
        onReady(members.length - waiting.size);
      }),
    );
  } finally {
    done.abort();
  }
}

/** Waits for a consensus that lists all: a relay that was slow to start may have missed the first. */
async function allListed(members: readonly Member[], signal: AbortSignal): Promise<void> {
  const [authority] = members as readonly [Member];
  while ((await authority.listedRelays(signal)) < members.length) {
    await systemClock.sleep(CONSENSUS_POLL_MS, signal);
  }
}

/** Rejects when `member` ends: with tor's own reason, which names what to do. */
async function died(member: Member): Promise<never> {
  const { error } = await member.process.exited;
  if (error.code !== 'TOR_EXITED') throw error;
  throw new TestnetError('TESTNET_RELAY_DIED', 'a tor of the test network ended before it was ready', {
    hint: error.hint,
    data: error.data,
    cause: error,
  });
}
