package okta

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// answering is the policy, and the rule of it, by which Okta decides about an account.
type answering struct {
	all    []standing // the server's policies, first to last
	policy raw        // nil when none is for the account
	rules  []raw      // of policy
	rule   raw        // nil when none gives the account all scopes
	lacks  []string
}

// policy works out which policy and rule will answer, as the pages "Authorization Servers" and "Configure an access policy" of Okta's documentation have it: the first
// policy in use that is for the client, and in it the first rule in use for the grant and all scopes. Whether Okta goes on to the next policy when no rule of the first
// fits is not spelled out; the stricter reading is that it does not.
func (p *proof) policy(ctx context.Context) reconcile.Hop {
	p.asked = p.wantedScopes()
	a, err := p.whoAnswers(ctx)
	switch {
	case err != nil && isFatal(err):
		return refused(hopPolicy, err)
	case err != nil && len(p.ways) > 0: // who may not read policies finds out by the token
		return good(hopPolicy, "%s, rule %s, by the spec; Okta's own could not be read: %v", nameOf(p.ways[0].policy), p.ways[0].rule.Addr.Name, err)
	case err != nil:
		return good(hopPolicy, "not readable: %v", err)
	case a.rule == nil:
		return p.noAnswer(a)
	}
	p.answers = a
	text := fmt.Sprintf("%s, rule %s", clean(a.policy.text("name")), clean(a.rule.text("name")))
	switch first, other := p.other(a); {
	case len(p.ways) == 0:
		text += ", which the spec does not declare"
	case other:
		text += ", and not the spec's " + first
	}
	return good(hopPolicy, "%s", text)
}

// other says whether a policy answers that is none of the spec's, and names the spec's.
func (p *proof) other(a answering) (string, bool) {
	for _, w := range p.ways {
		if nameOf(w.policy) == a.policy.text("name") {
			return "", false
		}
	}
	if len(p.ways) == 0 {
		return "", true
	}
	return nameOf(p.ways[0].policy), true
}

func (p *proof) policiesPath() string {
	return "/api/v1/authorizationServers/" + url.PathEscape(p.server()) + "/policies"
}

func (p *proof) whoAnswers(ctx context.Context) (answering, error) {
	all, err := p.standing(ctx, p.policiesPath())
	if err != nil {
		return answering{}, err
	}
	a := answering{all: all, policy: deciding(all, p.clientID())}
	if a.policy == nil {
		return a, nil
	}
	rules, err := p.list(ctx, p.policiesPath()+"/"+url.PathEscape(a.policy.text("id"))+"/rules")
	if err != nil {
		return a, err
	}
	a.rules = byPriority(rules)
	for _, one := range a.rules {
		if whyNot(one) != "" {
			continue
		}
		lacks := lackingScopes(one, p.asked)
		if len(lacks) == 0 {
			a.rule = one
			return a, nil
		}
		if a.lacks == nil {
			a.lacks = lacks
		}
	}
	return a, nil
}

// standing is a server's policy and whom it is for. One may name thousands of clients.
type standing struct {
	raw
	clients audience
}

// standing lists the policies of a server, first to last, once for all accounts of the run.
func (p *proof) standing(ctx context.Context, path string) ([]standing, error) {
	all, err := p.list(ctx, path)
	if err != nil {
		return nil, err
	}
	return reconcile.Once(p.evidence.Run, asking{p.system, "in order: " + path}, func() ([]standing, error) {
		var list []standing
		for _, one := range byPriority(all) {
			list = append(list, standing{one, audienceAmong(one.at("conditions", "clients", "include"))})
		}
		return list, nil
	})
}

// deciding is the first policy in use that is for a client, nil where there is none.
func deciding(all []standing, client reconcile.Text) raw {
	for _, one := range all {
		if one.text("status") == active && (one.clients.all() || one.clients[client]) {
			return one.raw
		}
	}
	return nil
}

// whyNot says why a rule does not answer a machine, "" when it does.
func whyNot(rule raw) string {
	groups := rule.at("conditions", "people", "groups", "include")
	switch {
	case rule.text("status") != active:
		return "is inactive"
	case !contains(rule.at("conditions", "grantTypes", "include"), reconcile.Text(grantMachine)):
		return "has no client_credentials among its grant_types"
	case len(reconcile.Members(rule.at("conditions", "people", "users", "include"))) > 0,
		len(reconcile.Members(groups)) > 0 && !contains(groups, reconcile.Text(everyone)):
		return "is for some users or groups, and a machine is neither"
	}
	return ""
}

func lackingScopes(rule raw, asked []string) []string {
	given := rule.at("conditions", "scopes", "include")
	if contains(given, reconcile.Text("*")) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return contains(given, reconcile.Text(s)) })
}

// noAnswer explains why no policy gives the account a token.
func (p *proof) noAnswer(a answering) reconcile.Hop {
	h := bad(hopPolicy, "no policy gives this app a token")
	h.Expected = "an active policy for this client, with an active rule for client_credentials"
	h.See = p.ask(p.policiesPath())
	if len(p.ways) > 0 {
		w := p.ways[0]
		h.Expected = fmt.Sprintf("policy %s, rule %s", nameOf(w.policy), w.rule.Addr.Name)
		h.Range, h.See = w.policy.Range, p.see(w.policy.Addr, p.policiesPath())
	}
	if len(p.asked) > 0 {
		h.Expected += ", with scope " + strings.Join(p.asked, " ")
	}
	if a.policy == nil {
		h.Came = "no policy in use is for " + string(p.clientID())
		h.Likely = p.likelyNoPolicy(a)
		return h
	}
	name := clean(a.policy.text("name"))
	if !strings.HasPrefix(h.See, "keymaker ") {
		h.See = p.ask(p.policiesPath() + "/" + url.PathEscape(a.policy.text("id")) + "/rules")
	}
	h.Came = "policy " + name + ", and no rule of it that fits"
	if first, other := p.other(a); other && first != "" {
		h.Likely = append(h.Likely, fmt.Sprintf("policy %s comes first and is for this client too: Okta does not ask %s", name, first))
	}
	for _, rule := range a.rules {
		if why := whyNot(rule); why != "" {
			h.Likely = append(h.Likely, "rule "+clean(rule.text("name"))+" "+why)
		} else if lacks := lackingScopes(rule, p.asked); len(lacks) > 0 {
			h.Likely = append(h.Likely, "rule "+clean(rule.text("name"))+" does not give scope "+strings.Join(lacks, " "))
		}
	}
	if len(a.rules) == 0 {
		h.Likely = append(h.Likely, "policy "+name+" has no rule")
	}
	if _, other := p.other(a); !other {
		h.Range = p.ways[0].rule.Range
	}
	return h
}

// likelyNoPolicy says what became of the policies that the spec has for the account.
func (p *proof) likelyNoPolicy(a answering) []string {
	var likely []string
	for _, w := range p.ways {
		name := nameOf(w.policy)
		switch i := slices.IndexFunc(a.all, func(r standing) bool { return r.text("name") == name }); {
		case i < 0:
			likely = append(likely, "policy "+name+" is not in Okta")
		case a.all[i].text("status") != active:
			likely = append(likely, "policy "+name+" is inactive")
		default:
			likely = append(likely, "the app is missing in clients of policy "+name)
		}
	}
	if len(p.ways) == 0 {
		likely = []string{"the spec declares no policy for this app, and the org has none for all clients: declare a policy with the app in clients"}
	}
	return slices.Compact(likely)
}

func (p *proof) clientID() reconcile.Text {
	id, _ := p.app.Facts[attrClientID].(reconcile.Text)
	return id
}

// wantedScopes are what the account asks for: the scopes of its rule, or those with which the claims come.
func (p *proof) wantedScopes() []string {
	if len(p.ways) == 0 {
		return askable(scopeNames(p.meant.scopes))
	}
	return p.system.recall().askedBy(p.ways[0]) // Okta decides by the first rule that fits, for the whole request
}

func scopeNames(scopes []reconcile.Object) []string {
	var ns []string
	for _, o := range scopes {
		ns = append(ns, o.TextAttr(attrName))
	}
	return ns
}
