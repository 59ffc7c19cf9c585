// Builds the images of the examples from Debian packages, without a registry:
//   steadfleet.local/nginx:1.22     Debian's nginx on port 80
//   steadfleet.local/redis:7.0      Debian's redis-server on port 6379
//   steadfleet.local/postgres:15    Debian's PostgreSQL on port 5432; reads POSTGRES_PASSWORD or the file POSTGRES_PASSWORD_FILE
//   steadfleet.local/python:3.11    Debian's python3 with psycopg2
//   steadfleet.local/busybox:1.35   Debian's busybox-static
//   steadfleet.local/web:1, :2      busybox httpd on port 80 for tests: its page tells the versions apart
// The first five have the names of public images: with docker.io/library in place of steadfleet.local the examples run from there.
// Run: npx tsx examples/images/build.ts [-H unix:///path/docker.sock]
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { appendFile, chmod, copyFile, cp, mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, runAny, which } from "../../test/harness/run.ts";

export const REGISTRY = "steadfleet.local";
export const IMAGES = {
  nginx: `${REGISTRY}/nginx:1.22`,
  redis: `${REGISTRY}/redis:7.0`,
  postgres: `${REGISTRY}/postgres:15`,
  python: `${REGISTRY}/python:3.11`,
  busybox: `${REGISTRY}/busybox:1.35`,
  web: `${REGISTRY}/web:1`,
  web2: `${REGISTRY}/web:2`,
} as const;
export type ImageName = keyof typeof IMAGES;

const cache = fileURLToPath(new URL("../../.steady/images/", import.meta.url));

/** Page and id of the web image: /index.html says its version, /cgi-bin/id who answers. */
const webFiles = (version: string): Record<string, string> => ({
  // PID 1 ignores signals that it has no handler for; with the trap a stop takes no grace period.
  "bin/serve": `#!/bin/sh\ntrap 'exit 0' TERM INT\nhttpd -f -p "\${PORT:-80}" -h /www &\nwait $!\n`,
  "bin/hold": `#!/bin/sh\ntrap 'exit 0' TERM INT\nsleep 100000000 &\nwait $!\n`,
  "www/index.html": `Hello from version ${version}\n`,
  "www/cgi-bin/id": `#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s version ${version} %s\\n' "$(hostname)" "$GREETING"\n`,
});

const NGINX_CONF = `user nobody nogroup;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
  access_log /dev/stdout;
  default_type text/html;
  server {
    listen 80;
    root /usr/share/nginx/html;
  }
}
`;

/** As the image of that name on public registries does it: makes the database once, with the password it is given, then serves as user postgres. */
const POSTGRES_ENTRYPOINT = `#!/bin/sh
set -e
export PGDATA="\${PGDATA:-/var/lib/postgresql/data}"
if [ -n "$POSTGRES_PASSWORD_FILE" ]; then POSTGRES_PASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"; fi
mkdir -p "$PGDATA" /run/postgresql
chown -R postgres:postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$POSTGRES_PASSWORD" ]; then echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is needed" >&2; exit 1; fi
  printf '%s' "$POSTGRES_PASSWORD" > /run/postgresql/password
  chown postgres /run/postgresql/password
  su -s /bin/sh postgres -c "initdb -E UTF8 --locale=C -A scram-sha-256 -U postgres --pwfile=/run/postgresql/password"
  rm /run/postgresql/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
fi
unset POSTGRES_PASSWORD
exec su -s /bin/sh postgres -c "exec postgres -c listen_addresses='*' -c unix_socket_directories=/run/postgresql -c timezone=GMT -c log_timezone=GMT"
`;

interface Recipe {
  /** `docker import -c` lines. */
  changes: string[];
  /** Fills a root file system that has busybox. */
  fill(root: string): Promise<void>;
}

const web = (version: string): Recipe => ({
  changes: ['CMD ["/bin/serve"]', "EXPOSE 80/tcp"],
  fill: (root) => writeAll(root, webFiles(version)),
});

const RECIPES: Record<ImageName, Recipe> = {
  web: web("1"),
  web2: web("2"),
  busybox: { changes: ['CMD ["sh"]'], fill: async () => {} },
  nginx: {
    changes: ['CMD ["nginx", "-g", "daemon off;"]', "EXPOSE 80/tcp"],
    fill: async (root) => {
      for (const dir of ["var/lib/nginx", "var/log/nginx"]) await mkdir(join(root, dir), { recursive: true });
      await writeAll(root, { "etc/nginx/nginx.conf": NGINX_CONF, "usr/share/nginx/html/index.html": "<h1>Welcome to nginx!</h1>\n" });
      await installFromDebian(root, ["nginx"], ["/usr/sbin/nginx"]);
    },
  },
  redis: {
    changes: ['CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", "/data"]', "EXPOSE 6379/tcp", "WORKDIR /data"],
    fill: async (root) => {
      await mkdir(join(root, "data"), { recursive: true });
      await installFromDebian(root, ["redis-tools", "redis-server"], ["/usr/bin/redis-server", "/usr/bin/redis-cli"]);
    },
  },
  postgres: {
    changes: [
      'ENTRYPOINT ["/bin/entrypoint"]',
      "EXPOSE 5432/tcp",
      "VOLUME /var/lib/postgresql/data",
      "ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin TZ=GMT",
    ],
    fill: async (root) => {
      await writeAll(root, { "bin/entrypoint": POSTGRES_ENTRYPOINT });
      const programs = ["postgres", "initdb", "pg_isready", "psql"].map((name) => `/usr/lib/postgresql/15/bin/${name}`);
      // The JIT would bring the whole of LLVM, and is off without its library.
      const trees = ["/usr/lib/postgresql/15/lib", "/usr/share/postgresql/15"];
      await installFromDebian(root, ["postgresql-15", "postgresql-client-15"], programs, trees, /llvm|bitcode/);
      await appendFile(join(root, "etc/passwd"), "postgres:x:999:999:PostgreSQL:/var/lib/postgresql:/bin/sh\n");
      await appendFile(join(root, "etc/group"), "postgres:x:999:\n");
    },
  },
  python: {
    changes: ['CMD ["python3"]', "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1"],
    fill: async (root) => {
      const packages = ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3-psycopg2"];
      const trees = ["/usr/lib/python3.11", "/usr/lib/python3/dist-packages"];
      await installFromDebian(root, packages, ["/usr/bin/python3.11"], trees, /__pycache__|\.pyc$/);
      await symlink("python3.11", join(root, "usr/bin/python3"));
    },
  },
};

/** Builds what is not built yet and loads it into the engine at `host` (`unix://…`). Quick when the engine has it. */
export async function buildImages(host: string, names: ImageName[]): Promise<void> {
  for (const name of names) {
    const recipe = RECIPES[name];
    const tarball = await rootfs(name, recipe);
    const mark = basename(tarball, ".tar");
    const seen = await runAny("docker", ["-H", host, "image", "inspect", "-f", '{{index .Config.Labels "build"}}', IMAGES[name]]);
    if (seen.stdout.trim() === mark) continue;
    const changes = ["ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin", ...recipe.changes, `LABEL build=${mark}`].flatMap((change) => [
      "-c",
      change,
    ]);
    await run("docker", ["-H", host, "import", ...changes, tarball, IMAGES[name]], { timeoutMs: 120_000 });
  }
}

/** The root file system as a tarball in .steady/images, made once for each version of this file. */
async function rootfs(name: string, recipe: Recipe): Promise<string> {
  const hash = createHash("sha256")
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest("hex")
    .slice(0, 12);
  const tarball = join(cache, `${name}-${hash}.tar`);
  if (existsSync(tarball)) return tarball;
  await mkdir(cache, { recursive: true });
  const root = await mkdtemp(join(tmpdir(), "steady-image-"));
  try {
    await busyboxRoot(root);
    await recipe.fill(root);
    // Written beside and renamed, so that two builds at once never see half a tarball.
    const half = `${tarball}.${process.pid}`;
    await run("tar", ["-C", root, "--owner=0", "--group=0", "-cf", half, "."]);
    renameSync(half, tarball);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return tarball;
}

async function busyboxRoot(root: string): Promise<void> {
  const busybox = which("busybox");
  if (!busybox) throw new Error("busybox is missing: run `npm run setup` as root (package busybox-static)");
  if ((await runAny("ldd", [busybox])).code === 0) throw new Error(`${busybox} needs shared libraries: install busybox-static`);
  for (const dir of ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "www/cgi-bin"])
    await mkdir(join(root, dir), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  await copyFile(busybox, join(root, "bin/busybox"));
  await chmod(join(root, "bin/busybox"), 0o755);
  const { stdout } = await run(busybox, ["--list"]);
  for (const applet of stdout.split("\n").filter((one) => one !== "" && one !== "busybox"))
    await symlink("busybox", join(root, "bin", applet));
  await writeAll(root, {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  });
}

/** Scripts (what starts with #!) become executable. */
async function writeAll(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    await chmod(join(root, path), content.startsWith("#!") ? 0o755 : 0o644);
  }
}

/** Unpacks packages, and copies `programs` and all files below `trees` (but for `except`) with every shared library they load into `root`. Installs nothing on the machine. */
async function installFromDebian(
  root: string,
  packages: string[],
  programs: string[],
  trees: string[] = [],
  except?: RegExp,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "steady-debs-"));
  try {
    const unpacked = join(work, "root");
    await mkdir(join(work, "archives/partial"), { recursive: true });
    await download(work, packages);
    for (const dir of [work, join(work, "archives")])
      for (const deb of (await readdir(dir)).filter((file) => file.endsWith(".deb"))) await run("dpkg", ["-x", join(dir, deb), unpacked]);
    const { stdout: libraries } = await run("find", [unpacked, "-name", "*.so*", "-printf", "%h\n"]);
    const LD_LIBRARY_PATH = [...new Set(libraries.split("\n").filter(Boolean))].join(":");
    for (const tree of trees) {
      await cp(join(unpacked, tree), join(root, tree), { recursive: true, verbatimSymlinks: true, filter: (path) => !except?.test(path) });
      const { stdout: shared } = await run("find", [join(root, tree), "-name", "*.so", "-type", "f"]);
      for (const file of shared.split("\n").filter(Boolean)) {
        const { stdout } = await run("ldd", [file], { env: { LD_LIBRARY_PATH } });
        await copyLibraries(root, stdout);
      }
    }
    for (const program of programs) {
      let file = join(unpacked, program);
      // redis-server is a link to redis-check-rdb: one program that looks at its own name.
      const link = await readlink(file).catch(() => undefined);
      if (link !== undefined) file = join(dirname(file), basename(link));
      await mkdir(dirname(join(root, program)), { recursive: true });
      await copyFile(file, join(root, program));
      await chmod(join(root, program), 0o755);
      const { stdout } = await run("ldd", [file], { env: { LD_LIBRARY_PATH } });
      await copyLibraries(root, stdout);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The packages themselves, and those of their dependencies that this machine lacks: libraries that it has are taken from it. */
async function download(work: string, packages: string[]): Promise<void> {
  const fetch = async (): Promise<void> => {
    await run("apt-get", ["download", "-q", ...packages], { cwd: work, timeoutMs: 180_000 });
    const only = ["install", "-q", "-y", "--no-install-recommends", "--download-only", "-o", `Dir::Cache::archives=${work}/archives`];
    await run("apt-get", [...only, ...packages], { timeoutMs: 180_000 });
  };
  // As root apt hands the download to its own user, who must be able to write here.
  await chmod(work, 0o777);
  await fetch().catch(async () => {
    await run("apt-get", ["update", "-q"], { timeoutMs: 180_000 });
    await fetch();
  });
}

/** ldd prints `name => /path (0x…)`, and the loader as a bare path. The loader must lie where the program asks for it. */
async function copyLibraries(root: string, ldd: string): Promise<void> {
  for (const line of ldd.split("\n")) {
    const [, asked, found] = /^\s*(\S+)(?: => (\/\S+))? \(0x/.exec(line) ?? [];
    const source = found ?? (asked?.startsWith("/") ? asked : undefined);
    if (asked === undefined || source === undefined) continue;
    const target = join(root, asked.startsWith("/") ? asked : `lib/${asked}`);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
    await chmod(target, 0o755);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf("-H");
  const host = (at > 0 ? process.argv[at + 1] : undefined) ?? process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  await buildImages(host, Object.keys(IMAGES) as ImageName[]);
  process.stdout.write(`${Object.values(IMAGES).join("\n")}\n`);
}
