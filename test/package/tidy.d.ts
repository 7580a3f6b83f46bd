/** Tidies the built package as soon as it is imported. */
export {}
