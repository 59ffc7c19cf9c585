// Requests that are answered with a stream: the log of a pod, and what speaks another protocol after an upgrade.
import type { Verb } from "../kind.ts";
import type { Form, Parameter } from "./operations.ts";

const flag = (name: string, description: string): Parameter => ({ name, type: "boolean", description });
const number = (name: string, description: string): Parameter => ({ name, type: "integer", description });
const text = (name: string, description: string): Parameter => ({ name, type: "string", description });

const CONTAINER = text("container", "Name of the container, which is that of its service. A pod has one, so this may be left out.");
const STDIO = [
  flag("stdin", "Send what the client types."),
  flag("stdout", "Show what the program prints."),
  flag("stderr", "Show its errors, apart from its output; with a terminal both are one."),
  flag("tty", "Run it in a terminal."),
  CONTAINER,
];

const LOG: readonly Parameter[] = [
  CONTAINER,
  flag("follow", "Go on as the log grows."),
  flag("previous", "The log of the container that ran before this one."),
  number("tailLines", "Only so many of the last lines."),
  number("sinceSeconds", "Only what is younger than so many seconds."),
  text("sinceTime", "Only what is younger than this time (RFC 3339)."),
  flag("timestamps", "Begin each line with its time."),
  number("limitBytes", "At most so many bytes."),
  text("stream", "`All`: what the program prints and its errors. They cannot be had apart."),
  flag("insecureSkipTLSVerifyBackend", "Means nothing here: nodes are reached through tunnels of their own."),
];

/** exec is asked for with GET by WebSocket clients, with POST by SPDY ones. */
const upgraded = (does: string, query: readonly Parameter[]): Partial<Record<Verb, Form>> => {
  const form: Omit<Form, "method"> = { action: "connect", does, query: [...query], answer: "text" };
  return { get: { ...form, method: "get" }, create: { ...form, method: "post", id: "connectPost" } };
};

/** By subresource. */
export const CONNECT: Readonly<Record<string, Partial<Record<Verb, Form>>>> = {
  log: { get: { method: "get", action: "get", does: "Read", query: [...LOG], answer: "text" } },
  exec: upgraded("Run a command (WebSocket, SPDY) by", [
    text("command", "The program and its arguments; given once for each word."),
    ...STDIO,
  ]),
  portforward: upgraded("Connect to ports of the container (WebSocket, SPDY) by", [
    number("ports", "Ports, for WebSocket clients that open one connection for each."),
  ]),
  attach: upgraded("Attach to the program (WebSocket, SPDY) by", STDIO),
};
