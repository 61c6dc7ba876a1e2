/**
 * A real, private Tor network on loopback: three directory authorities and four relays of the system's tor,
 * ready in ten to fifteen seconds, gone without a trace when its owner ends, even by SIGKILL.
 *
 * It serves the demo, the tests, the benches, and developers of onion-service software of any kind:
 *
 * ```ts
 * import { startTestnet } from 'kith/testnet';
 *
 * const network = await startTestnet();
 * // hand these lines to any tor client, e.g. appended to its torrc
 * console.log(network.clientConfig.join('\n'));
 * await network.stop();
 * ```
 *
 * Another process joins with {@link joinTestnet} by the directory alone. What it does not give: anonymity (all
 * relays are one machine), the public network's latency, or its size.
 *
 * @packageDocumentation
 */

export { TestnetError, type TestnetErrorCode } from './errors.ts';
export type { TestnetProgress } from './launch.ts';
export { startTestnet, type Testnet, type TestnetInit } from './network.ts';
export { joinTestnet, stopTestnet, type TestnetStatus, testnetStatus } from './remote.ts';
