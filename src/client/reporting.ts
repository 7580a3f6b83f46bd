/** Whether a failure that nobody hears is told on the console. */
export const reporting = { isOn: true }
