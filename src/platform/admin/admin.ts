import type { Records } from '../context.ts';
import { changeModules, issueCommand, listAgents, listLogs, requireAgent, showAgent } from './agents.ts';
import { eventAdmin } from './events.ts';
import { createKey, editKey, listKeys } from './keys.ts';
import { listManifests, resetManifest, setManifest, showManifest } from './manifests.ts';
import { createProfile, editProfile, listProfiles, type EditProfile } from './profiles.ts';
import { correlate, requireCorrelation, setCorrelation } from './scan-merge.ts';
import { createCustomer, init } from './setup.ts';

/** Administration, as the API, the command line tool and tests use it. Every function throws `Refused`, `NotFound`. */
export function createAdmin(context: Records) {
  const agentId = (name: string): string => requireAgent(context, name).id;
  const { store } = context;
  return {
    init: () => init(context),
    customers: () => store.customers.list(),
    createCustomer: (name: string) => createCustomer(context, name),
    setCorrelation: (accept: boolean, customer?: string) => setCorrelation(context, accept, customer),
    requireCorrelation: (customer?: string) => requireCorrelation(context, customer),
    correlate: (id: string, customer?: string) => correlate(context, id, customer),
    keys: () => listKeys(context),
    createKey: (input: Parameters<typeof createKey>[1]) => createKey(context, input),
    editKey: (id: string, input: Parameters<typeof editKey>[2]) => editKey(context, id, input),
    profiles: () => listProfiles(context),
    createProfile: (input: EditProfile, customer?: string) => createProfile(context, input, customer),
    editProfile: (id: string, input: EditProfile) => editProfile(context, id, input),
    manifests: () => listManifests(context),
    showManifest: (type: string) => showManifest(context, type),
    setManifest: (type: string, input: unknown) => setManifest(context, type, input),
    resetManifest: (type: string) => resetManifest(context, type),
    agents: () => listAgents(context),
    show: (name: string) => showAgent(context, name),
    logs: (name: string) => listLogs(context, name),
    changeModules: (name: string, modules: readonly string[]) => changeModules(context, name, modules),
    command: (name: string, type: string, args: Record<string, unknown> = {}) =>
      issueCommand(context, name, { type, args } as Parameters<typeof issueCommand>[2]),
    ...eventAdmin(context),
    activities: (name: string, limit?: number) => store.events.activities(agentId(name), limit),
    changes: (name: string, limit?: number) => store.staging.changes(agentId(name), limit),
    /** What changed on a host: packages, patches, configuration (R316). */
    assetChanges: (name: string, limit?: number) => store.assetChanges.list(agentId(name), limit),
    commits: (name: string, limit?: number) => store.staging.commits(agentId(name), limit),
    /** Findings with what to do about them: the fixed version is the patch to install (R218). */
    findings: (name: string) => {
      const agent = requireAgent(context, name);
      return store.findings.list(agent.id).map((finding) => ({ ...finding, tags: agent.tags }));
    },
    advisories: () => ({ count: Number(store.meta.get('advisoryCount') ?? '0') }),
  };
}
export type Admin = ReturnType<typeof createAdmin>;
