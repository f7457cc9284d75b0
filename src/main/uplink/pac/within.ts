/** What a promise gives, or `undefined` when it takes longer than `ms` or rejects. */
export async function within<T>(ms: number, asked: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  const answer = await Promise.race([asked.catch(() => undefined), deadline]);
  clearTimeout(timer);
  return answer;
}
