package neo4j

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// providerStep is a provider's change on its way to a step.
type providerStep struct {
	change  reconcile.Change
	name    string
	dynamic []Configure // for the members that have the provider already
	edits   []ConfEdit  // what neo4j.conf lacks
	lines   []string    // the same as lines to be written by hand
	byHand  string      // what else is to be done to the file by hand
	static  []string    // members that have to be restarted
	late    []string    // attributes that change by that
	expect  []Expectation
	stage   reconcile.Stage
	hazards []reconcile.Hazard
	remarks []reconcile.Note
	aura    bool
}

func (s *System) planProvider(seen snapshot, c reconcile.Change) (*providerStep, error) {
	p := &providerStep{change: c, stage: reconcile.Converge}
	switch c := c.(type) {
	case reconcile.Create:
		p.name = liveName(c.Want)
		p.aura = s.aura.Load()
		if i := slices.IndexFunc(c.Want.Formerly, seen.configured); i >= 0 {
			was := c.Want.Formerly[i]
			return nil, fmt.Errorf("provider %s cannot be renamed to %s: the name is part of its settings' names and of whatever is registered for it. Declare %s in a block of its own, and take %s away with a removed block",
				was, p.name, p.name, was)
		}
		p.wantAll(s, seen, c.Want, func(string) bool { return true })
		p.mappingHazards(nil, mappingOf(c.Want.Get("group_to_role")))
		p.missingRoles(seen, c.Want)
		p.redirects(c.Want)
		return p, p.edit(s, seen, c.Want, func(string) bool { return true })
	case reconcile.Update:
		p.name = liveName(c.Want)
		p.remarks = c.Live.Notes
		p.missingRoles(seen, c.Want)
		changed := func(name string) bool { _, ok := c.Diff(name); return ok }
		p.wantAll(s, seen, c.Want, changed)
		if changed("group_to_role") {
			p.mappingChange(c)
		}
		return p, p.edit(s, seen, c.Want, func(key string) bool { return changed("conf." + key) })
	case reconcile.Delete:
		p.name = liveName(c.Live)
		p.stage = reconcile.Retire
		return p, p.remove(s, seen)
	}
	return nil, fmt.Errorf("no such change: %T", c)
}

// wantAll sorts the changed settings into those that can be set now and those that wait for a restart, and says what a restart has to bring.
func (p *providerStep) wantAll(s *System, seen snapshot, want reconcile.Object, changed func(attr string) bool) {
	for _, list := range []string{authenticationProviders, authorizationProviders} {
		p.expect = append(p.expect, Expectation{Setting: list, Entry: providerEntry(p.name), Listed: true})
	}
	for _, m := range seen.members {
		if len(s.client.off(m.settings, p.expect)) > 0 && (changed("authentication") || changed("authorization")) {
			p.mustRestart(m.address, "authentication", "authorization")
		}
	}
	for _, ps := range settingsTable() {
		v := want.Get(ps.attr)
		if v == nil || slices.Contains(want.Lifecycle.IgnoreChanges, ps.attr) {
			continue
		}
		p.expect = append(p.expect, Expectation{Setting: ps.key(p.name), Value: v, Secrets: secretsFor(ps.attr, want)})
		if !changed(ps.attr) {
			continue
		}
		for _, m := range seen.members {
			p.wantOn(m, ps, s.memberValue(seen, m, ps, p.name, want), v, secretsFor(ps.attr, want))
		}
	}
}

func (p *providerStep) wantOn(m memberState, ps providerSetting, has, v reconcile.Value, secrets map[string]reconcile.Secret) {
	live, listed := m.settings[ps.key(p.name)]
	if reconcile.Equal(has, v) {
		return
	}
	static := ps.static
	if listed {
		static = !live.dynamic
	}
	if static || !m.configured(p.name) {
		p.mustRestart(m.address, ps.attr)
		return
	}
	p.dynamic = append(p.dynamic, Configure{Member: m.address, Setting: ps.key(p.name), Value: v, Secrets: secrets, Was: lineMark(ps.key(p.name), live.value), Listed: listed})
}

// mustRestart notes a member that has to be restarted, and for which attributes.
func (p *providerStep) mustRestart(member string, attrs ...string) {
	p.late = uniqueSorted(append(p.late, attrs...))
	if !slices.Contains(p.static, member) {
		p.static = append(p.static, member)
	}
}

// edit works out what neo4j.conf lacks: each setting that the spec has and that would not outlive a restart.
func (p *providerStep) edit(s *System, seen snapshot, want reconcile.Object, changed func(key string) bool) error {
	conf, _ := want.Get("conf").(reconcile.Map)
	for _, list := range []string{authenticationProviders, authorizationProviders} {
		if changed(list) {
			p.edits = append(p.edits, ConfEdit{Key: list, Add: providerEntry(p.name), Base: s.baseList(seen, list)})
		}
	}
	for _, ps := range settingsTable() {
		key := ps.key(p.name)
		v, wanted := conf[key]
		was, _ := s.keptText(seen, key)
		if !wanted || !changed(key) || isEmpty(v) && was == nil {
			continue
		}
		p.edits = append(p.edits, ConfEdit{Key: key, Value: v, Was: lineMark(key, was), Secrets: secretsFor(ps.attr, want)})
	}
	return p.outside(s, seen)
}

// outside refuses to write what already stands elsewhere in the file.
func (p *providerStep) outside(s *System, seen snapshot) error {
	if s.confFile == "" {
		return nil
	}
	for _, e := range p.edits {
		if entry, ok := seen.conf.Lookup(e.Key); ok && !entry.Managed {
			return outsideBlock(s.confFile, entry)
		}
	}
	return nil
}

// remove takes all of a provider out of neo4j.conf. Nothing is set now: an emptied mapping would switch Neo4j's automatic same-name mapping on.
func (p *providerStep) remove(s *System, seen snapshot) error {
	p.hazards = append(p.hazards, reconcile.Hazard{Kind: reconcile.HazardDeletes, Text: "provider " + p.name + ": nobody logs in by it any more"})
	for _, list := range []string{authenticationProviders, authorizationProviders} {
		p.expect = append(p.expect, Expectation{Setting: list, Entry: providerEntry(p.name)})
		if base := s.baseList(seen, list); slices.Contains(base, providerEntry(p.name)) {
			p.edits = append(p.edits, ConfEdit{Key: list, Drop: providerEntry(p.name), Base: base})
		}
	}
	if s.confFile == "" {
		p.byHand = "remove every line that begins with " + oidcPrefix + p.name + "."
	}
	for _, key := range s.keptKeys(seen, p.name) {
		was, _ := s.keptText(seen, key)
		p.edits = append(p.edits, ConfEdit{Key: key, Was: lineMark(key, was)})
	}
	for _, m := range seen.members {
		if m.configured(p.name) {
			p.mustRestart(m.address)
		}
	}
	return p.outside(s, seen)
}

// keptKeys lists a provider's settings in neo4j.conf, also those that Keymaker has no attribute for.
func (s *System) keptKeys(seen snapshot, name string) []string {
	var keys []string
	for _, e := range seen.conf.Entries {
		if strings.HasPrefix(e.Key, oidcPrefix+name+".") {
			keys = append(keys, e.Key)
		}
	}
	return uniqueSorted(keys)
}

// mappingChange says who gains and loses roles, and puts a change that only takes roles away before everything that could give some.
func (p *providerStep) mappingChange(c reconcile.Update) {
	was, is := mappingOf(c.Live.Get("group_to_role")), mappingOf(c.Want.Get("group_to_role"))
	gains, loses := p.mappingHazards(was, is)
	if !gains && loses && len(is) > 0 && p.onlyMapping(c) {
		p.stage = reconcile.Restrict
	}
}

func (p *providerStep) onlyMapping(c reconcile.Update) bool {
	mapping := "conf." + oidcPrefix + p.name + ".authorization.group_to_role_mapping"
	return !slices.ContainsFunc(c.Diffs, func(d reconcile.Diff) bool { return d.Name != "group_to_role" && d.Name != mapping })
}

func (p *providerStep) mappingHazards(was, is RoleMapping) (gains, loses bool) {
	tell := func(kind reconcile.HazardKind, verb string, a, b RoleMapping) (found bool) {
		for _, group := range sortedKeys(a) {
			for _, role := range uniqueSorted(a[group]) {
				if !slices.Contains(b[group], role) {
					found = true
					p.hazards = append(p.hazards, reconcile.Hazard{Kind: kind, Text: fmt.Sprintf("members of group %s %s role %s, by provider %s", group, verb, role, p.name)})
				}
			}
		}
		return found
	}
	gains = tell(reconcile.HazardWidens, "get", is, was)
	loses = tell(reconcile.HazardRevokes, "lose", was, is)
	if len(is) == 0 && len(was) > 0 {
		gains = true
		p.hazards = append(p.hazards, reconcile.Hazard{Kind: reconcile.HazardWidens, Text: "without a mapping every group of provider " + p.name + " gives the role of the same name"})
	}
	return gains, loses
}

// missingRoles remarks on roles that a mapping names and that nobody makes: Neo4j takes such a mapping, and gives nothing.
func (p *providerStep) missingRoles(seen snapshot, want reconcile.Object) {
	if seen.rolesErr != nil {
		return
	}
	var missing []string
	for _, roles := range mappingOf(want.Get("group_to_role")) {
		for _, role := range roles {
			if _, exists := seen.roles[role]; !exists && !seen.asked[role] {
				missing = append(missing, role)
			}
		}
	}
	for _, role := range uniqueSorted(missing) {
		p.remarks = append(p.remarks, reconcile.Note{Label: "roles", Text: "role " + role + " does not exist and is not declared: Neo4j gives its groups nothing"})
	}
}

// redirects says what people's logins need at the identity provider, which Neo4j cannot set there: where Browser sends them back to (seen in the single sign-on library
// of Browser and Bloom).
func (p *providerStep) redirects(want reconcile.Object) {
	if want.Get("params") == nil || want.Get("visible") == reconcile.Flag(false) {
		return
	}
	p.remarks = append(p.remarks, reconcile.Note{Label: "browser", Text: "at the identity provider register the redirect URI http(s)://HOST:PORT/browser/?idp_id=" + p.name +
		"&auth_flow_step=redirect_uri (Bloom: the same under its own path), and let that origin call the token endpoint (CORS)"})
}

func (p *providerStep) rights(needed rights) {
	if len(p.dynamic) > 0 {
		needed.add(executeAdmin)
	}
}

// keepsMapping refuses to take from a group a role that the running session may have by it: a session that was let in by a token has its roles from a mapping, and
// nobody can tell from which of several.
func (s snapshot) keepsMapping(c reconcile.Change) error {
	var before, after map[string][]string
	switch c := c.(type) {
	case reconcile.Update:
		before, after = mappingOf(c.Live.Get("group_to_role")), mappingOf(c.Want.Get("group_to_role"))
		if _, managed := c.Diff("group_to_role"); !managed {
			return nil
		}
	case reconcile.Delete:
		before = mappingOf(c.Live.Get("group_to_role"))
	}
	if !s.byToken {
		return nil
	}
	for _, group := range sortedKeys(before) {
		for _, role := range before[group] {
			if role != publicRole && slices.Contains(s.ownRoles, role) && !slices.Contains(after[group], role) {
				return fmt.Errorf("group %s would lose role %s, which user %s has, as whom Keymaker is logged in by a token. Log in with a password, or keep the mapping; nothing was changed", group, role, s.user)
			}
		}
	}
	return nil
}
