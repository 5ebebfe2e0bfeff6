import { type Command, Option } from "commander";
import type { ChainsListFlags } from "../chains-report.ts";
import { contextOf } from "../context.ts";
import { type CheckCommandFlags, withCheckOptions } from "../check-options.ts";
import { type Runtime, withRuntime } from "../runtime.ts";
import type { NewChainFlags } from "../scaffold/new-chain.ts";
import type { NewPortalFlags } from "../scaffold/new-portal.ts";
import { printNewPortal } from "../scaffold/print-new-portal.ts";
import { printNewChain, withNewChainOptions } from "../scaffold/new-chain-options.ts";

export function configure(command: Command): void {
  const inRuntime = (use: (runtime: Runtime) => Promise<void>) => withRuntime(contextOf(command, { quiet: true }), use);

  command
    .command("list", { isDefault: true })
    .description("every chain: how its last listing went, and whether its hosts are left alone")
    .addOption(new Option("--status <word>", "those of one status only").choices(["active", "unstable", "retired"]))
    .option("--portal <family>", "those of one portal family only")
    .option("--json", "print a JSON array")
    .option("--csv", "print CSV")
    .action((options: ChainsListFlags) =>
      inRuntime(async (runtime) => {
        const { listChains } = await import("../chains-report.ts");
        await listChains(runtime, options);
      }),
    );

  command
    .command("show")
    .description("one chain: its registry entry, its last listing, its hosts, its files")
    .argument("<key>", "registry key, for example shufersal")
    .option("--json", "print a JSON object")
    .action((key: string, options: { json?: boolean }) =>
      inRuntime(async (runtime) => {
        const { showChain } = await import("../chains-report.ts");
        await showChain(runtime, key, options);
      }),
    );

  withNewChainOptions(command.command("new").description("add a chain on a portal family that is known")).action(
    async (key: string, options: NewChainFlags & { json?: boolean }) => {
      const { newChain } = await import("../scaffold/new-chain.ts");
      printNewChain(await newChain(contextOf(command, { quiet: true }).config, key, options), options);
    },
  );

  command
    .command("new-portal")
    .description("begin a portal family: a plugin with its fake portal and a test that passes")
    .argument("<name>", "its name: lower-case words with dashes between them")
    .option("--dir <folder>", "outside the package: the folder that the plugin goes into")
    .option(
      "--file <path>",
      "with --dir: the chains file that names it; default: the one that GOGOBE_CHAINS_FILE names",
    )
    .option("--json", "print a JSON object")
    .action(async (name: string, options: NewPortalFlags & { json?: boolean }) => {
      const { newPortal } = await import("../scaffold/new-portal.ts");
      printNewPortal(newPortal(contextOf(command, { quiet: true }).config, name, options), options);
    });

  withCheckOptions(command.command("check")).action((keys: string[], options: CheckCommandFlags) =>
    inRuntime(async (runtime) => {
      const { checkChains } = await import("../check-chains.ts");
      await checkChains(runtime, keys, options);
    }),
  );
}
