/** Users and groups of the host, from the text of passwd(5) and group(5). Who reads the files is a source's business. */

export interface User {
  readonly name: string
  readonly home: string
  readonly shell: string
}

export interface UserDatabase {
  /** Replace all users by those of a passwd file. */
  setPasswd(text: string): void
  /** Replace all groups by those of a group file. */
  setGroup(text: string): void
  user(uid: number): User | undefined
  groupName(gid: number): string | undefined
  /** Names of all users, by number. */
  userNames(): ReadonlyMap<number, string>
  /** Lines of the present texts that were no entries, and entries beyond the limit. */
  readonly counters: { readonly badLines: number; readonly overLimit: number }
}

/** Names of users in the text of a passwd file, by number. */
export function namesIn(passwd: string): ReadonlyMap<number, string> {
  const users = createUserDatabase()
  users.setPasswd(passwd)
  return users.userNames()
}

const ID_MAX = 0xffffffff

/** `max`: users and groups kept, each. The first entry of an id wins, as in getpwuid(3). */
export function createUserDatabase({ max = 65536 }: { readonly max?: number } = {}): UserDatabase {
  let users = new Parsed<User>(max)
  let groups = new Parsed<string>(max)
  return {
    setPasswd(text) {
      users = new Parsed<User>(max)
      for (const line of entries(text)) {
        const [name = '', , uid, gid, , home = '', shell = ''] = line.split(':')
        users.add(idOf(uid), name, gid === undefined ? undefined : { name, home, shell })
      }
    },
    setGroup(text) {
      groups = new Parsed<string>(max)
      for (const line of entries(text)) {
        const [name = '', , gid] = line.split(':')
        groups.add(idOf(gid), name, name)
      }
    },
    user: (uid) => users.byId.get(uid),
    groupName: (gid) => groups.byId.get(gid),
    userNames: () => new Map([...users.byId].map(([uid, { name }]) => [uid, name])),
    get counters() {
      return {
        badLines: users.badLines + groups.badLines,
        overLimit: users.overLimit + groups.overLimit,
      }
    },
  }
}

class Parsed<T> {
  readonly byId = new Map<number, T>()
  readonly #max: number
  badLines = 0
  overLimit = 0

  constructor(max: number) {
    this.#max = max
  }

  add(id: number | undefined, name: string, value: T | undefined): void {
    if (id === undefined || name === '' || value === undefined) this.badLines++
    else if (this.byId.has(id)) return
    else if (this.byId.size >= this.#max) this.overLimit++
    else this.byId.set(id, value)
  }
}

/** Lines that claim to be entries: comments, empty lines and NIS markers (`+`, `-`) are none. */
const entries = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.trim() !== '' && !/^[#+-]/.test(line))

function idOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const id = Number(text)
  return id <= ID_MAX ? id : undefined
}
