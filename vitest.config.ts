import { defineConfig } from "vitest/config";

const databaseSetup = "test/helpers/database-setup.ts";

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      // Seconds at most, but a busy machine may stretch them.
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 30_000 } },
      {
        extends: true,
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          globalSetup: databaseSetup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: databaseSetup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: databaseSetup,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      // Needs the engines that infra/native/up starts; each test file takes a part of them for itself.
      {
        extends: true,
        test: {
          name: "fleet",
          include: ["test/fleet/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          globalSetup: databaseSetup,
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
