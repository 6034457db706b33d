package neo4j

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Doors lists the OpenID Connect providers of a state, and those that the members list and no block declares, in the order of dbms.security.authentication_providers; new
// ones come last, as apply puts them there. What the state leaves out is as the last Read saw it.
func (s *System) Doors(state []reconcile.Object) []reconcile.Door {
	seen := s.last()
	var list []string
	if len(seen.members) > 0 {
		list = listOf(seen.members[0].settings[authenticationProviders].value)
	}
	shared := doorParts{locals: localsOf(state, seen), roles: rolesIn(state, seen), ttl: seen.cacheTTL(), on: s.on()}
	switch n := len(seen.members); {
	case n == 1:
		shared.everywhere = "1 member"
	case n > 1:
		shared.everywhere = fmt.Sprintf("all %d members", n)
	}
	var doors []reconcile.Door
	declared := make(map[string]bool)
	for name := range seen.claimedProviders {
		declared[name] = true
	}
	for _, o := range state {
		if o.Addr.System == systemName && o.Addr.Kind == kindProvider && !o.Absent {
			declared[liveName(o)] = true
			d := shared.door(o)
			if d.From = issuersOf(o); d.From == nil {
				d.From = seen.issuers[o.Addr] // live objects do not say it
			}
			doors = append(doors, d)
		}
	}
	for _, entry := range list {
		name, oidc := strings.CutPrefix(entry, "oidc-")
		if !oidc || declared[name] {
			continue
		}
		addr := reconcile.Addr{System: systemName, Connection: s.name, Kind: kindProvider, Name: name}
		if o, there := s.liveProvider(seen, reconcile.Object{Addr: addr}, name); there {
			doors = append(doors, shared.door(o))
		}
	}
	place := func(d reconcile.Door) int {
		if i := slices.Index(list, providerEntry(d.Name)); i >= 0 {
			return i
		}
		return len(list)
	}
	if len(doors) > 1 {
		for i := range doors {
			doors[i].In = strings.TrimPrefix(doors[i].On+"."+doors[i].Name, ".")
		}
	}
	slices.SortStableFunc(doors, func(a, b reconcile.Door) int { return cmp.Compare(place(a), place(b)) })
	return doors
}

// doorParts is what all providers of a server share.
type doorParts struct {
	locals reconcile.Locals
	roles  map[string]bool
	ttl    time.Duration

	everywhere string
	on         string
}

func (p doorParts) door(o reconcile.Object) reconcile.Door {
	d := reconcile.Door{
		Addr: o.Addr, Name: liveName(o), On: p.on, In: p.on, Range: o.Range, Audience: reconcile.Members(o.Get("audience")), AudienceRange: attrRange(o, "audience"),
		GroupsClaim: nameIn(o.Get("groups_claim")), GroupsRange: attrRange(o, "groups_claim"), GroupsElsewhere: o.Get("groups_from_user_info") == reconcile.Flag(true),
		SubjectClaim: orElse(o.TextAttr("username_claim"), "sub"),
		Open:         o.Get("authentication") != reconcile.Flag(false), Maps: o.Get("authorization") != reconcile.Flag(false),
		MappingRange: attrRange(o, "group_to_role"), MappingAt: make(map[string]hcl.Range), Roles: p.roles, Locals: p.locals, CacheTTL: p.ttl, Public: publicRole,
	}
	d.SubjectElsewhere = o.Get("username_from_user_info") == reconcile.Flag(true)
	d.Issuer, d.IssuerSet, d.IssuerRange = issuerIn(o)
	d.Keys = keysIn(o)
	mapping, isMap := o.Get("group_to_role").(reconcile.Map)
	switch {
	case len(mapping) > 0:
		d.Mapping = mappingOf(mapping)
	case isMap || o.Get("group_to_role") == nil:
		d.Automatic = true
	default:
		d.Unknown = true // it does not parse, or members disagree
	}
	a, _ := o.Attr("group_to_role")
	for _, it := range a.Items {
		d.MappingAt[it.Key] = it.Range
	}
	config, _ := o.Get("config").(reconcile.Map)
	d.Identity, d.IdentityRange = config["token_type_authentication"] == reconcile.Text("id_token"), attrRange(o, "config")
	d.Locals.By = p.locals.For(providerEntry(d.Name))
	d.Words = reconcile.DoorWords{
		Product: "Neo4j", Mapping: "group_to_role", Groups: "groups_claim", Server: "authorization_server", Identity: `token_type = "access_token"`, Role: `neo4j "role"`,
		OpenList: authenticationProviders, MapsList: authorizationProviders, Required: requireLocalUser, CacheTTL: authCacheTTL, Everywhere: p.everywhere, LocalUser: fmt.Sprintf("neo4j \"user\" with auth %q", providerEntry(d.Name)),
	}
	return d
}

// active says whether a provider is asked at login at all.
func active(o reconcile.Object) bool {
	return o.Get("authentication") != reconcile.Flag(false) && o.Get("authorization") != reconcile.Flag(false)
}

// nameIn is a claim's name: its own, or that of the block that will make it.
func nameIn(v reconcile.Value) string {
	switch v := v.(type) {
	case reconcile.Text:
		return string(v)
	case reconcile.Ref:
		return v.Addr.Name
	}
	return ""
}

// issuerIn is what the provider takes as a token's issuer: what is set, else what the address of the discovery document says (OpenID Connect Discovery 1.0, section 4: the document
// is found under the issuer).
func issuerIn(o reconcile.Object) (issuer reconcile.Value, set bool, at hcl.Range) {
	if v := o.Get("issuer"); v != nil && v != reconcile.Text("") {
		return v, true, attrRange(o, "issuer")
	}
	at = attrRange(o, "well_known_discovery_uri")
	return discoveredIn(o), false, at
}

// discoveredIn is the issuer under whose address the discovery document is; nil when the address does not say.
func discoveredIn(o reconcile.Object) reconcile.Value {
	switch v := o.Get("well_known_discovery_uri").(type) {
	case reconcile.Text:
		for _, path := range []string{discoveryPath, "/.well-known/oauth-authorization-server"} {
			if issuer, ok := strings.CutSuffix(string(v), path); ok {
				return reconcile.Text(issuer)
			}
		}
	case reconcile.Join:
		if len(v) == 2 && v[1] == reconcile.Text(discoveryPath) {
			return v[0]
		}
	}
	return nil
}

// keysIn is the issuer whose keys the provider uses: as the address of the keys says it, which for Okta is under the issuer (Okta's reference "OpenID Connect & OAuth 2.0 API",
// endpoint /keys), else that of the discovery document.
func keysIn(o reconcile.Object) reconcile.Value {
	switch v := o.Get("jwks_uri").(type) {
	case nil:
	case reconcile.Text:
		if v != "" {
			if issuer, ok := strings.CutSuffix(string(v), "/v1/keys"); ok {
				return reconcile.Text(issuer)
			}
			return nil
		}
	default:
		return nil
	}
	return discoveredIn(o)
}

// rolesIn are the roles that there are in a state: those that it has, and those that the last Read saw and no block speaks of; nil when nobody looked.
func rolesIn(state []reconcile.Object, seen snapshot) map[string]bool {
	if seen.version == "" || seen.rolesErr != nil {
		return nil
	}
	roles := make(map[string]bool, len(seen.roles))
	for name := range seen.roles {
		if !seen.claimedRoles[name] {
			roles[name] = true
		}
	}
	for _, o := range state {
		if o.Addr.System == systemName && o.Addr.Kind == kindRole && !o.Absent {
			roles[liveName(o)] = true
		}
	}
	return roles
}

// localsOf are the users of a state, and those that the last Read saw and no block speaks of.
func localsOf(state []reconcile.Object, seen snapshot) reconcile.Locals {
	l := reconcile.Locals{Known: seen.version != "" && seen.usersErr == nil, ByName: make(map[string]reconcile.Local), ByProvider: make(map[string]map[string]reconcile.Local)}
	if len(seen.members) > 0 {
		l.Required = seen.localUser()
		l.NativeRole = slices.Contains(listOf(seen.members[0].settings[authorizationProviders].value), nativeProvider)
	}
	add := func(o reconcile.Object) {
		user := reconcile.Local{Name: liveName(o), Suspended: o.TextAttr(attrStatus) == statusSuspended, Roles: reconcile.Texts(o.Get(attrRoles)),
			By: reconcile.Source{Addr: o.Addr, Text: "user " + liveName(o), Range: attrRange(o, attrStatus)}}
		if user.By.Range.Empty() {
			user.By.Range = o.Range
		}
		auth, _ := o.Get(attrAuth).(reconcile.Map)
		for provider, id := range auth {
			if provider == nativeProvider {
				continue
			}
			if l.ByProvider[provider] == nil {
				l.ByProvider[provider] = make(map[string]reconcile.Local)
			}
			l.ByProvider[provider][reconcile.SubjectKey(id)] = user
		}
		l.ByName[user.Name] = user
	}
	for _, name := range sortedKeys(seen.users) {
		if !seen.claimedUsers[name] {
			add(liveUserObject(reconcile.Addr{System: systemName, Kind: kindUser, Name: name}, name, seen.users[name], seen))
		}
	}
	for _, o := range state {
		if o.Addr.System == systemName && o.Addr.Kind == kindUser && !o.Absent {
			add(o)
		}
	}
	return l
}

const authCacheTTL = "dbms.security.auth_cache_ttl"

// cacheTTL is for how long a login is remembered; 0 when nobody looked, or when logins are remembered for ever. The default is 10 minutes (Operations Manual, "Configuration
// settings", dbms.security.auth_cache_ttl).
func (s snapshot) cacheTTL() time.Duration {
	if len(s.members) == 0 {
		return 0
	}
	text := func(key, otherwise string) string {
		if v := s.members[0].settings[key].value; v != nil {
			return *v
		}
		return otherwise
	}
	if text("dbms.security.auth_cache_use_ttl", "true") == "false" {
		return 0
	}
	ttl, err := time.ParseDuration(text(authCacheTTL, "10m"))
	if err != nil {
		return 0
	}
	return ttl
}
