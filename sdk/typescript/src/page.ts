import type { components } from "./api.ts";

export type PageInfo = components["schemas"]["PagedMeta"];
interface Listed<T> {
  data: T[];
  meta: PageInfo;
}

/** One page of a list: its entries, and `all()` goes on through the pages after it. */
export class Page<T> implements Iterable<T> {
  readonly data: T[];
  readonly meta: PageInfo;
  readonly #read: (page: number) => Promise<Page<T>>;

  constructor(data: T[], meta: PageInfo, read: (page: number) => Promise<Page<T>>) {
    this.data = data;
    this.meta = meta;
    this.#read = read;
  }

  /** Reads a page; `change` makes what is listed of what was answered. */
  static async read<A, T>(
    ask: (page: number | undefined) => Promise<Listed<A>>,
    change: (entry: A) => T,
    page?: number,
  ): Promise<Page<T>> {
    const { data, meta } = await ask(page);
    return new Page(data.map(change), meta, (next) => Page.read(ask, change, next));
  }

  get length(): number {
    return this.data.length;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.data[Symbol.iterator]();
  }

  async nextPage(): Promise<Page<T> | undefined> {
    return this.meta.has_next ? this.#read(this.meta.page + 1) : undefined;
  }

  /** Goes through the entries of this page and of all pages after it, which are read when they are needed. */
  async *all(): AsyncGenerator<T, void, undefined> {
    for (let page: Page<T> | undefined = this; page !== undefined; page = await page.nextPage()) yield* page.data;
  }
}
