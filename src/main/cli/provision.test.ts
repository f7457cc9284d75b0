import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { AgentEvent } from '../../shared/control.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { ControlFailure } from '../control/client.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { addProvision } from './provision.ts';
import { runCommand, type CommandOutcome } from './testing/run-command.ts';
import { untilRegistered } from './until-registered.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const ALL = [
  '--customer-id',
  ID.toUpperCase(),
  '--activation-id',
  `{${ID}}`,
  '--web-service-uri',
  'https://p.example',
];

let root: string;
let paths: Paths;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-'));
  paths = resolvePaths('linux', root, {});
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const provision = (...args: string[]): Promise<CommandOutcome> =>
  runCommand(addProvision, paths, 'provision', ...args);
const stored = (): string => readFileSync(paths.settingsFile, 'utf8');
const store = (text: string): void => {
  mkdirSync(dirname(paths.settingsFile), { recursive: true });
  writeFileSync(paths.settingsFile, text);
};

describe('wayfarerctl provision with settings', () => {
  it('writes them in their usual form, also before the agent ever ran', async () => {
    expect((await provision(...ALL)).code).toBe(0);
    expect(stored()).toBe(
      `CustomerId=${ID}\nActivationId=${ID}\nWebServiceUri=https://p.example/CloudAgent/\n`,
    );
  });

  it('leaves other lines and comments as they are', async () => {
    store(`# ours\nSyslog=on\nactivationid=${OTHER}\nNonsense\n`);
    const { code, stdout } = await provision(...ALL, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'written',
      changed: ['CustomerId', 'ActivationId', 'WebServiceUri'],
    });
    expect(code).toBe(0);
    expect(stored()).toMatch(new RegExp(`^# ours\nSyslog=on\nActivationId=${ID}\nNonsense\nCustomerId=`));
  });

  it.each([
    [['--activation-id', 'x'], '--activation-id: "x" is not a UUID'],
    [['--web-service-uri', 'http://p.example'], 'over https only'],
    [['--platform-key', 'x', '--customer-id', 'y'], '--customer-id: "y" is not a UUID; --platform-key'],
    [['--ca-file', '/nonexistent/ca.pem'], '/nonexistent/ca.pem'],
    [['--customer-id', ID], 'ActivationId, WebServiceUri would still be missing'],
    [['--wait', '0'], 'whole number of seconds'],
    [['surplus'], 'too many arguments'],
  ])('changes nothing for %j and ends with 2', async (args, reason) => {
    store('# ours\n');
    expect(await provision(...args)).toMatchObject({
      code: 2,
      reason: expect.stringContaining(reason) as string,
    });
    expect(stored()).toBe('# ours\n');
  });

  it('without any, ends with 5 or 4 where no agent can be asked', async () => {
    expect((await provision()).code).toBe(5);
    mkdirSync(paths.dataDir, { recursive: true });
    expect((await provision()).code).toBe(4);
  });
});

describe('waiting for the registration', () => {
  const unregistered: AgentStatus = {
    ...STATUS,
    phase: 'not provisioned',
    identity: { ...STATUS.identity, hostId: null },
  };
  const failed = (code: string, at: number): AgentEvent => ({
    name: 'provisioning failed',
    at: new Date(at).toISOString(),
    code,
    reason: `403 ${code}`,
    nextAt: '2026-11-20T12:01:00.000Z',
  });

  function waiting(answers: (AgentStatus | ControlFailure)[], events: AgentEvent[] = [], expected = {}) {
    let clock = 1_000_000;
    const client = {
      status: () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        return answer instanceof ControlFailure
          ? Promise.reject(answer)
          : Promise.resolve(answer ?? unregistered);
      },
      events: () => Promise.resolve(events),
    };
    return untilRegistered(client, {
      timeoutMs: 60_000,
      since: 1_000_000,
      expected,
      now: () => clock,
      sleep: (ms) => Promise.resolve((clock += ms)),
    });
  }

  it('ends with the Host ID, over an agent that opens again with new settings', async () => {
    const gone = new ControlFailure('not running', 'no agent answers');
    const { activationId } = STATUS.identity;
    const old = { ...STATUS, identity: { ...STATUS.identity, activationId: OTHER } };
    const events = [failed('KEY_UNKNOWN', 999_000)];
    await expect(waiting([old, gone, unregistered, STATUS], events, { activationId })).resolves.toBe(
      STATUS.identity.hostId,
    );
  });

  it('ends with 6 once the platform refused, with 8 in time where it can not be reached', async () => {
    await expect(waiting([unregistered], [failed('KEY_UNKNOWN', 1_000_001)])).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining('403 KEY_UNKNOWN') as string,
    });
    await expect(waiting([unregistered], [failed('transport', 1_000_001)])).rejects.toMatchObject({
      exitCode: 8,
    });
  });

  it('gives up on an agent that stays away', async () => {
    await expect(waiting([new ControlFailure('not running', 'no agent')])).rejects.toMatchObject({
      kind: 'not running',
    });
  });
});
