import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './scripts/compressed.ts';
import { fontNotice } from './scripts/font-notice.ts';

/** The server behind `npm run dev`. */
const TARGET = process.env.TAMAS_CONSOLE_TARGET ?? 'http://127.0.0.1:8080';

/** Notices of everything that is bundled. */
const LICENSES = 'licenses.txt';

export default defineConfig({
  base: '/console/',
  plugins: [react(), fontNotice(LICENSES), compressed()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // The server puts the nonce of each response in its place.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: process.env.TAMAS_CONSOLE_BUILT ?? '../src/tamas/console/static',
    emptyOutDir: true,
    assetsDir: 'assets',
    // Everything comes from 'self': no data: addresses that the content security policy would refuse.
    assetsInlineLimit: 0,
    sourcemap: false,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: '.vite/manifest.json',
    license: { fileName: LICENSES },
  },
  server: {
    port: 5173,
    proxy: {
      '/api': {
        target: TARGET,
        changeOrigin: true,
        ws: true,
        // The console refuses other origins; to it, the pages of this development server are its own.
        configure: (proxy) => {
          proxy.on('proxyReq', (request) => request.setHeader('origin', TARGET));
          proxy.on('proxyReqWs', (request) => request.setHeader('origin', TARGET));
        },
      },
    },
  },
});
