package neo4j

import (
	"path"
	"strings"

	"keymaker/reconcile"
)

// Own does nothing: the roles and users of a server are read for whatever a spec says of it, by one query each.
func (s *System) Own([]reconcile.Own) {}

// Owned lists the live roles or users that an own block matches and want does not declare. Providers are none of them: what a member lists may be set for it by
// somebody else, and taking it away needs the file that it stands in.
func (s *System) Owned(own reconcile.Own, want []reconcile.Object) ([]reconcile.Object, error) {
	seen := s.last()
	if err := map[string]error{kindRole: seen.rolesErr, kindUser: seen.usersErr}[own.Kind]; err != nil {
		return nil, err
	}
	declared := make(map[string]bool)
	for _, w := range want {
		if w.Addr.Kind == own.Kind {
			for _, name := range append([]string{liveName(w)}, w.Formerly...) {
				declared[name] = true
			}
		}
	}
	var names []string
	switch own.Kind {
	case kindRole:
		names = sortedKeys(seen.roles)
	case kindUser:
		names = sortedKeys(seen.users)
	}
	var extra []reconcile.Object
	shown := make(printer)
	for _, name := range names {
		if declared[name] || !matches(own.Match, name) {
			continue
		}
		addr := reconcile.Addr{System: systemName, Connection: s.name, Kind: own.Kind, Name: name}
		if own.Kind == kindUser {
			extra = append(extra, liveUserObject(addr, name, seen.users[name], seen))
			continue
		}
		s.owned.Store(name, true)
		extra = append(extra, liveRoleObject(reconcile.Object{Addr: addr}, name, seen.roles[name], shown))
	}
	return extra, nil
}

// matches is a glob of * and ? over a name. The other signs that Go's globs know stand for themselves, and so does a slash.
func matches(glob, name string) bool {
	plain := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `/`, "\x01")
	ok, err := path.Match(plain.Replace(glob), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}
