/** The modules alone, as fast as it goes; declarations and what is CommonJS stay as an earlier build left them. */
export function buildModules(): Promise<void>
