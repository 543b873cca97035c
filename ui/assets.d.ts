/** Style sheets and pictures are bundled by esbuild. */
declare module '*.css';
declare module '*.svg' {
  const address: string;
  export default address;
}
