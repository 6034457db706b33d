package neo4j

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"keymaker/reconcile"
)

// snapshot is what a Read saw of the server. Steps are made from it, without another look.
type snapshot struct {
	version  string
	edition  string
	byToken  bool // Keymaker is logged in with a provider's token
	aura     bool
	user     string   // who Keymaker is logged in as
	ownRoles []string // that user's roles, PUBLIC among them
	roles    map[string]liveRole
	rolesErr error              // why roles were not read
	renamed  map[string]string  // roles that a moved block renames, old name to new
	parsed   map[string]Command // rows without their roles, while they are read
	asked    map[string]bool    // roles that the spec declares
	lists    *privilegeLists    // while steps are made
	// issuers are the connections whose tokens a provider takes, as its block says; a provider without a reference has none.
	issuers map[reconcile.Addr][]string
	// The names of what the spec speaks of, also to say that it must not exist, before and after a move.
	claimedRoles, claimedUsers, claimedProviders map[string]bool
	users                                        map[string]liveUser
	usersErr                                     error // why users were not read
	members                                      []memberState
	seats                                        map[string][]seat // where each database is, by its name; nil where nobody asked, or may know
	conf                                         Conf
	confErr                                      error
}

// lacks says which newer version a privilege needs, "" when this one takes it. Cypher 25 came with 2025.06 (Operations Manual, "Cypher version configuration").
func (s snapshot) lacks(n Needs) string {
	switch {
	case n == NeedsNothing:
		return ""
	case !s.calendar():
		return "a calendar version of Neo4j (2025.01 or newer)"
	case n == NeedsCypher25 && !s.atLeast(2025, 6):
		return "Cypher 25, which came with 2025.06"
	}
	return ""
}

// atLeast compares the server's version.
func (s snapshot) atLeast(major, minor int) bool {
	_, rest, _ := strings.Cut(s.version, ".")
	return majorOf(s.version) > major || majorOf(s.version) == major && majorOf(rest) >= minor
}

// calendar says whether the server's version is one of the calendar versions (2025.01 and later).
func (s snapshot) calendar() bool { return majorOf(s.version) >= 2025 }

func majorOf(version string) int {
	major, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(major)
	return n
}

// Read reads the roles, users and providers that want names. It takes a query each for the version, the session's user, the roles, the privileges and the users, one
// for the members of a cluster, and one for each member's settings, whatever the number of objects. The longest chain of them is three: the version, the members, and
// their settings.
func (s *System) Read(ctx context.Context, want []reconcile.Object) (reconcile.Live, error) {
	s.client.takeCalls()
	seen := snapshot{aura: s.aura.Load(), byToken: s.client.byToken(), roles: make(map[string]liveRole), asked: make(map[string]bool), issuers: make(map[reconcile.Addr][]string),
		claimedRoles: make(map[string]bool), claimedUsers: make(map[string]bool), claimedProviders: make(map[string]bool)}
	if err := s.readServer(ctx, &seen); err != nil {
		return reconcile.Live{Target: s.place()}, err
	}
	live := reconcile.Live{Unread: make(map[reconcile.Addr]error)}
	var roles, users, providers []reconcile.Object
	for _, o := range want {
		seen.claim(o)
		switch o.Addr.Kind {
		case kindRole:
			roles = append(roles, o)
			if !o.Absent {
				seen.asked[liveName(o)] = true
			}
		case kindUser:
			users = append(users, o)
		case kindProvider:
			providers = append(providers, o)
			if from := issuersOf(o); from != nil {
				seen.issuers[o.Addr] = from
			}
		}
	}
	if err := s.readRest(ctx, &seen, len(providers)+countExternal(users) > 0); err != nil {
		return reconcile.Live{Target: s.place()}, err
	}
	s.liveRoles(&live, seen, roles)
	seen.renameRoles(roles)
	s.liveUsers(&live, seen, users)
	if len(providers)+countExternal(users) > 0 && !seen.aura {
		if seen.hidesSettings() { // Aura, reached by another name than its own
			seen.aura, seen.members = true, nil
			s.aura.Store(true)
		} else {
			s.liveProviders(&live, seen, providers)
		}
	}
	slices.SortFunc(live.Objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	live.Target = s.target(seen)
	s.mu.Lock()
	s.seen = seen
	s.mu.Unlock()
	return live, nil
}

// readRest reads what does not depend on each other, at the same time and each on a connection of its own. The first connection has logged in by then: a server locks out
// who tries a wrong password several times (Operations Manual, "Configuration settings", dbms.security.auth_max_failed_attempts). Of several errors it is the same one
// each time.
func (s *System) readRest(ctx context.Context, seen *snapshot, settings bool) error {
	var user, roles, users, members error
	var all sync.WaitGroup
	all.Go(func() { user = s.readCurrentUser(ctx, seen) })
	all.Go(func() { roles = s.readRoles(ctx, seen) })
	all.Go(func() { users = s.readUsers(ctx, seen) })
	if settings && !seen.aura {
		all.Go(func() { members = s.readSettings(ctx, seen) })
	}
	all.Wait()
	return cmp.Or(user, roles, users, members)
}

// How long a statement takes, for forecasts: by itself, and among others of a transaction. Both are assumptions, for a server near by.
const (
	usualCall  = 10 * time.Millisecond
	usualAlong = 2 * time.Millisecond
)

// place is the server as it is named before anybody knows what it is.
func (s *System) place() reconcile.Target {
	url := *s.uri
	url.RawQuery = ""
	return reconcile.Target{System: s.Name(), Title: strings.TrimSpace("Neo4j " + s.name), URL: url.String()}
}

// hidesSettings says whether the server has no SHOW SETTINGS at all.
func (s snapshot) hidesSettings() bool {
	return len(s.members) > 0 && !slices.ContainsFunc(s.members, func(m memberState) bool { return codeOf(m.err) != codeUnsupported })
}

// claim notes the names of what a want speaks of.
func (s *snapshot) claim(o reconcile.Object) {
	names := map[string]map[string]bool{kindRole: s.claimedRoles, kindUser: s.claimedUsers, kindProvider: s.claimedProviders}[o.Addr.Kind]
	for _, name := range append([]string{liveName(o)}, o.Formerly...) {
		names[name] = true
	}
}

func (s *System) target(seen snapshot) reconcile.Target {
	url := *s.uri
	url.RawQuery = ""
	product := strings.ToUpper(seen.edition[:1]) + seen.edition[1:] + " " + seen.version
	switch n := len(seen.members); {
	case n == 1:
		product += ", 1 member"
	case n > 1:
		product += fmt.Sprintf(", %d members", n)
	}
	return reconcile.Target{
		System: s.Name(), Title: strings.TrimSpace("Neo4j " + s.name), URL: url.String(), Product: product, Pace: reconcile.Pace{Call: usualCall, Along: usualAlong, Parallel: s.Parallel()},
		Calls: []reconcile.Tally{{What: "query", N: s.client.takeCalls()}},
	}
}

// readServer finds out what the server is.
func (s *System) readServer(ctx context.Context, seen *snapshot) error {
	uri := s.uri.String()
	rows, err := s.client.query(ctx, uri, "CALL dbms.components() YIELD name, versions, edition", nil)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if versions := r.texts("versions"); r.text("name") == "Neo4j Kernel" && len(versions) > 0 { // newer servers list Cypher too
			seen.version, seen.edition = versions[0], r.text("edition")
		}
	}
	s.client.setEdition(seen.edition)
	switch {
	case seen.version == "" || seen.edition == "":
		return &ConnectError{Server: uri, Reason: "dbms.components does not say what this server is", Remedy: "Keymaker needs Neo4j Enterprise 5.26 or newer."}
	case seen.edition == "community":
		return communityEdition(uri, nil)
	case tooOld(seen.version):
		return &ConnectError{Server: uri, Reason: "this is Neo4j " + seen.version, Remedy: "Keymaker needs 5.26 LTS or a calendar version (2025.01 and later)."}
	}
	return nil
}

// readCurrentUser finds out who Keymaker is there.
func (s *System) readCurrentUser(ctx context.Context, seen *snapshot) error {
	uri := s.uri.String()
	rows, err := s.client.query(ctx, uri, "SHOW CURRENT USER YIELD user, roles", nil)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return &ConnectError{Server: uri, Reason: "the server does not say who is logged in: dbms.security.auth_enabled is false, or the user was dropped", Remedy: "Keymaker does not change a server that lets everybody in. Switch authentication on."}
	}
	seen.user, seen.ownRoles = rows[0].text("user"), rows[0].texts("roles")
	return nil
}

func tooOld(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && (majorOf(version) < 5 || majorOf(version) == 5 && minor < 26)
}

// liveName is the name that a wanted object has on the server.
func liveName(o reconcile.Object) string {
	if name := o.TextAttr("name"); name != "" {
		return name
	}
	return o.Addr.Name
}

// liveRole is a role as the server has it.
type liveRole struct {
	immutable      bool
	grants, denies rowSet
	patterns       map[Access][]patternRow  // rows of several atoms that are not immutable, which are rules over several labels
	alone          map[Access]map[Atom]bool // atoms of rules that have a row to themselves
	foreign        []string                 // rows that do not parse, as the server prints them
}

// rows are those of an access.
func (r liveRole) rows(access Access) rowSet {
	if access == AccessDeny {
		return r.denies
	}
	return r.grants
}

// with is the role with rows of these atoms too.
func (r liveRole) with(access Access, atoms []Atom, immutable bool) liveRole {
	rows := &r.grants
	if access == AccessDeny {
		rows = &r.denies
	}
	if *rows == nil {
		*rows = make(rowSet)
	}
	for _, a := range atoms {
		rows.add(a, immutable)
	}
	return r
}

// has says whether the server has a role.
func (s snapshot) has(role string) bool {
	_, there := s.roles[role]
	return there
}

// readRoles reads all roles and, at the same time, all privileges. A refusal is kept for the objects that need them; anything else is an error.
func (s *System) readRoles(ctx context.Context, seen *snapshot) error {
	uri := s.uri.String()
	var roles, privileges error
	listed := make(chan struct{}) // closed when the roles are known, or never will be
	var both sync.WaitGroup
	both.Go(func() {
		defer close(listed)
		var rows []row
		if rows, roles = s.client.query(ctx, uri, "SHOW ROLES YIELD role, immutable", nil); roles != nil {
			return
		}
		for _, r := range rows {
			seen.roles[r.text("role")] = liveRole{immutable: r.flag("immutable")}
		}
	})
	untouched := true // by a row of the latest try
	both.Go(func() {
		privileges = s.client.each(ctx, uri, "SHOW PRIVILEGES AS COMMANDS YIELD command, immutable", func() { untouched = true }, func(r row) {
			if untouched {
				<-listed
				seen.emptyRoles()
				untouched = false
			}
			seen.takePrivilege(r.text("command"), r.flag("immutable"))
		})
	})
	both.Wait()
	if untouched {
		seen.emptyRoles()
	}
	seen.parsed = nil
	return keepRefusal(cmp.Or(roles, privileges), &seen.rolesErr)
}

// emptyRoles lets every role have no privilege.
func (s *snapshot) emptyRoles() {
	for name, role := range s.roles {
		s.roles[name] = liveRole{immutable: role.immutable}
	}
}

// keepRefusal stores a server's no, and gives back every other error.
func keepRefusal(err error, into *error) error {
	var no *reconcile.Refusal
	if err == nil || !errors.As(err, &no) || codeOf(err) != codeForbidden {
		return err
	}
	*into = err
	return nil
}

// takePrivilege files one row of SHOW PRIVILEGES AS COMMANDS. There is no role column: the role is read from the end of the row, also when the rest is
// not understood.
func (s *snapshot) takePrivilege(text string, immutable bool) {
	c, err := s.parse(text)
	if err != nil {
		name := roleAtEnd(text)
		if role, ok := s.roles[name]; ok {
			role.foreign = append(role.foreign, text)
			s.roles[name] = role
		}
		return
	}
	role, ok := s.roles[c.Role]
	if !ok {
		return
	}
	access := c.Verb.Access()
	role = role.with(access, c.Atoms, immutable || c.Immutable)
	if c.Atoms[0].hasRule() && !immutable && !c.Immutable {
		role = role.withRule(access, c.Atoms)
	}
	s.roles[c.Role] = role
}

// patternRow is a row about several labels at once, such as FOR (n:A|B) WHERE n.p = 1. Whether Neo4j keeps it so or as a row a label is not documented; it means the same.
type patternRow []Atom

// withRule keeps which rows a role's rules came in.
func (r liveRole) withRule(access Access, atoms []Atom) liveRole {
	if r.patterns == nil {
		r.patterns, r.alone = make(map[Access][]patternRow), map[Access]map[Atom]bool{AccessGrant: {}, AccessDeny: {}}
	}
	if len(atoms) == 1 {
		r.alone[access][atoms[0]] = true
		return r
	}
	r.patterns[access] = append(r.patterns[access], atoms)
	return r
}

// split says how to take atoms away: rows that only their own pattern names are revoked whole, and what was to stay of them is given by itself before.
func (r liveRole) split(access Access, revoked []Atom) (give []Atom, whole []patternRow, each []Atom) {
	leaves, inPattern := make(map[Atom]bool, len(revoked)), make(map[Atom]bool)
	for _, a := range revoked {
		leaves[a] = true
	}
	for _, row := range r.patterns[access] {
		if !slices.ContainsFunc(row, func(a Atom) bool { return leaves[a] }) {
			continue
		}
		whole = append(whole, row)
		for _, a := range row {
			inPattern[a] = true
			if !leaves[a] && !r.alone[access][a] {
				give = append(give, a)
			}
		}
	}
	each = slices.DeleteFunc(slices.Clone(revoked), func(a Atom) bool { return inPattern[a] && !r.alone[access][a] })
	return give, whole, each
}

// parse is ParseCommand for many rows: what comes before the role is looked at once, since many roles hold the same privileges.
func (s *snapshot) parse(text string) (Command, error) {
	at := strings.LastIndex(text, " TO `")
	if at < 0 || !strings.HasSuffix(text, "`") {
		return ParseCommand(text)
	}
	role := text[at+len(" TO `") : len(text)-1]
	if !roleName.MatchString(role) {
		return ParseCommand(text)
	}
	body := text[:at]
	c, seen := s.parsed[body]
	if !seen {
		var err error
		if c, err = ParseCommand(text); err != nil {
			return c, err
		}
		if s.parsed == nil || len(s.parsed) > 4096 { // enough for what roles share; a cache of rows that are all different would only take memory
			s.parsed = make(map[string]Command)
		}
		s.parsed[body] = c
	}
	c.Role = role
	return c, nil
}

// roleAtEnd reads the role from "… TO `role`". A role's name holds no backtick.
func roleAtEnd(text string) string {
	text = strings.TrimSpace(text)
	at := max(strings.LastIndex(text, " TO "), strings.LastIndex(text, " FROM "))
	if at < 0 {
		return ""
	}
	words := strings.Fields(text[at:])
	return strings.Trim(words[len(words)-1], "`;")
}

// claim notes that a want means the live object of a name, and is false, with the reason in live, where it cannot: another does so too, or the objects were not read.
func claim(live *reconcile.Live, claimed map[string]reconcile.Addr, a reconcile.Addr, name string, unread error) bool {
	if other, twice := claimed[name]; twice {
		err := fmt.Errorf("%s and %s are both %s %q: keep one", other, a, a.Kind, name)
		live.Unread[other], live.Unread[a] = err, err
		return false
	}
	claimed[name] = a
	if unread != nil {
		live.Unread[a] = unread
	}
	return unread == nil
}

// liveRoles makes the wanted roles' live objects.
func (s *System) liveRoles(live *reconcile.Live, seen snapshot, want []reconcile.Object) {
	claimed := make(map[string]reconcile.Addr)
	shown := make(printer)
	for _, w := range want {
		name := seen.roleName(w)
		if !claim(live, claimed, w.Addr, name, seen.rolesErr) {
			continue
		}
		if role, ok := seen.roles[name]; ok {
			o := liveRoleObject(w, name, role, shown)
			o.ShareWith(w)
			live.Objects = append(live.Objects, o)
		}
	}
}

// roleName is the name under which the server has a wanted role: the newest of before a move that is there, while the new one is not.
func (s snapshot) roleName(w reconcile.Object) string {
	return nameOf(w, s.roles)
}

// nameOf is the name under which the server has what is wanted, of those that it has: the newest of before moved blocks, while its own is not there.
func nameOf[T any](w reconcile.Object, there map[string]T) string {
	names := append([]string{liveName(w)}, w.Formerly...)
	if i := slices.IndexFunc(names, func(name string) bool { _, ok := there[name]; return ok }); i >= 0 {
		return names[i]
	}
	return names[0]
}

// renameRoles gives the users' roles the names that they have after the plan, where a moved block renames a role: its members keep it.
func (s *snapshot) renameRoles(want []reconcile.Object) {
	names := make(map[string]string)
	for _, w := range want {
		if was := s.roleName(w); was != liveName(w) {
			names[was] = liveName(w)
		}
	}
	s.renamed = names
	for name, user := range s.users {
		for i, role := range user.roles {
			if is, renamed := names[role]; renamed {
				user.roles[i] = is
			}
		}
		s.users[name] = user
	}
}

// liveRoleObject shows a role in the want's terms. Immutable rows that the spec does not want, and rows that Keymaker does not understand, are facts and
// not attributes: nothing can be planned about them, so they must not be drift.
func liveRoleObject(w reconcile.Object, name string, role liveRole, printed printer) reconcile.Object {
	o := reconcile.Object{Addr: w.Addr, Attrs: make([]reconcile.Attr, 0, 3), Needs: w.Needs, Protected: protection(name, role), Facts: map[string]reconcile.Value{}}
	o.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(name)})
	for _, field := range []struct {
		name string
		rows rowSet
	}{{"grant", role.grants}, {"deny", role.denies}} {
		wanted := reconcile.Members(w.Get(field.name))
		shown := make([]string, 0, len(field.rows))
		var fixed []string
		for a, immutable := range field.rows {
			if text := printed.text(a); immutable && !slices.Contains(wanted, reconcile.Value(reconcile.Text(text))) {
				fixed = append(fixed, text)
			} else {
				shown = append(shown, text)
			}
		}
		o.Set(reconcile.Attr{Name: field.name, Value: reconcile.TextSet(shown...)})
		if len(fixed) > 0 {
			o.Facts["immutable_"+field.name] = reconcile.TextSet(fixed...)
			o.Notes = append(o.Notes, reconcile.Note{Label: "immutable", Text: fmt.Sprintf("%d rows of %s that the spec does not name stay: Neo4j removes them with authentication switched off only", len(fixed), field.name)})
		}
	}
	if len(role.foreign) > 0 {
		o.Facts["not_understood"] = reconcile.TextSet(role.foreign...)
		for _, text := range uniqueSorted(role.foreign) {
			o.Notes = append(o.Notes, reconcile.Note{Label: "not understood", Text: text})
		}
	}
	return o
}

// builtIn are the roles that Neo4j ships (Operations Manual, "Built-in roles").
var builtIn = []string{"admin", "architect", "editor", "publisher", "reader"}

// protection says why a role must not be deleted, "" when it may be.
func protection(name string, role liveRole) string {
	switch {
	case name == publicRole:
		return "'PUBLIC' is a reserved role"
	case strings.HasPrefix(name, "console_"):
		return "Aura made this role for its console"
	case role.immutable:
		return "it is an immutable role"
	case slices.Contains(builtIn, name):
		return "it is a role that Neo4j ships"
	}
	return ""
}
