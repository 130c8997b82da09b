/** What may be asked about the host's own links: the type of `connection.interfaces`. */

/** A link of the host, as libvirt's interface driver tells it. */
export interface InterfaceInfo {
  name: string;
  mac: string;
  active: boolean;
  /** What runs; of one that does not, what is stored. */
  xml: string;
  /** The stored definition: only when asked for, and where the host's driver keeps them apart. */
  inactiveXml?: string;
}

/**
 * Calls on the host's own links. The driver of current distributions (udev) only reads: all that changes something rejects there with
 * class "unsupported" (netcf could). A link that there is not is class "not-found".
 */
export interface Interfaces {
  /**
   * All links of the host, loopback too, or those that are up (or are not) (virConnectListAllInterfaces).
   *
   * @param options `active`: default all. `inactive: true` reads the stored definition too (`inactiveXml`), one call more a link;
   *   a driver that refuses the question has none, and udev answers with what runs.
   *
   * @example
   * ```ts
   * const up = (await connection.interfaces.list({ active: true })).map(({ name }) => name);
   * ```
   */
  list(options?: { active?: boolean; inactive?: boolean }): Promise<InterfaceInfo[]>;
  /** One link, by name; undefined when it does not exist (virInterfaceLookupByName). `inactive` as for {@link list}. */
  get(name: string, options?: { inactive?: boolean }): Promise<InterfaceInfo | undefined>;
  /** Store a link's definition, or change it; it does not start (virInterfaceDefineXML). Class "invalid-input" for XML that cannot be one. */
  define(xml: string): Promise<void>;
  /** Delete the stored definition (virInterfaceUndefine). */
  undefine(name: string): Promise<void>;
  /** Bring a link up, as it is stored (virInterfaceCreate). Class "invalid-state" when it is up. */
  start(name: string): Promise<void>;
  /** Take a link down (virInterfaceDestroy): it may be the one that this connection uses. Class "invalid-state" when it is down. */
  destroy(name: string): Promise<void>;
  /**
   * Remember the stored definitions as they are, until {@link changeCommit} or {@link changeRollback} (virInterfaceChangeBegin).
   *
   * Class "invalid-state" when a change has begun already.
   *
   * @example
   * ```ts
   * await connection.interfaces.changeBegin();
   * try {
   *   await connection.interfaces.define(xml);
   *   await connection.interfaces.changeCommit();
   * } catch (e) {
   *   await connection.interfaces.changeRollback();
   *   throw e;
   * }
   * ```
   */
  changeBegin(): Promise<void>;
  /** Keep what was changed since {@link changeBegin} (virInterfaceChangeCommit). Class "invalid-state" without one. */
  changeCommit(): Promise<void>;
  /** Put the definitions back as {@link changeBegin} found them (virInterfaceChangeRollback). Class "invalid-state" without one. */
  changeRollback(): Promise<void>;
}
