/** Joins two sorted streams. */

/** The items of both, in order. Each is read one item ahead and closed at the end. */
export async function* mergeSorted<T>(a: AsyncGenerator<T>, b: AsyncGenerator<T>, compare: (a: T, b: T) => number): AsyncGenerator<T> {
  try {
    let [left, right] = [await a.next(), await b.next()];
    while (!left.done || !right.done) {
      if (right.done || (!left.done && compare(left.value, right.value) <= 0)) {
        yield left.value as T;
        left = await a.next();
      } else {
        yield right.value;
        right = await b.next();
      }
    }
  } finally {
    await a.return(undefined);
    await b.return(undefined);
  }
}
