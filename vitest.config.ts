import { defineConfig } from "vitest/config";

const rooms = "{schemas,store,api,controller,node-agent,cli,dashboard,bench,test,scripts}";

export default defineConfig({
  test: {
    projects: [
      // Unit tests are fast, but a machine may be busy: the deadline is for what hangs. They keep nothing in modules, so that files may
      // share a worker: most of the time went into starting one for each.
      {
        test: {
          name: "unit",
          testTimeout: 60_000,
          isolate: false,
          include: [`${rooms}/**/*.test.ts`],
          exclude: ["**/*.real.test.ts", "test/{e2e,kubectl,drift}/**", "**/node_modules/**"],
        },
      },
      // Real etcd, real Docker: each file starts what it needs and takes it away again.
      { test: { name: "real", include: [`${rooms}/**/*.real.test.ts`], testTimeout: 120_000, hookTimeout: 120_000 } },
      { test: { name: "e2e", include: ["test/{e2e,kubectl,drift}/**/*.test.ts"], testTimeout: 180_000, hookTimeout: 240_000 } },
    ],
  },
});
