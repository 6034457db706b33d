package neo4j

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// userStep makes a user's change one transaction.
func userStep(seen snapshot, c reconcile.Change, needed rights) (reconcile.Step, error) {
	switch c := c.(type) {
	case reconcile.Create:
		return createUser(seen, c, needed)
	case reconcile.Update:
		return updateUser(seen, c, needed)
	case reconcile.Delete:
		return dropUser(seen, c, needed), nil
	}
	return reconcile.Step{}, fmt.Errorf("no such change: %T", c)
}

func createUser(seen snapshot, c reconcile.Create, needed rights) (reconcile.Step, error) {
	name := liveName(c.Want)
	auth, _ := c.Want.Get(attrAuth).(reconcile.Map)
	if len(auth) == 0 {
		return reconcile.Step{}, fmt.Errorf(`user %s does not exist, and Neo4j makes none without a way in: add auth "native" { password = env("NAME") }, or auth "oidc-okta" { id = "…" }`, name)
	}
	needed.add("CREATE USER")
	b := userClauses{params: make(map[string]reconcile.Value)}
	b.setAuth(auth, c.Want)
	if c.Want.TextAttr(attrStatus) == statusSuspended {
		b.set = append(b.set, "SET STATUS SUSPENDED")
	}
	if home := c.Want.TextAttr(attrHome); home != "" {
		b.set = append(b.set, "SET HOME DATABASE "+quoteName(home))
	}
	op := Transaction{Statements: []string{b.statement("CREATE USER", name)}, Params: b.params, Creates: true}
	op.grantRoles(name, reconcile.Members(c.Want.Get(attrRoles)), needed)
	step := reconcile.Step{Change: c, Ops: []reconcile.Op{op}, Stage: reconcile.Converge, Notes: userNotes(seen, auth)}
	if c.Want.TextAttr(attrStatus) != statusSuspended {
		step.Hazards = append(step.Hazards, roleHazards(reconcile.HazardWidens, name, "gets", reconcile.Members(c.Want.Get(attrRoles)))...)
	}
	return step, nil
}

// userClauses are the clauses of CREATE USER and ALTER USER, in the order in which the grammar takes them: what is removed first.
type userClauses struct {
	remove, set []string
	params      map[string]reconcile.Value
}

func (b *userClauses) statement(verb, name string) string {
	return strings.Join(slices.Concat([]string{verb + " " + quoteName(name)}, b.remove, b.set), " ")
}

// setAuth adds providers. Ids and the password are parameters; the provider is a literal, since the grammar takes nothing else.
func (b *userClauses) setAuth(providers reconcile.Map, want reconcile.Object) {
	for _, provider := range sortedKeys(providers) {
		if provider != nativeProvider {
			param := fmt.Sprintf("id%d", len(b.params)+1)
			b.params[param] = providers[provider]
			b.set = append(b.set, "SET AUTH "+quoteString(provider)+" { SET ID $"+param+" }")
			continue
		}
		b.params[credentialsParam] = want.Get(attrPassword)
		change := "REQUIRED"
		if want.Get(attrChange) == reconcile.Flag(false) {
			change = "NOT REQUIRED"
		}
		b.set = append(b.set, "SET AUTH "+quoteString(nativeProvider)+" { SET PASSWORD $"+credentialsParam+" SET PASSWORD CHANGE "+change+" }")
	}
}

// credentialsParam is the one name under which the driver's log masks a parameter's value.
const credentialsParam = "credentials"

// grantRoles adds GRANT ROLE. A name that is not known yet becomes a parameter.
func (t *Transaction) grantRoles(user string, roles []reconcile.Value, needed rights) {
	if len(roles) > 0 {
		needed.add("ASSIGN ROLE")
		t.Statements = append(t.Statements, "GRANT ROLE "+t.roleList(roles)+" TO "+quoteName(user))
	}
}

func (t *Transaction) revokeRoles(user string, roles []reconcile.Value, needed rights) {
	if len(roles) > 0 {
		needed.add("REMOVE ROLE")
		t.Statements = append(t.Statements, "REVOKE ROLE "+t.roleList(roles)+" FROM "+quoteName(user))
	}
}

func (t *Transaction) roleList(roles []reconcile.Value) string {
	names := make([]string, len(roles))
	for i, v := range roles {
		if text, known := v.(reconcile.Text); known {
			names[i] = quoteName(string(text))
			continue
		}
		if t.Params == nil {
			t.Params = make(map[string]reconcile.Value)
		}
		param := fmt.Sprintf("role%d", len(t.Params)+1)
		t.Params[param] = v
		names[i] = "$" + param
	}
	return strings.Join(names, ", ")
}

func updateUser(seen snapshot, c reconcile.Update, needed rights) (reconcile.Step, error) {
	was, name := c.Live.TextAttr("name"), liveName(c.Want)
	op := Transaction{}
	own := make(rights)
	if was != name {
		own.add("RENAME USER")
		op.Statements, op.Renames = []string{"RENAME USER " + quoteName(was) + " TO " + quoteName(name)}, true
	}
	b, narrows := alterations(c, own)
	if len(b.remove)+len(b.set) > 0 {
		op.Statements = append(op.Statements, b.statement("ALTER USER", name))
	}
	op.Params = b.params
	d, _ := c.Diff(attrRoles)
	op.grantRoles(name, d.Added, own)
	op.revokeRoles(name, d.Removed, own)
	step := reconcile.Step{Change: c, Stage: reconcile.Converge}
	auth, _ := c.Want.Get(attrAuth).(reconcile.Map)
	step.Notes = append(slices.Clone(c.Live.Notes), userNotes(seen, auth)...)
	if was == seen.user {
		step.Pending = append([]string{"user " + was + " is the one as whom Keymaker is logged in: as another administrator run"}, op.Statements...)
		step.Later = []string{reconcile.WholeChange}
		return step, nil
	}
	step.Hazards = slices.Concat(b.hazards(name, c),
		roleHazards(reconcile.HazardWidens, name, "gets", d.Added), roleHazards(reconcile.HazardRevokes, name, "loses", d.Removed))
	if narrows && len(d.Added) == 0 && was == name {
		step.Stage = reconcile.Restrict
	}
	for right := range own {
		needed.add(right)
	}
	step.Ops = []reconcile.Op{op}
	return step, nil
}

// alterations are the clauses of ALTER USER, and whether all of them only take access away.
func alterations(c reconcile.Update, needed rights) (b userClauses, narrows bool) {
	b.params = make(map[string]reconcile.Value)
	narrows = true
	if d, ok := c.Diff(attrHome); ok {
		narrows = false
		needed.add("SET USER HOME DATABASE")
		if home, _ := d.Want.(reconcile.Text); home == "" {
			b.remove = append(b.remove, "REMOVE HOME DATABASE")
		} else {
			b.set = append(b.set, "SET HOME DATABASE "+quoteName(string(home)))
		}
	}
	if d, ok := c.Diff(attrAuth); ok {
		needed.add("SET AUTH")
		live, _ := d.Live.(reconcile.Map)
		want, _ := d.Want.(reconcile.Map)
		changed := make(reconcile.Map)
		for provider, id := range want {
			if has, there := live[provider]; !there || !reconcile.Equal(has, id) {
				changed[provider] = id
			}
		}
		narrows = narrows && len(changed) == 0
		b.setAuth(changed, c.Want)
		for _, provider := range sortedKeys(live) {
			if _, stays := want[provider]; !stays {
				b.remove = append(b.remove, "REMOVE AUTH "+quoteString(provider))
			}
		}
	}
	if d, ok := c.Diff(attrStatus); ok {
		needed.add("SET USER STATUS")
		suspend := d.Want == reconcile.Text(statusSuspended)
		narrows = narrows && suspend
		b.set = append(b.set, map[bool]string{true: "SET STATUS SUSPENDED", false: "SET STATUS ACTIVE"}[suspend])
	}
	return b, narrows
}

// hazards says what becomes of the ways in.
func (b userClauses) hazards(name string, c reconcile.Update) []reconcile.Hazard {
	var hs []reconcile.Hazard
	if d, ok := c.Diff(attrStatus); ok && d.Want == reconcile.Text(statusSuspended) {
		hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardRevokes, Text: "user " + name + " is suspended: nobody logs in as it any more; open sessions go on"})
	} else if ok {
		hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardWidens, Text: "user " + name + " is active again"})
	}
	d, ok := c.Diff(attrAuth)
	if !ok {
		return hs
	}
	live, _ := d.Live.(reconcile.Map)
	want, _ := d.Want.(reconcile.Map)
	for _, provider := range sortedKeys(live) {
		if _, stays := want[provider]; !stays {
			hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardRevokes, Text: "user " + name + " no longer logs in by " + provider})
		}
	}
	for _, provider := range sortedKeys(want) {
		if has, there := live[provider]; !there || !reconcile.Equal(has, want[provider]) {
			hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardWidens, Text: "user " + name + " logs in by " + provider})
		}
	}
	return hs
}

func roleHazards(kind reconcile.HazardKind, user, verb string, roles []reconcile.Value) []reconcile.Hazard {
	var hs []reconcile.Hazard
	for _, v := range roles {
		role := v.String()
		if text, known := v.(reconcile.Text); known {
			role = string(text)
		}
		hs = append(hs, reconcile.Hazard{Kind: kind, Text: "user " + user + " " + verb + " role " + role})
	}
	return hs
}

// userNotes says where the members would not ask a user's external providers.
func userNotes(seen snapshot, auth reconcile.Map) []reconcile.Note {
	external := slices.DeleteFunc(sortedKeys(auth), func(p string) bool { return p == nativeProvider })
	if len(external) == 0 {
		return nil
	}
	var off []string
	for _, m := range seen.members {
		if v, shown := m.settings[requireLocalUser]; shown && (v.value == nil || !strings.EqualFold(*v.value, "true")) {
			off = append(off, m.address)
		}
	}
	if len(off) == 0 {
		return nil
	}
	return []reconcile.Note{{Label: "login", Text: requireLocalUser + " is not true on " + strings.Join(off, ", ") + ": there a login by " + strings.Join(external, ", ") +
		" does not look at this user. Set it in neo4j.conf and restart"}}
}

// countExternal counts the users who log in by another provider than Neo4j's own.
func countExternal(users []reconcile.Object) int {
	n := 0
	for _, o := range users {
		auth, _ := o.Get(attrAuth).(reconcile.Map)
		if _, native := auth[nativeProvider]; len(auth) > 1 || len(auth) == 1 && !native {
			n++
		}
	}
	return n
}

func dropUser(seen snapshot, c reconcile.Delete, needed rights) reconcile.Step {
	name := liveName(c.Live)
	drop := "DROP USER " + quoteName(name)
	step := reconcile.Step{Change: c, Stage: reconcile.Retire}
	if name == seen.user {
		step.Pending = []string{"user " + name + " is the one as whom Keymaker is logged in: as another administrator run", drop}
		step.Later = []string{reconcile.WholeChange}
		return step
	}
	needed.add("DROP USER")
	step.Ops = []reconcile.Op{Transaction{Statements: []string{drop}, Drops: true}}
	step.Hazards = []reconcile.Hazard{{Kind: reconcile.HazardDeletes, Text: "user " + name + ": nobody logs in as it any more; open sessions go on"}}
	return step
}
