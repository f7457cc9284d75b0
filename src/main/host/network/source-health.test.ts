import { describe, expect, it } from 'vitest';
import { SourceHealth } from './source-health.ts';

function rig(): { health: SourceHealth; told: string[]; at: (ms: number) => void } {
  let now = 0;
  const told: string[] = [];
  const health = new SourceHealth(() => now);
  return { health, told, at: (ms) => (now = ms) };
}

describe('a source that tells nothing', () => {
  it('is reported with its reason and what is done instead', () => {
    const { health, told } = rig();
    health.listen((line) => told.push(line));
    health.down('ip monitor', 'is not installed', 'looked for every 15 s');
    expect(told).toEqual(['ip monitor: is not installed; looked for every 15 s']);
  });

  it('is reported once an hour, each source for itself', () => {
    const { health, told, at } = rig();
    health.listen((line) => told.push(line));
    health.down('a', 'ended', 'x');
    health.up('a');
    at(3_599_999);
    health.down('a', 'ended', 'x');
    health.down('b', 'ended', 'x');
    expect(told).toEqual(['a: ended; x', 'b: ended; x']);
    at(3_600_000);
    health.down('a', 'ended again', 'x');
    expect(told.at(-1)).toBe('a: ended again; x');
  });

  it('is reported to whoever listens later', () => {
    const { health, told } = rig();
    health.down('a', 'ended', 'x');
    health.listen((line) => told.push(line));
    expect(told).toEqual(['a: ended; x']);
  });

  it('is down from when it is expected until it is up', () => {
    const { health } = rig();
    expect(health.isDown('a')).toBe(false);
    health.expect('a');
    expect(health.isDown('a')).toBe(true);
    health.up('a');
    expect(health.isDown('a')).toBe(false);
    health.down('a', 'ended', 'x');
    expect(health.isDown('a')).toBe(true);
  });
});
