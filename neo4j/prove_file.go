package neo4j

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// The further hops of a token's examination.
const (
	hopGroups  = "groups"
	hopSession = "session"
	// Of the identity provider, and nothing that Neo4j goes by: the kind of a token, and the document as it is read from here.
	hopToken     = "token"
	hopDiscovery = "discovery"
)

// Examine says what Neo4j makes of a token, by a provider of the spec: the hops user, groups and roles, by the claims and the mapping; login, by logging in with it; and
// session, by comparing. It takes no right but the token's own. s may be nil, where the server is not known: then nobody logs in. objects are the spec's, with references resolved as far
// as they are known; doubts are what is wrong with the token already. row is what the login saw, as the drivers print it, "" when there was none.
func (s *System) Examine(ctx context.Context, token reconcile.Secret, claims map[string]reconcile.Value, provider reconcile.Object, objects []reconcile.Object, doubts []reconcile.Hop) (hops []reconcile.Hop, row string) {
	x := &examination{system: s, claims: claims, provider: provider, objects: objects, doubts: doubts}
	hops = []reconcile.Hop{x.user(), x.groups(), x.roles()}
	x.doubts = append(x.doubts, hops[0])
	hops = append(hops, x.login(ctx, token))
	hops = append(hops, x.session())
	if len(x.rows) > 0 {
		row = pythonRow(x.rows[0])
	}
	return hops, row
}

// examination is one token's.
type examination struct {
	system   *System
	claims   map[string]reconcile.Value
	provider reconcile.Object
	objects  []reconcile.Object
	doubts   []reconcile.Hop

	name    string   // of the session, "" when it is not known
	claimed []string // groups
	meant   []string // roles, sorted, without PUBLIC
	open    string   // why the roles are not known for sure
	rows    []row
}

// user finds the session's name. sub must be there even when another claim is the name (Operations Manual, "Single sign-on integration").
func (x *examination) user() reconcile.Hop {
	claim := orElse(x.provider.TextAttr("username_claim"), "sub")
	h := reconcile.Hop{Expected: claim + ", a text", Came: shownClaim(x.claims, claim), Range: attrRange(x.provider, "username_claim")}
	switch {
	case x.provider.Get("username_from_user_info") == reconcile.Flag(true):
		return left(hopUser, "not decided: the name comes from the user info endpoint")
	case textOf(x.claims[claim]) == "":
		h.Text, h.Likely = "the token has no text claim "+claim+", so Neo4j refuses it", []string{"username_claim names a claim that machines' tokens do not have: use sub"}
		return failed(hopUser, h)
	case textOf(x.claims["sub"]) == "":
		h.Text, h.Expected, h.Came = "the token has no sub, so Neo4j refuses it", "sub, a text", shownClaim(x.claims, "sub")
		h.Likely = []string{"the identity provider's own claim sub was changed"}
		return failed(hopUser, h)
	}
	x.name = textOf(x.claims[claim])
	return passed(hopUser, fmt.Sprintf("%q, from %s", x.name, claim))
}

func shownClaim(claims map[string]reconcile.Value, name string) string {
	if v := claims[name]; v != nil {
		return name + " = " + v.String()
	}
	return "no claim " + name + ", but " + strings.Join(sortedKeys(claims), ", ")
}

// groups reads the groups as Neo4j does: a text, or a list of texts; all else is no group.
func (x *examination) groups() reconcile.Hop {
	claim := x.provider.TextAttr("groups_claim")
	switch {
	case x.provider.Get("groups_from_user_info") == reconcile.Flag(true):
		x.open = "groups come from the user info endpoint"
		return left(hopGroups, "not decided: "+x.open)
	case claim == "":
		return passed(hopGroups, "none: the provider has no groups_claim")
	}
	x.claimed = uniqueSorted(textsOf(x.claims[claim]))
	if len(x.claimed) > 0 {
		return passed(hopGroups, listText(x.claimed)+", from "+claim)
	}
	h := reconcile.Hop{
		Text: "the token holds no group, so its session has role PUBLIC alone", Expected: claim + ", a text or a list of texts", Came: shownClaim(x.claims, claim), Range: attrRange(x.provider, "groups_claim"),
	}
	switch {
	case x.claims["_claim_names"] != nil:
		h.Likely = []string{"Entra ID sends a pointer instead of the groups of users in very many (overage): use app roles, claim roles"}
	case x.claims[claim] != nil:
		h.Likely = []string{"the claim is empty, or holds something else than texts"}
	default:
		h.Likely = []string{"the token was asked for without the scope that the claim is tied to", "the claim has another name at the identity provider"}
	}
	return failed(hopGroups, h)
}

// roles maps the groups. A mapping switches the roles of the same name off entirely (Operations Manual, "Single sign-on integration").
func (x *examination) roles() reconcile.Hop {
	if x.open != "" {
		return left(hopRoles, "not decided: "+x.open)
	}
	mapping := mappingOf(x.provider.Get("group_to_role"))
	if len(mapping) == 0 {
		x.open = "without a mapping a group gives the role of the same name, if Neo4j has one"
		return passed(hopRoles, x.open+": "+listText(x.claimed))
	}
	var parts, dropped []string
	for _, group := range x.claimed {
		if roles := mapping[group]; len(roles) > 0 {
			parts = append(parts, group+" → "+strings.Join(uniqueSorted(roles), ", "))
			x.meant = append(x.meant, roles...)
		} else {
			dropped = append(dropped, group)
		}
	}
	x.meant = slices.DeleteFunc(uniqueSorted(x.meant), func(r string) bool { return r == publicRole })
	if len(x.meant) > 0 || len(x.claimed) == 0 {
		text := strings.Join(parts, "; ")
		if len(dropped) > 0 {
			text += "; no role for " + listText(dropped)
		}
		return passed(hopRoles, orElse(text, "none but PUBLIC"))
	}
	h := reconcile.Hop{
		Text: "no group of the token is mapped, so its session has role PUBLIC alone", Expected: "one of the groups " + listText(sortedKeys(mapping)), Came: listText(x.claimed),
		Likely: []string{"group_to_role lacks the group"}, Range: attrRange(x.provider, "group_to_role"),
	}
	for _, group := range dropped {
		if parts := strings.FieldsFunc(group, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '|' }); len(parts) > 1 && slices.ContainsFunc(parts, func(p string) bool { return len(mapping[p]) > 0 }) {
			h.Likely = append([]string{"the claim holds several names in one text: make it a list"}, h.Likely...)
		}
	}
	for _, o := range x.objects {
		if o.Addr.System == systemName && o.Addr.Kind == kindRole && slices.Contains(x.claimed, liveName(o)) {
			h.Likely = append(h.Likely, "there is a role "+liveName(o)+", but a mapping switches roles of the same name off")
		}
	}
	return failed(hopRoles, h)
}

// login tries the token on the server, on each member that the spec lists.
func (x *examination) login(ctx context.Context, token reconcile.Secret) reconcile.Hop {
	s := x.system
	if s == nil {
		return left(hopLogin, "not tried: the spec and the environment name no server (NEO4J_URI). "+x.forecast())
	}
	uris := []string{s.uri.String()}
	if len(s.members) > 0 {
		uris = nil
		for _, m := range s.members {
			uris = append(uris, s.memberURI(m))
		}
	}
	for _, uri := range uris {
		rows, err := s.tryToken(ctx, uri, token)
		switch {
		case err != nil && !refused(err):
			x.rows = nil
			return left(hopLogin, "not tried: "+s.client.unreachable(uri, "LOGON", err).Error()+". "+x.forecast())
		case err != nil:
			x.rows = nil
			return x.refusedToken(uri, err)
		}
		x.rows = append(x.rows, rows[0])
	}
	text := "the token is taken by " + countMembers(len(uris))
	checked, others := x.broken()
	switch {
	case len(checked) > 0:
		text += ", all the same: it has another provider than the spec's, or other settings"
	case len(others) > 0:
		text += ", all the same: Neo4j looks neither at the kind of a token nor at a binding to a key"
	}
	return passed(hopLogin, text)
}

// forecast says what a server that has the spec's provider makes of the token, as far as that can be told without it.
func (x *examination) forecast() string {
	checked, _ := x.broken()
	var open []string
	for _, h := range x.doubts {
		if h.Status == reconcile.HopSkip {
			open = append(open, h.Name)
		}
	}
	switch {
	case len(checked) > 0:
		return "With the spec's provider Neo4j refuses it: " + strings.Join(checked, "; ")
	case len(open) > 0:
		return "Whether Neo4j takes it depends on what was not decided: " + strings.Join(open, ", ")
	case x.open != "":
		return "With the spec's provider Neo4j takes it; its roles are not known: " + x.open
	}
	return "With the spec's provider Neo4j takes it, as user " + x.name + " with " + listText(append(slices.Clone(x.meant), publicRole))
}

func (s *System) tryToken(ctx context.Context, uri string, token reconcile.Secret) ([]row, error) {
	d, err := s.client.bearer(uri, token)
	if err != nil {
		return nil, err
	}
	defer d.Close(ctx)
	rows, err := s.client.asBearer(ctx, d, uri, "SHOW CURRENT USER")
	if err == nil && len(rows) == 0 {
		err = errors.New("SHOW CURRENT USER gave no row")
	}
	return rows, err
}

// broken lists what is wrong with the token for sure: what Neo4j checks, and what it does not.
func (x *examination) broken() (checked, others []string) {
	for _, h := range x.doubts {
		switch {
		case h.Status != reconcile.HopFail:
		case h.Name == hopToken || h.Name == hopDiscovery:
			others = append(others, h.Name+": "+h.Text)
		default:
			checked = append(checked, h.Name+": "+h.Text)
		}
	}
	return checked, others
}

func (x *examination) refusedToken(uri string, err error) reconcile.Hop {
	checked, others := x.broken()
	h := reconcile.Hop{Text: uri + " does not take the token", Expected: "a session", Came: err.Error(), Likely: append(checked, others...), See: "tail logs/security.log, on that server", Range: x.provider.Range}
	if len(h.Likely) == 0 {
		h.Likely = []string{
			"the provider is not applied on that server as the spec has it: keymaker drift tells, with a user who may see settings",
			requireLocalUser + " is true there, and no user has this token's id, or that user is suspended",
			"the server cannot fetch the issuer's keys, or its clock is off",
		}
	}
	return failed(hopLogin, h)
}

// session compares what the login saw with what the spec means.
func (x *examination) session() reconcile.Hop {
	if len(x.rows) == 0 {
		return left(hopSession, "needs "+hopLogin)
	}
	r := x.rows[0]
	said := r.text("user") + " with " + listText(r.texts("roles"))
	if x.open != "" {
		return passed(hopSession, said)
	}
	meant := append(slices.Clone(x.meant), publicRole)
	for i, r := range x.rows {
		came := r.texts("roles")
		if EqualSets(came, meant) {
			continue
		}
		h := reconcile.Hop{Text: "the session has other roles than the spec means", Expected: listText(meant), Came: listText(came), Range: attrRange(x.provider, "group_to_role")}
		if i > 0 {
			h.Text = x.system.members[i] + " gives other roles than the spec means"
		}
		for _, role := range meant {
			if !slices.Contains(came, role) {
				h.Likely = append(h.Likely, "role "+role+" does not exist there, or the mapping of that server has no such line")
			}
		}
		if !subset(came, meant) {
			h.Likely = append(h.Likely, "the mapping of that server gives more, or a user of that name has roles of its own (native in authorization_providers)")
		}
		h.See = "keymaker plan"
		return failed(hopSession, h)
	}
	return passed(hopSession, said)
}
