import { serveIdentifier } from './agentid/serve.ts';

/*
 * Entry point of the process `agentid-service`: answers scanners with the correlation identifier. Started, configured
 * and ended by the agent core over the IPC channel; ends by itself when the core does.
 */

// Written over argv, and into the thread's name, which ss(8) and ps(1) show (proc(5), /proc/pid/comm): 15 bytes fit.
process.title = 'agentid-service';
serveIdentifier();
