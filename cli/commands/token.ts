// Tokens are made and revoked straight in etcd: that works before there is any user.
import { type CommandSpec, outputFlag } from "../command.ts";
import { etcdFlag } from "./processes.ts";

export const tokenCreate: CommandSpec = {
  name: "token create",
  group: "Admin",
  summary: "Make a token for a user or a node, straight in etcd.",
  args: "[name]",
  examples: [
    ["steady token create admin", "may do everything; the token is printed once"],
    ["steady token create dashboard --role reader", "may read everything but secrets"],
    ["steady token create --node nas --out nas.token", "for the agent of node nas: steady agent --token-file"],
  ],
  flags: [
    etcdFlag,
    { name: "role", value: "role", choices: ["admin", "reader"], about: "admin or reader (default: admin)", lineOnly: true },
    { name: "node", value: "name", about: "For this node's agent: it may open the node's tunnel, and nothing else", lineOnly: true },
    { name: "out", value: "file", about: "Write it to a new file of mode 0600 (default: stdout)", lineOnly: true },
  ],
  notes: ["Run it where etcd can be reached: it works before there is any user."],
  async run(ctx, args) {
    return (await import("../process/token.ts")).createToken(ctx, args);
  },
};

export const tokenLs: CommandSpec = {
  name: "token ls",
  aliases: ["token list"],
  group: "Admin",
  summary: "List the tokens: whose they are and what for. Their secrets are kept nowhere.",
  examples: [
    ["steady token ls", "all tokens, oldest first"],
    ["steady token ls -o json", "for programs"],
  ],
  flags: [etcdFlag, outputFlag(["json"])],
  notes: ["Audit lines of the server name the ID of the token that was used (`tokenId`)."],
  async run(ctx) {
    return (await import("../process/token.ts")).listTokens(ctx);
  },
};

export const tokenRevoke: CommandSpec = {
  name: "token revoke",
  group: "Admin",
  summary: "Revoke a token: within 5 seconds no server takes it any more.",
  args: "[token]",
  examples: [
    ["steady token revoke 3f9c0e51a2b47d68", "by its ID, as `steady token ls` shows it"],
    ["steady token revoke --node nas", "all tokens of a node's agent: its tunnel ends"],
  ],
  flags: [etcdFlag, { name: "node", value: "name", about: "All tokens of this node", lineOnly: true }],
  notes: [
    "The whole token is taken, too; but what is typed is kept in the shell's history. What runs with a token (logs -f, exec, a watch) ends.",
  ],
  async run(ctx, args) {
    return (await import("../process/token.ts")).revokeTokens(ctx, args);
  },
};
