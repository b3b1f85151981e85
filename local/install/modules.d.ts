/** The installers are plain JavaScript, since they run before anything is built: their tests read them untyped. */
declare module '*.mjs';
