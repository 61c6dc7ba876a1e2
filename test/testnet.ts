/**
 * The private Tor network for tests: joins the one named by KITH_TESTNET, which the test runner shares among all
 * files, else starts one that ends with the test file.
 */

import { after } from 'node:test';
import { joinTestnet, startTestnet } from '../src/testnet/index.ts';

export async function useTestnet(): Promise<{ readonly clientConfig: readonly string[] }> {
  const shared = process.env['KITH_TESTNET'];
  if (shared !== undefined && shared !== '') return joinTestnet(shared);
  const network = await startTestnet();
  after(() => network.stop());
  return network;
}
