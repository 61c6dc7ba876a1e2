/**
 * Configuration of the private network's members and clients. `TestingTorNetwork` (tor.1) shortens the
 * schedules and allows loopback addresses; the rest makes every relay useful from its first consensus on.
 */

import { option } from '../transport-tor/tor/torrc.ts';
import type { AuthorityFingerprints } from './authority-keys.ts';
import { FIRST_VOTING_INTERVAL_S, VOTING_INTERVAL_S } from './limits.ts';
import type { RelayPlan } from './plan.ts';

/** The lines by which a tor client joins the network. */
export function clientLines(
  authorities: readonly { readonly plan: RelayPlan; readonly keys: AuthorityFingerprints }[],
): string[] {
  return [
    option('TestingTorNetwork', '1'),
    ...authorities.map(({ plan, keys }) =>
      option(
        'DirAuthority',
        `${plan.name} orport=${plan.orPort} no-v2 v3ident=${keys.v3} ${plan.address}:${plan.dirPort} ${keys.relay}`,
      ),
    ),
  ];
}

const CLIENT_LINE =
  /^(?:TestingTorNetwork "1"|DirAuthority "auth\d{1,2} orport=\d{1,5} no-v2 v3ident=[0-9A-F]{40} 127(?:\.\d{1,3}){3}:\d{1,5} [0-9A-F]{40}")$/;

/** Whether {@link clientLines} could have written `line`. Any other option could make a client's tor run a program. */
export function isClientLine(line: string): boolean {
  return CLIENT_LINE.test(line);
}

/**
 * Configuration of one member.
 * @param startedAtMs when the tors are started: the first consensus is timed to come soon after their
 *   descriptors are there instead of at the next full interval.
 */
export function relayTorrc(
  plan: RelayPlan,
  folder: string,
  shared: {
    readonly clientConfig: readonly string[];
    readonly ownerFd: number;
    readonly startedAtMs: number;
  },
): string {
  return [
    ...shared.clientConfig,
    option('Nickname', plan.name),
    option('DataDirectory', folder),
    option('Address', plan.address),
    option('ORPort', `${plan.address}:${plan.orPort}`),
    option('SocksPort', '0'),
    option('ExitRelay', '0'),
    option('AssumeReachable', '1'),
    option('ContactInfo', 'none'),
    option('NumCPUs', '1'),
    option('AvoidDiskWrites', '1'),
    option('BridgeRecordUsageByCountry', '0'),
    option('MaxMemInQueues', '256 MBytes'),
    option('ShutdownWaitLength', '0'),
    option('Log', 'notice stdout'),
    option('__OwningControllerProcess', String(process.pid)),
    option('__OwningControllerFD', String(shared.ownerFd)),
    ...(plan.authority ? authorityLines(plan, shared.startedAtMs) : [option('PublishServerDescriptor', '1')]),
    '',
  ].join('\n');
}

function authorityLines(plan: RelayPlan, startedAtMs: number): string[] {
  // one interval from now: the vote comes two seconds before it, and the descriptors, two to four seconds after the
  // start on a busy machine, must be there by then; any less could end before that
  const firstConsensus = Math.ceil(startedAtMs / 1000) + FIRST_VOTING_INTERVAL_S;
  return [
    option('AuthoritativeDirectory', '1'),
    option('V3AuthoritativeDirectory', '1'),
    option('DirPort', `${plan.address}:${plan.dirPort}`),
    option('TestingV3AuthInitialVotingInterval', `${FIRST_VOTING_INTERVAL_S} seconds`),
    option('TestingV3AuthInitialVoteDelay', '2 seconds'),
    option('TestingV3AuthInitialDistDelay', '2 seconds'),
    option('TestingV3AuthVotingStartOffset', String(firstConsensus % FIRST_VOTING_INTERVAL_S)),
    option('V3AuthVotingInterval', `${VOTING_INTERVAL_S} seconds`),
    option('V3AuthVoteDelay', '2 seconds'),
    option('V3AuthDistDelay', '2 seconds'),
    option('TestingDirAuthVoteGuard', '*'),
    option('TestingDirAuthVoteHSDir', '*'),
    option('TestingMinExitFlagThreshold', '0'),
    option('AuthDirTestReachability', '0'),
  ];
}
