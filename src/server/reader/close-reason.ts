/**
 * How a connection ended: we closed it, the reader left, its time was over, it read too slowly, it never began because
 * the request was refused, or it could not be given what it missed.
 */
export type CloseReason = 'closed' | 'left' | 'expired' | 'slow' | 'refused' | 'failed'
