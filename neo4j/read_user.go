package neo4j

import (
	"context"
	"slices"

	"keymaker/reconcile"
)

// liveUser is a user as the server has it.
type liveUser struct {
	roles          []string // granted natively, without PUBLIC
	suspended      bool
	home           string            // "" for the default
	auth           map[string]string // provider to id; native to nothing
	changeRequired bool              // the next login has to change the password
}

// usersQuery has a row for each user and provider (Operations Manual, "Manage users"; in Neo4j since 5.24).
const usersQuery = "SHOW USERS WITH AUTH YIELD user, roles, suspended, home, provider, auth"

// readUsers reads all users. A refusal is kept for those who need them; anything else is an error.
func (s *System) readUsers(ctx context.Context, seen *snapshot) error {
	return s.readUsersBy(ctx, seen, usersQuery)
}

// readUsersBy reads the users that a query of these columns gives.
func (s *System) readUsersBy(ctx context.Context, seen *snapshot, query string) error {
	rows, err := s.client.query(ctx, s.uri.String(), query, nil)
	if err != nil {
		return keepRefusal(err, &seen.usersErr)
	}
	seen.users = make(map[string]liveUser, len(rows))
	for _, r := range rows {
		name := r.text("user")
		u, known := seen.users[name]
		if !known {
			u = liveUser{suspended: r.flag("suspended"), home: r.text("home"), auth: make(map[string]string)}
			u.roles = slices.DeleteFunc(uniqueSorted(r.texts("roles")), func(role string) bool { return role == publicRole })
		}
		auth, _ := r.get("auth").(map[string]any)
		if provider := r.text("provider"); provider != "" {
			id, _ := auth["id"].(string)
			u.auth[provider] = id
			if required, _ := auth["changeRequired"].(bool); provider == nativeProvider && required {
				u.changeRequired = true
			}
		}
		seen.users[name] = u
	}
	return nil
}

// membersOf lists the users to whom a role is granted.
func (s snapshot) membersOf(role string) []string {
	var members []string
	for _, name := range sortedKeys(s.users) {
		if slices.Contains(s.users[name].roles, role) {
			members = append(members, name)
		}
	}
	return members
}

// usersBy lists the users that log in by a provider, by their ids there.
func (s snapshot) usersBy(provider string) map[string]string {
	users := make(map[string]string)
	for _, name := range sortedKeys(s.users) {
		if id, ok := s.users[name].auth[provider]; ok && provider != nativeProvider {
			if _, twice := users[id]; !twice {
				users[id] = name
			}
		}
	}
	return users
}

// liveUsers makes the wanted users' live objects.
func (s *System) liveUsers(live *reconcile.Live, seen snapshot, want []reconcile.Object) {
	claimed := make(map[string]reconcile.Addr)
	for _, w := range want {
		name := seen.userName(w)
		if !claim(live, claimed, w.Addr, name, seen.usersErr) {
			continue
		}
		if user, ok := seen.users[name]; ok {
			o := liveUserObject(w.Addr, name, user, seen)
			o.Needs = w.Needs
			live.Objects = append(live.Objects, o)
		}
	}
}

// userName is the name under which the server has a wanted user: the newest of before a move that is there, while the new one is not.
func (s snapshot) userName(w reconcile.Object) string {
	return nameOf(w, s.users)
}

func liveUserObject(addr reconcile.Addr, name string, user liveUser, seen snapshot) reconcile.Object {
	o := reconcile.Object{Addr: addr, Facts: map[string]reconcile.Value{attrChange: reconcile.Flag(user.changeRequired)}}
	if name == seen.user {
		o.Protected = "Keymaker is logged in as this user: only another administrator may delete it"
	}
	auth := make(reconcile.Map, len(user.auth))
	for provider, id := range user.auth {
		auth[provider] = reconcile.Text(id)
		if provider == nativeProvider {
			auth[provider] = reconcile.Text(nativeAuth)
		}
	}
	status := statusActive
	if user.suspended {
		status = statusSuspended
	}
	o.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(name)})
	o.Set(reconcile.Attr{Name: attrRoles, Value: reconcile.TextSet(user.roles...)})
	o.Set(reconcile.Attr{Name: attrStatus, Value: reconcile.Text(status)})
	o.Set(reconcile.Attr{Name: attrHome, Value: reconcile.Text(user.home)})
	o.Set(reconcile.Attr{Name: attrAuth, Value: auth})
	return o
}
