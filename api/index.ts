export { createToken, revokeToken } from "./auth.ts";
export { type ApiHandle, type ApiOptions, startApi } from "./server.ts";
