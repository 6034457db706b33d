package okta

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// The names of what is watched beside attributes.
const (
	watchSecrets  = "secrets"
	watchClaims   = "claims"
	watchPolicies = "policies"
	watchRules    = "rules"
)

// watchRemedies say what undoes what is watched. No plan does: what is nobody's here is left alone, and secrets are never read.
var watchRemedies = map[string]string{
	watchSecrets:  "delete the secret in Okta, or deactivate it first and see who calls",
	watchClaims:   "delete the claim in Okta, or declare it",
	watchPolicies: "delete the policy in Okta, declare it, or put it behind with policy_order of the authorization server",
	watchRules:    "delete the rule in Okta, or declare it in the policy",
}

var _ reconcile.Watcher = (*System)(nil)

// Watch sees what no attribute tells: claims that nobody declared in the tokens of a declared app, policies and rules that nobody declared and that come before the declared
// ones, and client secrets that somebody made. All but the last follow from what the last Read saw and cost no call. Claims are known of a server where the spec has one,
// since others are not listed; so for policies.
//
// Secrets are never listed: each such read shows them, and is an audited event itself. What tells of them is the System Log, in one query for all apps: who made a secret
// (app.oauth2.credentials.lifecycle.create) that nobody deactivated or deleted since. So one that is older than the log is not seen.
func (s *System) Watch(ctx context.Context, items []reconcile.DriftItem, ask reconcile.Inquiry) (map[reconcile.Addr][]reconcile.Diff, []string) {
	w := watching{system: s, view: s.recall(), items: items, seen: map[reconcile.Addr][]reconcile.Diff{}}
	for a, o := range w.view.live {
		if want := w.view.want[a]; !want.Reference && !want.Absent {
			w.live = append(w.live, o)
		}
	}
	w.ids = make(map[string]bool, len(w.live))
	for _, o := range w.live {
		w.ids[textOf(o.Facts["id"])] = true
	}
	slices.SortFunc(w.live, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	w.issuers = w.view.issuers(w.live)
	for _, it := range items {
		switch it.Addr.Kind {
		case kindApp:
			w.claims(it)
			w.policies(it)
		case kindPolicy:
			w.rules(it)
		}
	}
	return w.seen, append(w.unread(), w.secrets(ctx, ask)...)
}

// watching is one Watch.
type watching struct {
	system  *System
	view    view
	items   []reconcile.DriftItem
	live    []reconcile.Object // what the spec declares, as it is
	ids     map[string]bool    // of these
	issuers []*issuer          // its servers, with what nobody declared among it
	seen    map[reconcile.Addr][]reconcile.Diff
}

// stranger is a live object that nobody declared, and what is said of it.
type stranger struct {
	id, name string
	means    []string
	gravity  reconcile.Gravity
}

// tell makes a difference of strangers: live has them, and the spec does not.
func (w watching) tell(a reconcile.Addr, name string, strangers []stranger) {
	if len(strangers) == 0 {
		return
	}
	d := reconcile.Diff{Name: name, Field: reconcile.Field{Name: name, Compare: reconcile.AsSet, Type: reconcile.SetOfType(reconcile.String)}, Want: reconcile.Set{}, Watched: true,
		Range: w.view.want[a].Range, Gravity: reconcile.Neutral, Remedy: watchRemedies[name] + ", or accept it with ignore_changes = [" + name + "] in its lifecycle block"}
	slices.SortFunc(strangers, func(a, b stranger) int { return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.id, b.id)) })
	for _, x := range strangers {
		d.Removed = append(d.Removed, reconcile.Text(x.name))
		d.Sources, d.Means = append(d.Sources, x.id), append(d.Means, x.means...)
		if x.gravity.Compare(d.Gravity) > 0 {
			d.Gravity = x.gravity
		}
	}
	d.Live = reconcile.SetOf(d.Removed...)
	w.seen[a] = append(w.seen[a], d)
}

// declares says whether some object of the spec is the one that Okta has by this id.
func (w watching) declares(id string) bool {
	return w.ids[id]
}

// claims sees what else stands in an app's tokens. Whether it gives the app anything is what the access graph says once the claim is in it.
func (w watching) claims(it reconcile.DriftItem) {
	if it.Live.Addr.IsZero() {
		return
	}
	var found []stranger
	for _, is := range w.issuers {
		at := is.rungsOf(it.Live)
		if len(at) == 0 {
			continue
		}
		t, _ := w.view.token(it.Live, is, at[0])
		for _, claim := range is.claims {
			i := slices.IndexFunc(t.Claims, func(c reconcile.Claim) bool { return c.Name == nameOf(claim) })
			if i < 0 || claim.TextAttr(attrClaimType) == claimIdentity || w.declares(textOf(claim.Facts["id"])) {
				continue
			}
			c := t.Claims[i]
			x := stranger{id: textOf(claim.Facts["id"]), name: c.Name, gravity: reconcile.Neutral,
				means: []string{fmt.Sprintf("its access tokens carry %s = %s, which no block declares", c.Name, claim.TextAttr("value"))}}
			for _, group := range onlyBy(t, i) {
				x.gravity = reconcile.Widens
				x.means = append(x.means, fmt.Sprintf("whoever reads %s takes it for a member of %s", c.Name, group))
			}
			found = append(found, x)
		}
	}
	w.tell(it.Addr, watchClaims, found)
}

// onlyBy are the groups that an account has by one claim, and by no other of its token.
func onlyBy(t reconcile.Token, claim int) []string {
	return slices.DeleteFunc(slices.Clone(t.Claims[claim].Values), func(group string) bool {
		for i, c := range t.Claims {
			if i != claim && slices.Contains(c.Values, group) {
				return true
			}
		}
		return false
	})
}

// policies sees the policies that are for an app and come before those of the spec: the first one that is for a client decides.
func (w watching) policies(it reconcile.DriftItem) {
	if it.Live.Addr.IsZero() || textOf(it.Live.Facts[attrClientID]) == "" {
		return
	}
	var found []stranger
	for _, is := range w.issuers {
		at := is.rungsOf(it.Live)
		last := len(at) - 1
		for last >= 0 && is.rungs[at[last]].foreign {
			last--
		}
		for i := range max(last, 0) { // without one of the spec, it is for others to say who comes first
			if r := is.rungs[at[i]]; r.foreign {
				found = append(found, stranger{id: textOf(r.policy.Facts["id"]), name: nameOf(r.policy), gravity: reconcile.Unknown,
					means: []string{fmt.Sprintf("policy %s is for it too and comes first: its rules, which no block declares, decide what its tokens are", nameOf(r.policy))}})
			}
		}
	}
	w.tell(it.Addr, watchPolicies, found)
}

// rules sees the rules that decide before one of the spec's. What they give beyond it is what makes them grave.
func (w watching) rules(it reconcile.DriftItem) {
	id := textOf(it.Live.Facts["id"])
	if id == "" {
		return
	}
	all := w.view.raws["/api/v1/authorizationServers/"+textOf(it.Live.Get(attrServer))+"/policies/"+id+"/rules"]
	var found []stranger
	for _, one := range all {
		if one.flag("system") || one.text("status") == inactive || w.declares(one.text("id")) || !hasGrant(one.at("conditions", "grantTypes", "include")) {
			continue
		}
		ours, ok := w.overtaken(all, one)
		if !ok {
			continue
		}
		x := stranger{id: one.text("id"), name: one.text("name"), gravity: reconcile.Changes,
			means: []string{fmt.Sprintf("rule %s decides before %s, and no block declares it", one.text("name"), ours.text("name"))}}
		if more := beyond(one, ours); more != "" {
			x.gravity, x.means = reconcile.Widens, append(x.means, "rule "+one.text("name")+" gives "+more)
		}
		found = append(found, x)
	}
	w.tell(it.Addr, watchRules, found)
}

// overtaken is the first declared rule behind one that nobody declared.
func (w watching) overtaken(all []raw, one raw) (raw, bool) {
	for _, other := range byPriority(all) {
		if other.number("priority") > one.number("priority") && other.text("status") != inactive && w.declares(other.text("id")) {
			return other, true
		}
	}
	return nil, false
}

// beyond says what one rule gives that another does not; "" when that is nothing.
func beyond(one, other raw) string {
	scopes := func(r raw) []string { return reconcile.Texts(r.at("conditions", "scopes", "include")) }
	var more []string
	had := scopes(other)
	for _, s := range scopes(one) {
		if !slices.Contains(had, s) && !slices.Contains(had, "*") {
			more = append(more, s)
		}
	}
	var parts []string
	if len(more) > 0 {
		parts = append(parts, "scopes "+strings.Join(more, ", ")+" besides")
	}
	if longer := longerBy(one, other); longer != "" {
		parts = append(parts, longer)
	}
	return strings.Join(parts, ", and ")
}

// longerBy says how much longer the tokens of one rule live than another's; "" when they do not.
func longerBy(one, other raw) string {
	a, b := one.number("actions", "token", "accessTokenLifetimeMinutes"), other.number("actions", "token", "accessTokenLifetimeMinutes")
	if a <= b {
		return ""
	}
	return fmt.Sprintf("tokens for %s instead of %s", time.Duration(a)*time.Minute, time.Duration(b)*time.Minute)
}

// secretEvents are what the log says of client secrets and public keys (Okta's catalogue "Event Types").
var secretEvents = []string{"app.oauth2.credentials.lifecycle.create", "app.oauth2.credentials.lifecycle.activate", "app.oauth2.credentials.lifecycle.deactivate", "app.oauth2.credentials.lifecycle.delete"}

// secrets sees the client secrets that somebody made and nobody took out of use, of all apps in one query.
func (w watching) secrets(ctx context.Context, ask reconcile.Inquiry) []string {
	apps := map[string]reconcile.Addr{}
	for _, it := range w.items {
		if it.Addr.Kind == kindApp && !it.Live.Addr.IsZero() {
			apps[textOf(it.Live.Facts["id"])], apps[textOf(it.Live.Facts[attrClientID])] = it.Addr, it.Addr
		}
	}
	if len(apps) == 0 {
		return nil
	}
	if !ask.Log {
		return []string{"Okta: client secrets are not watched, since the System Log was not asked."}
	}
	events, err := w.system.events(ctx, anyOf("eventType", secretEvents), ask.Since)
	if err != nil {
		return []string{"Okta: client secrets are not watched: " + whyUnread(err) + "."}
	}
	byApp := map[reconcile.Addr][]event{}
	settled := map[string]bool{}
	for _, e := range events { // newest first: the first word about a secret is the last one
		secret, app := "", reconcile.Addr{}
		for _, t := range e.targets() {
			if a, ok := apps[t.text("id")]; ok {
				app = a
			} else if t.text("type") == "client_secret" || strings.HasPrefix(t.text("id"), "ocs") {
				secret = t.text("id")
			}
		}
		if secret == "" || app.IsZero() || settled[secret] {
			continue
		}
		settled[secret] = true
		if verb := e.text("eventType"); (strings.HasSuffix(verb, ".create") || strings.HasSuffix(verb, ".activate")) && !w.ownSecret(ctx, e, ask.Since) {
			byApp[app] = append(byApp[app], e)
		}
	}
	for a, made := range byApp {
		w.tellSecrets(a, made)
	}
	return nil
}

// appWrites are the calls by which keymaker gives an app a secret: it makes the app with it, or writes it into the app. It never adds a second one.
var appWrites = []string{"application.lifecycle.create", "application.lifecycle.update"}

// ownSecret says whether keymaker itself made a secret. The login of an app proves it. The user agent alone does not, since anybody may send it: there the secret has to come with a write of
// keymaker to the same app, in the same call (events of one call have one transaction: Okta's reference "System Log"). Whether Okta logs a secret that comes with the app is not
// documented; where it does not, whatever calls itself keymaker is told.
func (w watching) ownSecret(ctx context.Context, e event, since time.Time) bool {
	if !w.system.isOwn(e) || w.system.client.settings.mode == modeKey {
		return w.system.isOwn(e)
	}
	transaction := e.text("transaction", "id")
	if transaction == "" {
		return false
	}
	same, err := w.system.events(ctx, anyOf("eventType", appWrites)+" and "+anyOf("transaction.id", []string{transaction}), since)
	return err == nil && slices.ContainsFunc(same, w.system.isOwn)
}

func (w watching) tellSecrets(a reconcile.Addr, made []event) {
	var found []stranger
	for _, e := range made {
		for _, t := range e.targets() {
			if id := t.text("id"); strings.HasPrefix(id, "ocs") || t.text("type") == "client_secret" {
				means := []string{"whoever has secret " + id + " logs in as " + nameOf(w.view.live[a])}
				if w.system.isOwn(e) {
					means = append(means, "it was made by something that calls itself keymaker, which adds no secret to an app that is there")
				}
				found = append(found, stranger{id: id, name: id, gravity: reconcile.Widens, means: means})
			}
		}
	}
	w.tell(a, watchSecrets, found)
	by := made[0].attribution(reconcile.ConfidenceExact)
	w.seen[a][len(w.seen[a])-1].By = &by
}
