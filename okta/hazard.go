package okta

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// narrows says whether an update only takes access away: it may then run before everything else. What changes one attribute both ways, or another
// attribute too, waits for what it needs.
func (p planner) narrows(c reconcile.Update) bool {
	takes := false
	for _, d := range c.Diffs {
		switch {
		case d.Name == attrStatus && c.Want.TextAttr(attrStatus) == inactive:
			takes = true
		case isAccess(c.Addr().Kind, d.Name) && narrower(d) && reconcile.Known(d.Want) && !p.makes(d.Added):
			takes = true
		default:
			return false
		}
	}
	return takes
}

// makes says whether the plan makes a scope or client that is among some values: what names one has to wait for it, though it takes access away (from * to a new scope).
func (p planner) makes(values []reconcile.Value) bool {
	for _, c := range p.changes {
		made, ok := c.(reconcile.Create)
		if !ok {
			continue
		}
		var name reconcile.Value
		switch made.Want.Addr.Kind {
		case kindScope:
			name = made.Want.Get(attrName)
		case kindApp:
			name = made.Want.Get(attrClientID)
		}
		if name != nil && contains(reconcile.List(values), name) {
			return true
		}
	}
	return false
}

// isAccess says whether an attribute is a set of things given.
func isAccess(kind, name string) bool {
	switch kind {
	case kindApp:
		return strings.HasPrefix(name, attrProfile+".") || name == attrGrants
	case kindPolicy:
		return name == attrClients
	case kindRule:
		return name == attrScopes || name == attrGrants
	}
	return false
}

// narrower says whether a set only loses members: named clients are fewer than all.
func narrower(d reconcile.Diff) bool {
	if len(d.Removed) == 0 {
		return false
	}
	everything := reconcile.Text(allClients)
	if d.Name == attrScopes {
		everything = "*"
	}
	return len(d.Added) == 0 || contains(reconcile.List(d.Removed), everything)
}

// hazards says what a change may harm.
func (p planner) hazards(c reconcile.Change) []reconcile.Hazard {
	switch c := c.(type) {
	case reconcile.Create:
		return createHazards(c.Want)
	case reconcile.Update:
		var hs []reconcile.Hazard
		for _, d := range c.Diffs {
			hs = append(hs, updateHazards(c, d)...)
			if d.Name == attrRuleOrder {
				hs = append(hs, p.orderHazards(c, d)...)
			}
		}
		return hs
	case reconcile.Delete:
		return deleteHazards(c.Live)
	}
	return nil
}

// orderHazards says which rule comes to decide before another that gives less, or whose tokens lived longer. A rule that lacks scopes takes none away by that: what asks for them
// goes on to the next rule (Okta's page "Configure an access policy").
func (p planner) orderHazards(c reconcile.Update, d reconcile.Diff) []reconcile.Hazard {
	live := p.view.live[c.Addr()]
	byName := map[string]raw{}
	for _, one := range p.view.raws["/api/v1/authorizationServers/"+textOf(live.Get(attrServer))+"/policies/"+textOf(live.Facts["id"])+"/rules"] {
		byName[one.text("name")] = one
	}
	before, after := reconcile.Texts(d.Live), reconcile.Texts(d.Want)
	var hs []reconcile.Hazard
	for i, first := range after {
		for _, second := range after[i+1:] {
			was := slices.Index(before, second)
			if was < 0 || was > slices.Index(before, first) || byName[first] == nil || byName[second] == nil {
				continue
			}
			if more := beyond(byName[first], byName[second]); more != "" {
				hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardWidens, Text: fmt.Sprintf("rule %s decides before %s, and gives %s", first, second, more)})
			}
			if less := longerBy(byName[second], byName[first]); less != "" {
				hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardRevokes, Text: fmt.Sprintf("rule %s decides before %s, which gave %s", first, second, less)})
			}
		}
	}
	return hs
}

func createHazards(o reconcile.Object) []reconcile.Hazard {
	if o.Addr.Kind == kindPolicy && contains(o.Get(attrClients), reconcile.Text(allClients)) {
		return []reconcile.Hazard{{Kind: reconcile.HazardWidens, Text: "every client of the org gets what the rules of " + o.TextAttr(attrName) + " give"}}
	}
	return nil
}

func updateHazards(c reconcile.Update, d reconcile.Diff) []reconcile.Hazard {
	one := func(kind reconcile.HazardKind, format string, args ...any) []reconcile.Hazard {
		return []reconcile.Hazard{{Kind: kind, Text: fmt.Sprintf(format, args...)}}
	}
	name := nameOf(c.Want)
	switch {
	case d.Name == attrStatus && c.Want.TextAttr(attrStatus) == inactive && c.Addr().Kind == kindApp:
		return one(reconcile.HazardRevokes, "%s is switched off, and the tokens it has stop working for good", name)
	case d.Name == attrStatus && c.Want.TextAttr(attrStatus) == inactive:
		return one(reconcile.HazardRevokes, "%s %s is switched off", words(c.Addr().Kind), name)
	case d.Name == attrName && (c.Addr().Kind == kindClaim || c.Addr().Kind == kindScope):
		return one(reconcile.HazardRevokes, "%s %s is called %s from now on: who knows it by its old name has it no more", words(c.Addr().Kind), textOf(d.Live), name)
	case d.Name == attrMethod && c.Want.TextAttr(attrMethod) == methodKey:
		return one(reconcile.HazardSecret, "Okta removes the client secrets of %s", name)
	case d.Name == attrMethod:
		return one(reconcile.HazardRevokes, "%s has to authenticate by %s from now on", name, c.Want.TextAttr(attrMethod))
	case d.Name == attrKeys || d.Name == attrKeysURI:
		return one(reconcile.HazardSecret, "%s can no longer log in with keys that are not in %s", name, d.Name)
	case d.Name == attrDelivery:
		return one(reconcile.HazardSecret, "if the pending secret of %s is not live, it replaces the one that is", name)
	case d.Name == attrKeyDelivery && d.Live == reconcile.Text(noEnvFile):
		return nil
	case d.Name == attrKeyDelivery:
		where, _ := c.Want.Get(attrKey).(reconcile.Map)
		return one(reconcile.HazardSecret, "whoever has the key in %s can log in as %s from now on", textOf(where["file"]), name)
	case d.Name == attrDPoP && c.Want.Get(attrDPoP) == reconcile.Flag(true):
		return one(reconcile.HazardRevokes, "Neo4j takes no DPoP-bound token: %s cannot log in", name)
	case c.Addr().Kind == kindClaim && d.Name == attrScopes && len(reconcile.Members(d.Want)) == 0:
		return one(reconcile.HazardWidens, "claim %s comes in every access token of the server, whatever scopes were asked for", name)
	case c.Addr().Kind == kindClaim && d.Name == attrScopes && len(d.Added) > 0 && len(reconcile.Members(d.Live)) > 0:
		return one(reconcile.HazardWidens, "claim %s comes with %s too", name, listed(d.Added))
	case d.Name == attrLifetime && longer(d.Want, d.Live):
		return one(reconcile.HazardWidens, "tokens by rule %s are good for %s instead of %s: what somebody stole, or what was taken from an account, works for so long", name, textOf(d.Want), textOf(d.Live))
	case d.Name == "audiences":
		return one(reconcile.HazardRevokes, "tokens of %s name another audience: whoever checks it has to be told", name)
	case d.Name == attrClients && contains(d.Want, reconcile.Text(allClients)):
		return one(reconcile.HazardWidens, "every client of the org gets what the rules of %s give", name)
	case isAccess(c.Addr().Kind, d.Name):
		return accessHazards(name, d)
	}
	return nil
}

// longer says whether one duration is longer than another; what is not known yet is not.
func longer(a, b reconcile.Value) bool {
	x, err1 := time.ParseDuration(textOf(a))
	y, err2 := time.ParseDuration(textOf(b))
	return err1 == nil && err2 == nil && x > y
}

// accessHazards tells what a set gains and loses.
func accessHazards(name string, d reconcile.Diff) []reconcile.Hazard {
	what := strings.TrimPrefix(d.Name, attrProfile+".")
	var hs []reconcile.Hazard
	if len(d.Added) > 0 && !narrower(d) { // what everything contained already is not gained
		hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardWidens, Text: fmt.Sprintf("%s gets %s in %s", name, listed(d.Added), what)})
	}
	if len(d.Removed) > 0 {
		hs = append(hs, reconcile.Hazard{Kind: reconcile.HazardRevokes, Text: fmt.Sprintf("%s loses %s in %s", name, listed(d.Removed), what)})
	}
	return hs
}

func listed(vs []reconcile.Value) string {
	var names []string
	for _, v := range vs {
		if t, ok := v.(reconcile.Text); ok {
			q := t.String()
			names = append(names, q[1:len(q)-1])
			continue
		}
		names = append(names, v.String())
	}
	return strings.Join(names, ", ")
}

func deleteHazards(o reconcile.Object) []reconcile.Hazard {
	name := nameOf(o)
	text := words(o.Addr.Kind) + " " + name + " is deleted"
	switch o.Addr.Kind {
	case kindApp:
		text = fmt.Sprintf("app %s is deleted: its tokens stop working at once, its secrets are lost, and a new app gets another client id", name)
		if id, ok := o.Facts[attrClientID].(reconcile.Text); ok && id != o.Facts["id"] {
			text = fmt.Sprintf("app %s is deleted: its tokens stop working at once, and its secrets are lost", name)
		}
	case kindServer:
		text = fmt.Sprintf("authorization server %s is deleted with all its scopes, claims and policies, those of others too", name)
	case kindScope, kindClaim:
		text += ": tokens no longer carry it"
	}
	return []reconcile.Hazard{{Kind: reconcile.HazardDeletes, Text: text}}
}

// nameOf is an object's name in Okta.
func nameOf(o reconcile.Object) string {
	names := []string{o.TextAttr(attrLabel), o.TextAttr(attrName), o.Addr.Name, o.Addr.String()}
	return names[slices.IndexFunc(names, func(s string) bool { return s != "" })]
}
