/** `3 min ago`; `never` for no time. */
export function ago(at: string | null, now: Date): string {
  if (at === null) return 'never';
  const seconds = Math.round((now.getTime() - Date.parse(at)) / 1000);
  return seconds < 5 ? 'just now' : `${duration(seconds)} ago`;
}

/** `in 3 min`; `-` for no time. */
export function ahead(at: string | null, now: Date): string {
  if (at === null) return '-';
  const seconds = Math.round((Date.parse(at) - now.getTime()) / 1000);
  return seconds < 5 ? 'now' : `in ${duration(seconds)}`;
}

/** Seconds for people, in the largest unit of which there are two. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Bytes for people, in powers of 1024. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KB`;
  return `${(count / 1024 ** 2).toFixed(1)} MB`;
}
