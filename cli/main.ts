import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { COMMANDS } from "./command-table.ts";
import { boundYoungGeneration } from "../shared/young-generation.ts";
import { describeError, exitCodeOf } from "./failure.ts";

/** Runs one command line and sets the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(args: string[]): Promise<void> {
  boundYoungGeneration();
  // A reader such as `head` may leave early. That is no failure: the command goes on, and closes what it opened.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  try {
    const program = await createProgram(args);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has printed its own complaint, and help and version are no failure.
    if (!(error instanceof CommanderError)) console.error(describeError(error, args.includes("--verbose")));
    process.exitCode = exitCodeOf(error);
  }
}

/** The whole program; only the commands that `args` name are loaded, so that `--help` stays fast. */
export async function createProgram(args: string[]): Promise<Command> {
  const program = new Command("gogobe")
    .description("Collects the price files that Israeli retailers publish by law into a clean PostgreSQL database.")
    .version(readVersion(), "-V, --version", "print the version")
    .option("--verbose", "say more: debug log lines, and the stack of an error")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(gogobe help <command> shows what it takes)");
  exitThroughMain(program);

  // The first word that is no option is the command; after `help` comes the command that is asked about.
  const words = args.filter((arg) => !arg.startsWith("-"));
  const named = words[0] === "help" ? words[1] : words[0];
  for (const { name, about, load } of COMMANDS) {
    const command = program.command(name).description(about);
    if (name === named) (await load()).configure(command);
    exitThroughMain(command);
  }
  return program;
}

/** Commander throws instead of ending the process, for this command and all below it. */
function exitThroughMain(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitThroughMain);
}

function readVersion(): string {
  const base = import.meta.filename.endsWith(".ts") ? "../package.json" : "../../package.json";
  const manifest = JSON.parse(readFileSync(new URL(base, import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
