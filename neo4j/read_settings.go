package neo4j

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"keymaker/reconcile"
)

// memberState is one member of the DBMS and the security settings in its memory.
type memberState struct {
	address  string
	settings map[string]liveSetting
	err      error // why they could not be read
}

// liveSetting is one row of SHOW SETTINGS. Unset is null there, and nil here.
type liveSetting struct {
	value, startup *string
	dynamic        bool
}

// settingsQuery asks one member; it says nothing of the others. A setting that the user may not see is left out of the answer.
const settingsQuery = "SHOW SETTINGS YIELD name, value, startupValue, isDynamic WHERE name STARTS WITH 'dbms.security.'"

// readSettings reads the members' memories and neo4j.conf.
func (s *System) readSettings(ctx context.Context, seen *snapshot) error {
	addresses, err := s.memberAddresses(ctx)
	if err != nil {
		return err
	}
	seen.members = make([]memberState, len(addresses))
	var all sync.WaitGroup
	for i, a := range addresses {
		all.Go(func() {
			rows, err := s.client.query(ctx, s.memberURI(a), settingsQuery, nil)
			seen.members[i] = memberState{address: a, settings: settingsOf(rows), err: s.notReached(a, err)}
			if err == nil && len(rows) == 0 {
				seen.members[i].err = fmt.Errorf("%s: no setting under dbms.security may be seen: GRANT SHOW SETTING dbms.security.* ON DBMS to a role of %s", a, s.client.who())
			}
		})
	}
	all.Wait()
	if s.confFile != "" {
		seen.conf, seen.confErr = readConfFile(s.confFile)
	}
	return nil
}

// notReached says of a member that cannot be reached where its address is from.
func (s *System) notReached(member string, err error) error {
	var no *ConnectError
	if !errors.As(err, &no) || refused(err) || member == withPort(s.uri.Host) {
		return err
	}
	told := *no
	told.Remedy = "SHOW SERVERS lists it: check that the server runs and can be reached from here by this address, or say what can: members = [\"host:port\"] in the connection block."
	if len(s.members) > 0 {
		told.Remedy = "It is one of members in the connection block: check the address, and that the server runs and can be reached from here."
	}
	return &told
}

func settingsOf(rows []row) map[string]liveSetting {
	settings := make(map[string]liveSetting, len(rows))
	for _, r := range rows {
		settings[r.text("name")] = liveSetting{value: textPtr(r.get("value")), startup: textPtr(r.get("startupValue")), dynamic: r.flag("isDynamic")}
	}
	return settings
}

func textPtr(v any) *string {
	if s, ok := v.(string); ok {
		return &s
	}
	return nil
}

// memberAddresses are the members, in order of address: those the spec names, those of the cluster, or the one server of the URI. A bolt URI reaches one server, and
// says nothing of whether it has others beside it: it is asked too.
func (s *System) memberAddresses(ctx context.Context) ([]string, error) {
	own := []string{withPort(s.uri.Host)}
	if len(s.members) > 0 {
		return s.members, nil
	}
	rows, err := s.client.query(ctx, s.uri.String(), "SHOW SERVERS YIELD address", nil)
	if err != nil {
		var no *reconcile.Refusal
		if errors.As(err, &no) && codeOf(err) == codeForbidden {
			return nil, &ConnectError{Server: s.uri.String(), Reason: "the members cannot be listed: " + messageOf(err), Remedy: "GRANT SHOW SERVERS ON DBMS to a role of this user, or list members in the connection block: " + fmt.Sprintf("members = [%q]", own[0]) + " for a single server.", Err: err}
		}
		return nil, err
	}
	if len(rows) < 2 { // a single server may advertise an address that does not reach it from here
		return own, nil
	}
	var addresses []string
	for _, r := range rows {
		addresses = append(addresses, withPort(r.text("address")))
	}
	return uniqueSorted(addresses), nil
}

// readConfFile reads neo4j.conf, and refuses one that Neo4j would not start with. A file that is not there yet is an empty one.
func readConfFile(file string) (Conf, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Conf{}, nil
	}
	if err != nil {
		return Conf{}, fmt.Errorf("read conf_file: %w", err)
	}
	conf, err := ReadConf(data)
	if err != nil {
		return conf, inFile(file, err)
	}
	first := make(map[string]int)
	for _, e := range conf.Entries {
		if at, twice := first[e.Key]; twice && strings.HasPrefix(e.Key, "dbms.security.") {
			return conf, fmt.Errorf("%s line %d: %s stands on line %d too, and Neo4j does not start with a duplicate: remove the one outside Keymaker's block", file, e.Line, e.Key, at)
		}
		first[e.Key] = e.Line
	}
	return conf, nil
}

// inFile names the file in an error about it.
func inFile(file string, err error) error {
	var ce *ConfError
	if !errors.As(err, &ce) {
		return fmt.Errorf("%s: %w", file, err)
	}
	if ce.Line == 0 {
		return fmt.Errorf("%s: %s", file, ce.Reason)
	}
	return fmt.Errorf("%s line %d: %s", file, ce.Line, ce.Reason)
}

// liveProviders makes the wanted providers' live objects. A member that cannot be read makes all of them unread: what it has in memory decides.
func (s *System) liveProviders(live *reconcile.Live, seen snapshot, want []reconcile.Object) {
	var errs []error
	for _, m := range seen.members {
		if m.err != nil {
			errs = append(errs, fmt.Errorf("member %s: %w", m.address, m.err))
		} else if _, ok := m.settings[authenticationProviders]; !ok {
			errs = append(errs, fmt.Errorf("member %s does not show %s: GRANT SHOW SETTING dbms.security.* ON DBMS to a role of user %s", m.address, authenticationProviders, seen.user))
		}
	}
	if seen.confErr != nil {
		errs = append(errs, seen.confErr)
	}
	err := errors.Join(errs...)
	claimed := make(map[string]reconcile.Addr)
	for _, w := range want {
		name := liveName(w)
		if other, twice := claimed[name]; twice {
			both := fmt.Errorf("%s and %s are both provider %q: keep one", other, w.Addr, name)
			live.Unread[other], live.Unread[w.Addr] = both, both
			continue
		}
		claimed[name] = w.Addr
		if err != nil {
			live.Unread[w.Addr] = err
			continue
		}
		if o, exists := s.liveProvider(seen, w, name); exists {
			live.Objects = append(live.Objects, o)
		}
	}
}

// liveProvider shows a provider in the want's terms; exists is false when neither a member nor neo4j.conf has anything of it.
func (s *System) liveProvider(seen snapshot, w reconcile.Object, name string) (o reconcile.Object, exists bool) {
	o = reconcile.Object{Addr: w.Addr, Needs: w.Needs, Facts: map[string]reconcile.Value{}}
	o.Set(reconcile.Attr{Name: "name", Value: reconcile.Text(name)})
	for _, ps := range settingsTable() {
		v, differs := s.memory(seen, ps, name, w)
		if v != nil {
			o.Set(reconcile.Attr{Name: ps.attr, Value: v})
		}
		if differs != "" {
			o.Notes = append(o.Notes, reconcile.Note{Label: "members", Text: ps.attr + " differs: " + differs})
		}
	}
	o.Set(reconcile.Attr{Name: "authentication", Value: reconcile.Flag(seen.listedEverywhere(authenticationProviders, name))})
	o.Set(reconcile.Attr{Name: "authorization", Value: reconcile.Flag(seen.listedEverywhere(authorizationProviders, name))})
	o.Set(reconcile.Attr{Name: "conf", Value: s.liveConf(seen, w, name)})
	return o, seen.configured(name) || s.kept(seen, name)
}

// configured says whether some member has the provider in memory.
func (s snapshot) configured(name string) bool {
	return slices.ContainsFunc(s.members, func(m memberState) bool { return m.configured(name) })
}

func (m memberState) configured(name string) bool {
	for key, set := range m.settings {
		if strings.HasPrefix(key, oidcPrefix+name+".") && set.value != nil {
			return true
		}
	}
	return m.lists(authenticationProviders, name) || m.lists(authorizationProviders, name)
}

// lists says whether a provider list in the member's memory has the provider.
func (m memberState) lists(list, name string) bool {
	return slices.Contains(listOf(m.settings[list].value), providerEntry(name))
}

func listOf(text *string) []string {
	if text == nil {
		return nil
	}
	return ParseSettingList(*text)
}

func (s snapshot) listedEverywhere(list, name string) bool {
	return !slices.ContainsFunc(s.members, func(m memberState) bool { return !m.lists(list, name) })
}

// memory is the value of a setting in all members. Where they disagree it is a member's that is not what the spec wants, and differs says who has what: a
// provider that one member lacks is never in sync.
func (s *System) memory(seen snapshot, ps providerSetting, name string, wanted reconcile.Object) (v reconcile.Value, differs string) {
	want := wanted.Get(ps.attr)
	values := make([]reconcile.Value, len(seen.members))
	for i, m := range seen.members {
		values[i] = s.memberValue(seen, m, ps, name, wanted)
	}
	same := !slices.ContainsFunc(values, func(v reconcile.Value) bool { return !reconcile.Equal(v, values[0]) })
	if same {
		return values[0], ""
	}
	var parts []string
	for i, m := range seen.members {
		parts = append(parts, m.address+" has "+shown(values[i]))
	}
	differs = strings.Join(parts, ", ")
	if want == nil || reconcile.Known(want) {
		for _, v := range values {
			if v != nil && !reconcile.Equal(v, want) {
				return v, differs
			}
		}
	}
	return reconcile.Text(differs), differs
}

// memberValue is a setting in one member's memory.
func (s *System) memberValue(seen snapshot, m memberState, ps providerSetting, name string, want reconcile.Object) reconcile.Value {
	live, listed := m.settings[ps.key(name)]
	if !listed && ps.hidden && m.configured(name) {
		live.value, _ = s.keptText(seen, ps.key(name))
	}
	return s.client.masked(ps.attr, ps.value(live.value, m.configured(name)), want.Get(ps.attr), secretsOf(want))
}

// value is a setting's value, with an unset collection of a configured provider as an empty one.
func (ps providerSetting) value(text *string, configured bool) reconcile.Value {
	switch {
	case text != nil:
		return ps.form.parse(*text)
	case configured:
		return ps.form.empty()
	}
	return nil
}

func shown(v reconcile.Value) string {
	if v == nil {
		return "nothing"
	}
	return v.String()
}

// kept says whether the provider outlives a restart in any part.
func (s *System) kept(seen snapshot, name string) bool {
	for _, e := range seen.conf.Entries {
		if strings.HasPrefix(e.Key, oidcPrefix+name+".") {
			return true
		}
	}
	return false
}

// liveConf is what outlives a restart, in the want's terms: what neo4j.conf says, or, when Keymaker cannot see the file, what the members started with.
func (s *System) liveConf(seen snapshot, w reconcile.Object, name string) reconcile.Map {
	out := reconcile.Map{}
	for _, list := range []string{authenticationProviders, authorizationProviders} {
		entries := reconcile.SetOf()
		if slices.Contains(s.keptList(seen, list), providerEntry(name)) {
			entries = reconcile.TextSet(providerEntry(name))
		}
		out[list] = entries
	}
	wanted, _ := w.Get("conf").(reconcile.Map)
	for _, ps := range settingsTable() {
		key := ps.key(name)
		text, same := s.keptText(seen, key)
		switch {
		case !same:
			out[key] = reconcile.Text("the members started with different values")
		case text != nil:
			out[key] = s.client.masked(ps.attr, ps.form.parse(*text), w.Get(ps.attr), secretsOf(w))
		case wanted[key] != nil && ps.form.empty() != nil:
			out[key] = ps.form.empty()
		}
	}
	return out
}

// keptText is a setting as it outlives a restart; same is false when members differ.
func (s *System) keptText(seen snapshot, key string) (text *string, same bool) {
	if s.confFile != "" {
		if e, ok := seen.conf.Lookup(key); ok {
			return &e.Value, true
		}
		return nil, true
	}
	for i, m := range seen.members {
		startup := m.settings[key].startup
		if i > 0 && !equalText(startup, text) {
			return nil, false
		}
		text = startup
	}
	return text, true
}

func equalText(a, b *string) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// keptList is a provider list as it outlives a restart. A list that neo4j.conf does not have is native alone, which is Neo4j's default.
func (s *System) keptList(seen snapshot, list string) []string {
	if text, _ := s.keptText(seen, list); text != nil {
		return ParseSettingList(*text)
	}
	return []string{"native"}
}

// baseList is what a provider list in neo4j.conf begins with when an entry is added or taken out: the file's line, or, where it has none, what the members
// run with, without OpenID Connect providers that the file knows nothing of (a server does not start with such an entry).
func (s *System) baseList(seen snapshot, list string) []string {
	if text, _ := s.keptText(seen, list); text != nil {
		return ParseSettingList(*text)
	}
	base := []string{"native"}
	if len(seen.members) > 0 {
		if running := listOf(seen.members[0].settings[list].startup); len(running) > 0 {
			base = running
		}
	}
	return slices.DeleteFunc(base, func(entry string) bool {
		name, oidc := strings.CutPrefix(entry, "oidc-")
		return oidc && !s.kept(seen, name)
	})
}
