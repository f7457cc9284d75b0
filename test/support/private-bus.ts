import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type MessageBus } from 'dbus-native';
import { noLinux, noProgram, type Reason } from './reason.ts';
import { until } from './until.ts';

/** Why no bus of our own can be run here. */
export const noPrivateBus: Reason = noLinux ?? noProgram('dbus-daemon', 'dbus-daemon');

/** A message bus like the system's, in a folder of its own, on which everybody may own and send everything. */
export class PrivateBus {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wf-bus-'));
  #daemon: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  readonly address = `unix:path=${this.#folder}/system_bus_socket`;

  async start(): Promise<void> {
    const config = join(this.#folder, 'bus.conf');
    writeFileSync(
      config,
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
        "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
      <busconfig>
        <type>custom</type>
        <listen>${this.address}</listen>
        <auth>EXTERNAL</auth>
        <policy context="default">
          <allow user="*"/><allow own="*"/><allow send_type="*"/><allow receive_type="*"/>
          <allow send_destination="*"/>
        </policy>
      </busconfig>`,
    );
    const daemon = spawn(
      'dbus-daemon',
      ['--nofork', '--nopidfile', '--nosyslog', `--config-file=${config}`],
      {
        stdio: 'ignore', // it complains when it may not raise its limit of open files
      },
    );
    this.#daemon = daemon;
    this.#exited = new Promise((resolve) => daemon.once('exit', resolve));
    await until('the bus', async () => {
      const bus = await this.connect();
      await bus.close();
      return true;
    });
  }

  /** A connection to the bus, set up. */
  async connect(): Promise<MessageBus> {
    const bus = createClient({ busAddress: this.address, direct: true, timeout: 5_000 });
    const broken = new Promise<never>((_, reject) => bus.connection.on('error', reject));
    broken.catch(() => undefined);
    bus.name = await Promise.race([broken, bus.invokeDbus<string>({ member: 'Hello' })]);
    return bus;
  }

  /** Ends the daemon at once, as a crash does; everybody loses the connection. */
  async kill(): Promise<void> {
    this.#daemon?.kill('SIGKILL');
    await this.#exited;
    rmSync(join(this.#folder, 'system_bus_socket'), { force: true });
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
