package neo4j

import (
	"context"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// Seen is what a plan saw of the role or user that a transaction changes or drops. It is read again right before the transaction, and one that moved is left alone. What
// somebody else does between the two is not undone: statements give and take exactly what they name. A second role or user of one name the server itself refuses.
type Seen struct {
	Object reconcile.Object
	Goal   reconcile.Object // what the change leads to: an attribute that is there already has not moved
	// Gone are roles that the plan drops, and Renamed those that it gives another name: a user's roles may be without them, and with them, by then.
	Gone    []string
	Renamed map[string]string
}

// The attributes that rows of privileges are compared by.
const (
	attrGrant   = "grant"
	attrDeny    = "deny"
	attrForeign = "other privileges"
)

// sight makes what a change rests on; nil for one that makes something.
func sight(seen snapshot, f fate, c reconcile.Change) *Seen {
	var live, goal reconcile.Object
	switch c := c.(type) {
	case reconcile.Update:
		live, goal = c.Live, c.Want
	case reconcile.Delete:
		live = c.Live
	default:
		return nil
	}
	s := &Seen{Object: reconcile.Object{Addr: c.Addr()}, Goal: goal, Gone: f.drops, Renamed: seen.renamed}
	if c.Addr().Kind == kindRole {
		s.Object.Attrs = roleTraits(liveName(live), seen.roles[liveName(live)])
		return s
	}
	for _, name := range []string{attrAuth, attrHome, "name", attrRoles, attrStatus} {
		if v := live.Get(name); v != nil {
			s.Object.Set(reconcile.Attr{Name: name, Value: v})
		}
	}
	return s
}

// roleTraits are all rows of a role, also those that a spec does not speak of.
func roleTraits(name string, role liveRole) []reconcile.Attr {
	o := reconcile.Object{}
	o.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(name)})
	for attr, access := range map[string]Access{attrGrant: AccessGrant, attrDeny: AccessDeny} {
		o.Set(reconcile.Attr{Name: attr, Value: reconcile.TextSet(role.rows(access).texts()...)})
	}
	o.Set(reconcile.Attr{Name: attrForeign, Value: reconcile.TextSet(role.foreign...)})
	return o.Attrs
}

// unmoved reads the roles and users of transactions again, with a query for all roles and one for all users, and gives the first that moved.
func (s *System) unmoved(ctx context.Context, parts []Transaction) error {
	now, err := s.readAgain(ctx, parts)
	if err != nil {
		return err
	}
	for _, t := range parts {
		if t.Seen == nil {
			continue
		}
		if move := t.Seen.moved(now); move != nil {
			return move
		}
	}
	return nil
}

// looksAt says how many queries readAgain makes for transactions.
func looksAt(parts ...Transaction) int {
	kinds := make(map[string]bool)
	for _, t := range parts {
		if t.Seen != nil {
			kinds[t.Seen.Object.Addr.Kind] = true
		}
	}
	return len(kinds)
}

// readAgain reads roles and users by name.
func (s *System) readAgain(ctx context.Context, parts []Transaction) (snapshot, error) {
	now := snapshot{roles: make(map[string]liveRole)}
	var roles, users []string
	for _, t := range parts {
		switch {
		case t.Seen == nil:
		case t.Seen.Object.Addr.Kind == kindRole:
			roles = append(roles, t.Seen.name())
		default:
			users = append(users, t.Seen.name())
		}
	}
	if len(roles) > 0 {
		if err := s.readPrivilegesOf(ctx, &now, roles); err != nil {
			return now, err
		}
	}
	if len(users) > 0 {
		quoted := make([]string, len(users))
		for i, name := range users {
			quoted[i] = quoteString(name)
		}
		if err := s.readUsersBy(ctx, &now, usersQuery+" WHERE user IN ["+strings.Join(quoted, ", ")+"]"); err != nil {
			return now, err
		}
	}
	return now, now.usersErr
}

// readPrivilegesOf reads the privileges of some roles. What a server answers about a role that is not there is not documented, so no rows and an error are one.
func (s *System) readPrivilegesOf(ctx context.Context, now *snapshot, roles []string) error {
	quoted := make([]string, len(roles))
	for i, name := range roles {
		quoted[i] = quoteName(name)
		now.roles[name] = liveRole{}
	}
	rows, err := s.client.query(ctx, s.uri.String(), "SHOW ROLE "+strings.Join(quoted, ", ")+" PRIVILEGES AS COMMANDS YIELD command, immutable", nil)
	if err != nil && codeOf(err) == codeArgument && strings.Contains(messageOf(err), "does not exist") {
		return nil
	}
	if err != nil {
		return err
	}
	for _, r := range rows {
		now.takePrivilege(r.text("command"), r.flag("immutable"))
	}
	return nil
}

func (s *Seen) name() string { return s.Object.TextAttr("name") }

// moved compares what a plan saw with what is there now.
func (s *Seen) moved(now snapshot) *reconcile.Move {
	var is reconcile.Object
	if s.Object.Addr.Kind == kindRole {
		is.Attrs = roleTraits(s.name(), now.roles[s.name()])
	} else {
		user, there := now.users[s.name()]
		if !there && s.Goal.Addr.IsZero() {
			return nil // it was to go, and is gone
		}
		if !there {
			return &reconcile.Move{Addr: s.Object.Addr, Why: "was there when the plan was made, and is gone"}
		}
		is = liveUserObject(s.Object.Addr, s.name(), user, now)
	}
	for _, was := range s.Object.Attrs {
		before, after := s.settled(was.Name, was.Value), s.settled(was.Name, is.Get(was.Name))
		if !reconcile.Equal(before, after) && !s.arrived(was.Name, after) {
			return &reconcile.Move{Addr: s.Object.Addr, Attr: was.Name, Planned: was.Value, Now: is.Get(was.Name)}
		}
	}
	return nil
}

// settled takes out of a user's roles what the plan itself does to them.
func (s *Seen) settled(attr string, v reconcile.Value) reconcile.Value {
	if attr != attrRoles {
		return v
	}
	var roles []string
	for _, role := range reconcile.Texts(v) {
		if slices.Contains(s.Gone, role) {
			continue
		}
		if is, renamed := s.Renamed[role]; renamed {
			role = is
		}
		roles = append(roles, role)
	}
	return reconcile.TextSet(uniqueSorted(roles)...)
}

// arrived says whether an attribute is at the change's goal.
func (s *Seen) arrived(attr string, now reconcile.Value) bool {
	goal := s.Goal.Get(attr)
	return goal != nil && reconcile.Known(goal) && reconcile.Equal(s.settled(attr, goal), now)
}

// stillAs reads a setting again, right before it is set, and refuses when somebody else has set it since the plan; done when it has its value already.
func (s *System) stillAs(ctx context.Context, c Configure, value string) (done bool, err error) {
	if !c.Listed {
		return false, nil
	}
	live, shown, err := s.settingNow(ctx, c)
	switch {
	case err != nil || !shown:
		return false, err
	case live != nil && sameSetting(c.Setting, *live, value):
		return true, nil
	case !equalText(lineMark(c.Setting, live), c.Was):
		return false, c.move(s.name, c.Was, lineMark(c.Setting, live))
	}
	return false, nil
}

// stays reads a setting that was set once more: of two runs that set it at the same time one is told. Neo4j sets without a condition, so this is all that can be had.
func (s *System) stays(ctx context.Context, c Configure, value string) error {
	if len(c.Secrets) > 0 { // a member shows those as it likes
		return nil
	}
	live, shown, err := s.settingNow(ctx, c)
	if err != nil || !shown || live == nil || sameSetting(c.Setting, *live, value) {
		return err
	}
	return c.move(s.name, lineMark(c.Setting, &value), lineMark(c.Setting, live))
}

// settingNow is a setting in a member's memory.
func (s *System) settingNow(ctx context.Context, c Configure) (value *string, shown bool, err error) {
	rows, err := s.client.query(ctx, s.memberURI(c.Member), "SHOW SETTINGS YIELD name, value WHERE name = "+quoteString(c.Setting), nil)
	if err != nil || len(rows) == 0 {
		return nil, false, err
	}
	return textPtr(rows[0].get("value")), true, nil
}

// sameSetting compares two texts of a setting as Neo4j means them: a map that was set may come back as Java prints it.
func sameSetting(setting, a, b string) bool {
	for _, ps := range settingsTable() {
		if attrOf(setting) == ps.attr {
			return reconcile.Equal(ps.form.parse(a), ps.form.parse(b))
		}
	}
	return a == b
}

// move tells of a setting of a connection; values that may hold a secret are fingerprints, and those of one that holds one are not shown at all.
func (c Configure) move(on string, was, is *string) *reconcile.Move {
	provider, _, _ := strings.Cut(strings.TrimPrefix(c.Setting, oidcPrefix), ".")
	m := &reconcile.Move{Addr: reconcile.Addr{System: systemName, Connection: on, Kind: kindProvider, Name: provider}, Attr: attrOf(c.Setting) + " on " + c.Member}
	if len(c.Secrets) > 0 {
		m.Attr, m.Why = "", attrOf(c.Setting)+" on "+c.Member+" was set by somebody else"
		return m
	}
	for at, text := range map[*reconcile.Value]*string{&m.Planned: was, &m.Now: is} {
		if text != nil {
			*at = reconcile.Text(*text)
		}
	}
	return m
}
