/** A file's text: Vite knows `?raw`, and `scripts/raw-text.js` teaches it to the build. */
declare module '*?raw' {
  const text: string
  export default text
}
